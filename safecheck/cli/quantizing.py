"""What the process behind `safecheck quantize` does: check what was asked, quantise, and make what is shown of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from safecheck.cli.configured import chosen_profile, files_read
from safecheck.cli.images import preparation
from safecheck.errors import UsageError
from safecheck.intake.locations import weight_files
from safecheck.measure.images.folder import find_images
from safecheck.measure.quantize.quantize import Quantised, Request, quantize
from safecheck.render import RENDERERS, Document, handed_on
from safecheck.render.output import Target, check_targets, targets_of
from safecheck.rewrite.files import data_of
from safecheck.rulebook.load import profile
from safecheck.text import printable


class Shown(NamedTuple):
    """What is left to say."""

    warning: str
    written: list[tuple[str | None, Document]]
    """What goes where, None for standard output."""
    exit_code: int


def quantised(asked: Mapping[str, Any], tick: Callable[[str, int, int], None]) -> Shown:
    """Quantise; `asked` are the options, `tick` is told how far it is.

    Raises:
        InputError: model or images cannot be read or run; nothing is written then.
        UsageError: the request does not fit the model, or the target cannot be written.
    """
    model, target, labels = asked["model"], asked["target"], asked["labels"]
    if model == "-":
        what = "quantize reads the model twice, which standard input does not allow"
        raise UsageError("SC-CFG-INPUT", "-", what, "give a file")
    if os.path.isdir(model):
        raise UsageError("SC-CFG-INPUT", printable(model), "this is a folder", "give one model file")
    rulebook = profile(chosen_profile(asked["profile_name"], [model]))
    targets = targets_of("quantize", asked["outputs"])
    written = [Target("onnx", target), Target("data", data_of(target))]
    pictures = (str(image.path) for image in find_images(asked["images"]))
    read = [model, *weight_files([model]), *files_read(rulebook), *pictures, *([labels] if labels else [])]
    check_targets([*written, *targets], read)
    options = preparation(asked["size"], asked["resize"], asked["mean"], asked["std"])
    names = ("images", "count", "method", "precision", "labels", "seed", "percentile")
    request = Request(**{name: asked[name] for name in names}, options=options)
    done = quantize(model, target, rulebook, request, tick)
    few = done.used < request.count
    warning = f"calibrated on {done.used} images, not {request.count}: {_why(done)}" if few else ""
    documents = [(place.path, handed_on(RENDERERS["quantize"][place.format](done))) for place in targets]
    return Shown(warning, documents, done.after.exit_code)


def _why(done: Quantised) -> str:
    if done.found <= done.used:
        return "the folder holds no more"
    return "the rest fills no batch of the model"
