"""The command `safecheck help [TOPIC]`: what one has to know, without a browser and without the repository."""

from __future__ import annotations

from importlib.resources import files

import click

from safecheck.cli.output import say
from safecheck.errors import UsageError
from safecheck.strict.yaml import suggest
from safecheck.text import printable

_FILE = "topics.txt"


@click.command("help")
@click.argument("words", metavar="[TOPIC]", nargs=-1)
@click.pass_context
def help(ctx: click.Context, words: tuple[str, ...]) -> int:
    """Explain a topic, or a command as its --help does; without TOPIC, list what there is."""
    from safecheck.cli import COMMANDS
    from safecheck.cli.root import cli

    topics, topic = _topics(), " ".join(words)
    if not topic:
        shown = (name for name in COMMANDS if name != "hook")  # which pre-commit calls, nobody else
        page = click.HelpFormatter(width=80)
        page.write_dl([(name, text.partition("\n")[0]) for name, text in topics.items()])
        page.write_paragraph()
        page.write_text(f"and every command: {', '.join(shown)}")
        say(page.getvalue().rstrip())
    elif topic in topics:
        say(topics[topic].rstrip())
    elif (command := _command(ctx, cli, words)) is not None:
        say(command.get_help(click.Context(command, info_name=f"safecheck {topic}", parent=None)))
    else:
        what = f"there is no topic '{printable(topic, 60)}'{suggest(topic, [*topics, *COMMANDS])}"
        raise UsageError("SC-CFG-HELP", "help", what, "see `safecheck help` for what there is")
    return 0


def _command(ctx: click.Context, group: click.Command, words: tuple[str, ...]) -> click.Command | None:
    """The command of these words, as `deviations new` is one; None where there is none."""
    for word in words:
        found = group.get_command(ctx, word) if isinstance(group, click.Group) else None
        if found is None:
            return None
        group = found
    return group


def _topics() -> dict[str, str]:
    """Name -> text, whose first line says what it is about."""
    parts = files("safecheck.cli").joinpath(_FILE).read_text(encoding="utf-8").split("\n= ")[1:]
    return {name: text for name, _, text in (part.partition("\n") for part in parts)}
