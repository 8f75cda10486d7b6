"""Commands by name or by what only one name begins with; a name that is none is one line, with what was meant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from safecheck.cli.examples import epilog
from safecheck.cli.limits import add_limits
from safecheck.errors import UsageError
from safecheck.strict.words import completed, suggest
from safecheck.text import printable

if TYPE_CHECKING:
    Parameter = click.ParamType[str]
else:
    Parameter = click.ParamType  # generic from click 8.5 on


class Group(click.Group):
    """A group of commands; `cls` of every group."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, with the limits as options, its help with examples."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            if not isinstance(command, click.Group):
                add_limits(command)
            command.epilog = epilog(f"{self.name} {cmd_name}")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word means.

        Raises:
            UsageError: it means none, or could mean several.
        """
        name, *rest = args
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            commands = ((known, self.get_command(ctx, known)) for known in self.list_commands(ctx))
            shown = [known for known, command in commands if command is not None and not command.hidden]
            name = meant(name, shown, "command", ctx.command_path)
        return super().resolve_command(ctx, [name, *rest])


class Name(Parameter):
    """One of a list of names."""

    name = "name"

    def __init__(self, known: Iterable[str], kind: str) -> None:
        """`kind` is what the names are called, as in `model`."""
        self._known, self._kind = list(known), kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The whole name.

        Raises:
            UsageError: there is none that begins so, or there are several.
        """
        return meant(str(value), self._known, self._kind, param.human_readable_name if param is not None else "")

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """The names that begin so."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in self._known if name.startswith(incomplete)]


def meant(word: str, known: list[str], kind: str, where: str) -> str:
    """The name that a word is or begins.

    Raises:
        UsageError: there is none, or there are several.
    """
    found = completed(word, known)
    if found is None:
        what = f"no {kind} '{printable(word, 60)}'{suggest(word, known)}"
        raise UsageError("SC-CFG-NAME", where, what, f"use one of: {', '.join(known)}")
    return found
