"""The command `safecheck bench MODEL...`."""

from __future__ import annotations

from dataclasses import replace

import click

from safecheck.cli.configured import search
from safecheck.cli.images import image_options, preparation, progress
from safecheck.cli.output import complain, emit
from safecheck.errors import UsageError
from safecheck.intake.locations import weight_files
from safecheck.measure.images.folder import find_images
from safecheck.measure.images.labels import read_labels
from safecheck.measure.timing.campaign import PRECISIONS, Column, Request
from safecheck.measure.timing.campaign import bench as measure
from safecheck.measure.timing.machine import Machine
from safecheck.nvidia.backends.trtexec import Trtexec
from safecheck.render.output import Target, check_targets
from safecheck.strict.yaml import suggest
from safecheck.text import printable
from safecheck.usecases.limits import budget, within

_MAX_BATCH = 4096


@click.command()
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@click.option("--batch", "batches", metavar="N,N,...", default="1", show_default=True, help="Such as 1,4,8,16.")
@click.option(
    "--precision",
    "precisions",
    metavar="P,P,...",
    default="fp32",
    show_default=True,
    help=f"{', '.join(PRECISIONS)}; mixed is for models with Q/DQ nodes.",
)
@click.option(
    "--backend",
    type=click.Choice(["onnxruntime", "trtexec"]),
    default="onnxruntime",
    show_default=True,
    help="onnxruntime on the CPU, or TensorRT through trtexec.",
)
@click.option("--trtexec", metavar="PATH", default="trtexec", show_default=True, help="The executable.")
@click.option("--timeout", type=click.FloatRange(1), default=1800, show_default=True, help="Seconds per trtexec run.")
@click.option("--warmup", type=click.IntRange(0), default=5, show_default=True, help="Runs before the clock starts.")
@click.option("--runs", type=click.IntRange(1), default=100, show_default=True, help="Runs with the clock on.")
@click.option("--images", metavar="DIR", help="Images for Top-1, with --labels.")
@click.option("--labels", metavar="FILE", help="CSV of file,class for Top-1.")
@image_options
@click.option("-o", "--out", "target", metavar="FILE.json", help="The measurements, for compare --measured.")
def bench(
    models: tuple[str, ...], batches: str, precisions: str, backend: str, trtexec: str, timeout: float, warmup: int,
    runs: int, images: str | None, labels: str | None, size: int | None, resize: int | None, mean: str | None,
    std: str | None, target: str | None,
) -> int:  # fmt: skip
    """Measure latency, throughput and Top-1 on this machine.

    Nothing is estimated: what this machine cannot measure is listed with the reason. The exit code is 0 if every model
    has a measurement, and 3 if one has none.
    """
    if (images is None) != (labels is None):
        raise UsageError("SC-CFG-LABELS", "--images, --labels", "Top-1 needs both", "give both or neither")
    paths = search(models)
    if "-" in paths:
        raise UsageError("SC-CFG-INPUT", "-", "a measurement names its model, standard input has no name", "give files")
    targets = [*([Target("json", target)] if target is not None else []), Target("text", None)]
    found = find_images(images) if images is not None else []
    pictures = (str(image.path) for image in found)
    check_targets(targets, [*paths, *weight_files(paths), *pictures, *([labels] if labels else [])])
    request = Request(
        _batches(batches), _precisions(precisions), Trtexec(trtexec, timeout) if backend == "trtexec" else None,
        warmup, runs, found, read_labels(labels, found) if labels is not None else None,
        preparation(size, resize, mean, std),
    )  # fmt: skip
    builds = timeout * len(request.batches) * len(request.precisions) if request.trtexec is not None else 0.0
    most = replace(budget("measuring it", "nothing is known of it", builds), measures=True)
    with progress() as tick:

        def one(path: str, machine: Machine, date: str) -> Column:
            asked = (path, request, machine, date)
            found: Column = within(most, path, None, "safecheck.measure.timing.campaign:column", *asked, tell=tick)
            return found

        campaign = measure(paths, request, one)
    for column in campaign.columns:
        if column.error is not None:
            complain(column.error)
    for place in targets:
        emit(place, "bench", campaign)
    return campaign.exit_code


def _batches(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.isascii() and part.isdigit() and len(part) < 6 and 1 <= int(part) <= _MAX_BATCH for part in parts):
        what = f"'{printable(text, 60)}' is no list of numbers from 1 to {_MAX_BATCH}"
        raise UsageError("SC-CFG-BATCH", "--batch", what, "write it like 1,4,8,16")
    return tuple(dict.fromkeys(map(int, parts)))


def _precisions(text: str) -> tuple[str, ...]:
    parts = text.split(",")
    for part in parts:
        if part not in PRECISIONS:
            what = f"no precision '{printable(part, 40)}'{suggest(part, PRECISIONS)}"
            raise UsageError("SC-CFG-PRECISION", "--precision", what, f"use: {', '.join(PRECISIONS)}")
    return tuple(dict.fromkeys(parts))
