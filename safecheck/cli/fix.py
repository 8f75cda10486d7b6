"""The command `safecheck fix MODEL -o FIXED.onnx`: what it is asked, and the process that does it."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import click

from safecheck.cli.interrupt import keeping
from safecheck.cli.options import formats_of, page_options, profile_option
from safecheck.cli.output import show, wrote
from safecheck.cli.progress import waiting
from safecheck.render.output import Target
from safecheck.text import printable
from safecheck.usecases.limits import SECONDS, SHARE, Budget, within


def _times(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """A positive multiple such as `3x` or `1.5`."""
    if value is None:
        return None
    with suppress(ValueError):
        times = float(value.removesuffix("x"))
        if 0 < times < float("inf"):
            return times
    raise click.BadParameter(f"'{printable(value, 40)}' is no multiple: write 3x, or 1.5")


@click.command()
@click.argument("model", metavar="MODEL")
@click.option("-o", "--out", "target", metavar="FIXED.onnx", help="Where the fixed model goes; never over an input.")
@profile_option
@click.option("--batch", type=click.IntRange(1), help="Give every open batch dimension this size.")
@click.option("--opset", type=click.IntRange(1, 200), help="Convert to this version of ai.onnx first.")
@click.option(
    "--outputs", "ends", metavar="VALUE", multiple=True, help="End there; a host computes the rest. Repeatable."
)
@click.option("--io", type=click.Choice(["4d"]), help="Four dimensions for inputs and outputs: the same bytes.")
@click.option("--select", "selected", metavar="REWRITE", multiple=True, help="Only this rewrite; may be repeated.")
@click.option("--ignore", "ignored", metavar="REWRITE", multiple=True, help="Not this rewrite; may be repeated.")
@click.option(
    "--calibrate", "calibration", metavar="DIR|N", default="",
    help="Measure the ranges for which bounds hold on the images of a folder, or on N random inputs.",
)  # fmt: skip
@click.option(
    "--limit-activation",
    "most",
    metavar="MIB",
    type=click.IntRange(1, 1 << 20),
    default=1024,
    show_default=True,
    help="No tensor that a rewrite adds is larger, where it can be made in parts.",
)
@click.option(
    "--limit-time", "seconds", metavar="SECONDS", type=click.FloatRange(0, min_open=True), default=SECONDS,
    show_default=True, help="Stop after so long.",
)  # fmt: skip
@click.option(
    "--limit-memory", "memory", metavar="GIB", type=click.FloatRange(0, min_open=True),
    help=f"Stop where it takes more. Default: {SHARE:.0%} of the machine's.",
)  # fmt: skip
@click.option(
    "--max-price", metavar="TIMES", callback=_times,
    help="Leave out what would let the network cost more than so many times the original: `3x`.",
)  # fmt: skip
@click.option("--measure", is_flag=True, help="Time original and result in onnxruntime, too.")
@click.option("--dry-run", is_flag=True, help="Do everything but write the model.")
@click.option("--diff", is_flag=True, help="Print the change of the node list instead of the report.")
@click.option(
    "--output", "outputs", metavar="FORMAT[=PATH]", multiple=True, help=f"{formats_of('fix')}, to a file with =PATH."
)
@page_options
def fix(seconds: float, memory: float | None, **asked: object) -> int:
    """Rewrite what restricted mode does not allow, and prove each rewrite.

    Writes a model that computes the same with permitted layers, as far as that is possible, and audits it again. The
    input is never touched. The exit code is that of the audit of the result.
    """
    budget = Budget(seconds, None if memory is None else int(memory * 2**30))
    model, target = str(asked["model"]), asked["target"]
    place = None if target is None else str(target)
    files = [path.partition("=")[2] or None for path in asked["outputs"]]  # type: ignore[attr-defined]
    with keeping([place, *files]):
        with waiting(f"fixing {model}: rewriting, proving, comparing"):
            written, verdict, code = within(budget, model, place, "safecheck.cli.fixing:fixed", asked)
        for path, document in written:
            show(document, path)
    wrote([Target("", path) for path, _ in written], Counter([verdict]))
    return int(code)
