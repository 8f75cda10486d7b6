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
@click.argument("topic", metavar="[TOPIC]", required=False)
@click.pass_context
def help(ctx: click.Context, topic: str | None) -> int:
    """Explain a topic, or a command as its --help does; without TOPIC, list what there is."""
    from safecheck.cli import COMMANDS
    from safecheck.cli.root import cli

    topics = _topics()
    if topic is None:
        say("\n".join(f"{name:14}{text.partition(chr(10))[0]}" for name, text in topics.items()))
        shown = (name for name in COMMANDS if name != "hook")  # which pre-commit calls, nobody else
        say(f"\nand every command: {', '.join(shown)}")
    elif topic in topics:
        say(topics[topic].rstrip())
    elif (command := cli.get_command(ctx, topic)) is not None:
        say(command.get_help(click.Context(command, info_name=f"safecheck {topic}", parent=None)))
    else:
        what = f"there is no topic '{printable(topic, 60)}'{suggest(topic, [*topics, *COMMANDS])}"
        raise UsageError("SC-CFG-HELP", "help", what, "see `safecheck help` for what there is")
    return 0


def _topics() -> dict[str, str]:
    """Name -> text, whose first line says what it is about."""
    parts = files("safecheck.cli").joinpath(_FILE).read_text(encoding="utf-8").split("\n= ")[1:]
    return {name: text for name, _, text in (part.partition("\n") for part in parts)}
