"""The commands as click knows them: help, completion, and what a command line says that is not read without it."""

from __future__ import annotations

import importlib
from contextlib import suppress

import click

from safecheck import __version__
from safecheck.cli import COMMANDS
from safecheck.cli.examples import epilog
from safecheck.cli.group import Group
from safecheck.cli.limits import add_limits


class _Commands(Group):
    """A group that imports a command when it is asked for: an audit does not pay for the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:  # click would write an empty line
            raise click.exceptions.Abort from error

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(f"safecheck.cli.{cmd_name}"), cmd_name)
        if not isinstance(command, click.Group):
            add_limits(command)
        command.epilog = epilog(cmd_name)
        return command


@click.group(
    cls=_Commands, epilog=epilog(""), context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80}
)
@click.version_option(__version__, message="safecheck %(version)s")
def cli() -> None:
    """Would TensorRT's restricted mode build this ONNX model, and if not, why not?

    safecheck reads the model, works out which TensorRT layers its parser would make of every node, and holds each layer
    against an allowlist with sources. It needs no GPU and no TensorRT.

    Exit codes: 0 compliant, 1 non-compliant, 2 usage or rule-file error, 3 inconclusive or unreadable, 4 a bug in
    safecheck, 130 interrupted.
    """


def main(arguments: list[str]) -> int:
    """Run a command and give its exit code; 2 for a command line that holds a mistake.

    Raises:
        KeyboardInterrupt: click says that somebody has had enough.
    """
    try:
        code = cli.main(arguments, prog_name="safecheck", standalone_mode=False)
    except click.exceptions.Abort as error:
        raise KeyboardInterrupt from error
    except click.ClickException as error:
        with suppress(OSError, ValueError):
            error.show()
        return 2
    return code if isinstance(code, int) else 0
