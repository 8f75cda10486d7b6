"""The limits, their options and the page about them are one."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from safecheck.cli.root import cli
from safecheck.limits import LIMITS

PAGE = Path(__file__).parents[1] / "docs" / "limits.md"


def test_the_page_names_every_limit_as_it_is() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, limit in LIMITS.items():
        row = f"| `--limit-{name}` | `{limit.code}` | {limit.default:,.10g} {limit.unit} | {limit.what} |"
        assert row in text, row


@pytest.mark.parametrize(
    "words",
    [
        "audit", "baseline write", "bench", "compare", "deviations new", "diff", "fix", "graph", "hook", "ledger add",
        "probe", "quantize", "rules diff", "selftest", "verify", "zoo export",
    ],
)  # fmt: skip
def test_commands_that_read_models_take_every_limit(words: str) -> None:
    command: click.Command | None = cli
    for word in words.split():
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), word)
    assert command is not None
    taken = {option for parameter in command.params for option in parameter.opts}
    assert {f"--limit-{limit}" for limit in LIMITS} <= taken
