"""The command `safecheck completion SHELL`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the script that lets a shell complete commands and options.

    For bash, put this line into ~/.bashrc: eval "$(safecheck completion bash)"
    """
    from safecheck.cli.output import say
    from safecheck.cli.root import cli

    kind = get_completion_class(shell)
    assert kind is not None
    say(kind(cli, {}, "safecheck", "_SAFECHECK_COMPLETE").source())
    return 0
