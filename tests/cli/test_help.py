"""Every help text fits a terminal of 80 columns and ends in command lines that can be typed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import click
import pytest

from safecheck.cli.examples import EXAMPLES
from safecheck.cli.root import cli


def commands(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield words, group
    with click.Context(group, info_name=" ".join(("safecheck", *words))) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            if isinstance(command, click.Group):
                yield from commands(command, (*words, name))
            else:
                yield (*words, name), command


ALL = dict(commands(cli))


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_fits_80_columns_and_ends_in_examples(words: tuple[str, ...]) -> None:
    command = ALL[words]
    context = click.Context(command, info_name=" ".join(("safecheck", *words)), terminal_width=80)
    lines = command.get_help(context).splitlines()
    assert max(map(len, lines)) <= 80
    start = lines.index("  Examples:")
    shown = " ".join(line.strip().removesuffix("\\").strip() for line in lines[start + 1 :])
    assert shown == " ".join(EXAMPLES[" ".join(words)])


@pytest.mark.parametrize(
    "line", sorted({line for lines in EXAMPLES.values() for line in lines if not line.startswith("eval")})
)
def test_an_example_is_understood(line: str) -> None:
    program, *arguments = shlex.split(line)
    assert program == "safecheck"
    words, command = next(
        (tuple(arguments[:length]), ALL[tuple(arguments[:length])])
        for length in (2, 1)
        if tuple(arguments[:length]) in ALL
    )
    with command.make_context(" ".join(words), arguments[len(words) :]) as context:
        assert not context.args


def test_every_example_belongs_to_a_command() -> None:
    assert {" ".join(words) for words in ALL} == set(EXAMPLES)
