"""The command `safecheck explain`: what an error id or a rule means, and what to do about it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from importlib.resources import files
from typing import NamedTuple

import click

from safecheck.cli.output import say
from safecheck.errors import UsageError
from safecheck.limits import LIMITS
from safecheck.strict.words import suggest
from safecheck.text import printable

_FAMILY = "SC-"
_WIDTH = 80


class Known(NamedTuple):
    """One row of `safecheck/errors.md`."""

    means: str
    todo: str


@click.command()
@click.argument("name", metavar="[ID|RULE]", required=False)
@click.pass_context
def explain(ctx: click.Context, name: str | None) -> int:
    """Explain the id of an error, with the option of a limit, or a rule; without a name, list all ids of errors."""
    known = errors()
    if name is None:
        for code, error in known.items():
            say(f"{code:<22}{error.means}")
    elif not name.upper().startswith(_FAMILY):
        from safecheck.cli.rules import show_rule

        ctx.invoke(show_rule, rule_id=name, names=())
    elif name.upper() in known:
        _describe(name.upper(), known[name.upper()])
    else:
        what = f"there is no error '{printable(name, 60)}'{suggest(name.upper(), known)}"
        raise UsageError("SC-CFG-NAME", "explain", what, "see `safecheck explain` for all of them")
    return 0


def _describe(code: str, error: Known) -> None:
    say(code)
    say(textwrap.fill(error.means, _WIDTH, initial_indent="  ", subsequent_indent="  "))
    say(textwrap.fill(f"What to do: {error.todo}", _WIDTH, initial_indent="  ", subsequent_indent="  "))
    for name, limit in LIMITS.items():
        if limit.code == code:
            most = f"{limit.default:,.10g} {limit.unit} by default"
            say(f"  --limit-{name} {limit.unit.upper()}: {limit.what}, {most}")


def errors() -> Mapping[str, Known]:
    """Every error id of the program, in the order of the table."""
    text = files("safecheck").joinpath("errors.md").read_text(encoding="utf-8")
    rows = (line[2:-2].split(" | ") for line in text.splitlines() if line.startswith(f"| `{_FAMILY}"))
    return {code.strip("`"): Known(means, todo) for code, means, todo in rows}
