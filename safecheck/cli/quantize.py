"""The command `safecheck quantize MODEL --images DIR -o OUT.onnx`."""

from __future__ import annotations

import os

import click

from safecheck.cli.configured import chosen_profile, files_read
from safecheck.cli.images import image_options, preparation, progress
from safecheck.cli.options import formats_of, profile_option
from safecheck.cli.output import emit, note
from safecheck.errors import UsageError
from safecheck.intake.locations import weight_files
from safecheck.measure.images.folder import find_images
from safecheck.measure.quantize.clipping import METHODS
from safecheck.measure.quantize.quantize import COUNT, PERCENTILE, PRECISIONS, Quantised, Request
from safecheck.measure.quantize.quantize import quantize as quantize_model
from safecheck.render.output import Target, check_targets, targets_of
from safecheck.rewrite.files import data_of
from safecheck.rulebook.load import profile
from safecheck.text import printable


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
def quantize(
    model: str, images: str, target: str, count: int, method: str, percentile: float, precision: str,
    labels: str | None, seed: int, size: int | None, resize: int | None, mean: str | None, std: str | None,
    profile_name: str | None, outputs: tuple[str, ...],
) -> int:  # fmt: skip
    """Quantise to INT8 after training, with Q/DQ nodes as TensorRT reads them.

    Runs the model on calibration images, chooses a scale for every activation, writes a new model and audits it. The
    input is never touched. The exit code is that of the audit of the result.
    """
    if model == "-":
        what = "quantize reads the model twice, which standard input does not allow"
        raise UsageError("SC-CFG-INPUT", "-", what, "give a file")
    if os.path.isdir(model):
        raise UsageError("SC-CFG-INPUT", printable(model), "this is a folder", "give one model file")
    rulebook = profile(chosen_profile(profile_name, [model]))
    targets = targets_of("quantize", outputs)
    written = [Target("onnx", target), Target("data", data_of(target))]
    pictures = (str(image.path) for image in find_images(images))
    read = [model, *weight_files([model]), *files_read(rulebook), *pictures, *([labels] if labels else [])]
    check_targets([*written, *targets], read)
    options = preparation(size, resize, mean, std)
    request = Request(images, count, method, precision, labels, seed, percentile, options)
    with progress() as tick:
        done = quantize_model(model, target, rulebook, request, tick)
    if done.used < count:
        note(f"warning: calibrated on {done.used} images, not {count}: {_why(done)}")
    for place in targets:
        emit(place, "quantize", done)
    return done.after.exit_code


def _why(done: Quantised) -> str:
    if done.found <= done.used:
        return "the folder holds no more"
    return "the rest fills no batch of the model"
