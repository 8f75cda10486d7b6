"""The options `--limit-NAME` that every command takes which may read a model."""

from __future__ import annotations

from collections.abc import Callable

import click

from safecheck.limits import LIMITS, raised, set_limits


def add_limits(command: click.Command) -> None:
    """Let a command take the limits it has no option of its own for; `safecheck explain` and docs/limits.md tell them.

    They are hidden: fifty lines of help would be about what hardly anybody needs, and every error names its option.
    """
    taken = {option for parameter in command.params for option in parameter.opts}
    command.params += [_option(name) for name in LIMITS if f"--limit-{name}" not in taken]


def _option(name: str) -> click.Option:
    found = LIMITS[name]
    return click.Option(
        [f"--limit-{name}"],
        type=click.FloatRange(0, min_open=True),
        metavar=found.unit.upper(),
        help=f"{found.what}, at most. Default: {found.default:g}.",
        hidden=True,
        expose_value=False,
        callback=_keeper(name),
    )


def _keeper(name: str) -> Callable[[click.Context, click.Parameter, float | None], None]:
    def keep(_: click.Context, __: click.Parameter, value: float | None) -> None:
        if value is not None:
            set_limits({**raised(), name: value})

    return keep
