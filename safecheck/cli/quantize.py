"""The command `safecheck quantize MODEL --images DIR -o OUT.onnx`."""

from __future__ import annotations

from typing import Any

import click

from safecheck.cli.images import image_options, progress
from safecheck.cli.interrupt import keeping
from safecheck.cli.options import formats_of, profile_option
from safecheck.cli.output import note, show
from safecheck.measure.quantize.clipping import METHODS
from safecheck.measure.quantize.quantize import COUNT, PERCENTILE, PRECISIONS
from safecheck.usecases.limits import budget, within


@click.command()
@click.argument("model", metavar="MODEL")
@click.option("--images", metavar="DIR", required=True, help="Calibration images: PNG, JPEG, or arrays in .npy files.")
@click.option("-o", "--out", "target", metavar="OUT.onnx", required=True, help="Never over an input.")
@click.option("--count", type=click.IntRange(1), default=COUNT, show_default=True, help="Images to calibrate on.")
@click.option("--method", type=click.Choice(METHODS), default="entropy", show_default=True)
@click.option(
    "--percentile",
    type=click.FloatRange(50, 100),
    default=PERCENTILE,
    show_default=True,
    help="Share of the values that is not clipped, for --method percentile.",
)
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="mixed",
    show_default=True,
    help="mixed: convolutions and matrix products in INT8; int8: more operators.",
)
@click.option("--labels", metavar="FILE", help="CSV of file,class: Top-1 before and after.")
@click.option("--seed", type=int, default=0, show_default=True, help="Chooses --count of the images.")
@image_options
@profile_option
@click.option(
    "--output",
    "outputs",
    metavar="FORMAT[=PATH]",
    multiple=True,
    help=f"{formats_of('quantize')}, to a file with =PATH.",
)
def quantize(**asked: Any) -> int:
    """Quantise to INT8 after training, with Q/DQ nodes as TensorRT reads them.

    Runs the model on calibration images, chooses a scale for every activation, writes a new model and audits it. The
    input is never touched. The exit code is that of the audit of the result.
    """
    model, target = asked["model"], asked["target"]
    files = [path.partition("=")[2] or None for path in asked["outputs"]]
    with keeping([target, *files]):
        with progress() as tick:
            most = budget("quantising it", "nothing was written")
            done = within(most, model, target, "safecheck.cli.quantizing:quantised", asked, tell=tick)
        if done.warning:
            note(f"warning: {done.warning}")
        for path, document in done.written:
            show(document, path)
    return int(done.exit_code)
