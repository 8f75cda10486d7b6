"""Options about images that several commands share, and a progress bar that only a terminal sees."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from safecheck.errors import UsageError
from safecheck.measure.images.decode import IMAGENET_MEAN, IMAGENET_STD
from safecheck.measure.images.input import Options
from safecheck.text import printable

_CHOICES = (
    click.option("--size", type=click.IntRange(1, 16384), help="Height and width, where the model leaves them open."),
    click.option(
        "--resize", type=click.IntRange(1, 16384),
        help="Pixels of the shorter side before the crop. Default: the crop x 8/7.",
    ),
    click.option("--mean", metavar="R,G,B", help=f"Default: {','.join(map(str, IMAGENET_MEAN))} (ImageNet)."),
    click.option("--std", metavar="R,G,B", help=f"Default: {','.join(map(str, IMAGENET_STD))} (ImageNet)."),
)  # fmt: skip


def image_options(command: Callable[..., int]) -> Callable[..., int]:
    """`--size`, `--resize`, `--mean` and `--std`."""
    for choice in reversed(_CHOICES):
        command = choice(command)
    return command


def preparation(size: int | None, resize: int | None, mean: str | None, std: str | None) -> Options:
    """What these options say.

    Raises:
        UsageError: a list of numbers is none.
    """
    means = IMAGENET_MEAN if mean is None else _numbers("--mean", mean, -1e6)
    stds = IMAGENET_STD if std is None else _numbers("--std", std, 1e-6)
    return Options(size, resize, means, stds)


def _numbers(option: str, text: str, least: float) -> tuple[float, ...]:
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if len(found) not in (1, 3) or not all(least <= number <= 1e6 for number in found):
        what = f"'{printable(text, 60)}' is no list of one or three numbers"
        raise UsageError("SC-CFG-MEAN", option, what, f"write it like {','.join(map(str, IMAGENET_MEAN))}")
    return found


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """A function that is told a stage, what more of it is done, and its size."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda stage, done, total: None
        return
    from safecheck.render.terminal import bars

    with bars(sys.stderr) as advance:
        yield advance
