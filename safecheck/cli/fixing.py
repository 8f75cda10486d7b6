"""What the process behind `safecheck fix` does: check what was asked, fix, and make what is shown of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from safecheck.audit.sign_off import SignOff
from safecheck.cli.configured import chosen_profile, files_read
from safecheck.errors import UsageError
from safecheck.intake.locations import weight_files
from safecheck.measure.images.folder import find_images
from safecheck.render import RENDERERS, Document, handed_on
from safecheck.render.output import Target, check_targets, targets_of
from safecheck.rewrite.files import data_of
from safecheck.rulebook.load import profile
from safecheck.text import printable
from safecheck.usecases.fix import Request, check_names, fix


def fixed(asked: Mapping[str, Any]) -> tuple[list[tuple[str | None, Document]], str, int]:
    """What is written where, None for standard output, the verdict and the exit code; `asked` are the options."""
    model, target, dry_run = asked["model"], asked["target"], asked["dry_run"]
    check_names(asked["selected"], "--select")
    check_names(asked["ignored"], "--ignore")
    if target is None and not dry_run:
        raise UsageError("SC-CFG-OUT", "-o", "no place for the fixed model is given", "add -o FIXED.onnx, or --dry-run")
    if model == "-":
        raise UsageError(
            "SC-CFG-INPUT", "-", "fix reads the model twice, which standard input does not allow", "give a file"
        )
    if os.path.isdir(model):
        raise UsageError("SC-CFG-INPUT", printable(model), "this is a folder", "give one model file")
    rulebook = profile(chosen_profile(asked["profile_name"], [model]))
    targets = targets_of("fix", asked["outputs"])
    made = [] if target is None else [Target("onnx", target), Target("data", data_of(target))]
    pictures = find_images(asked["calibration"]) if os.path.isdir(asked["calibration"]) else []
    read = [model, *weight_files([model]), *files_read(rulebook), *(str(image.path) for image in pictures)]
    check_targets([*made, *targets], read)
    illustrate = any(place.format == "html" for place in targets)
    request = Request(
        asked["batch"],
        asked["opset"],
        asked["selected"],
        asked["ignored"],
        calibration=asked["calibration"],
        largest=asked["most"] << 20,
        illustrate=illustrate,
        ends=asked["ends"],
        four=asked["io"] is not None,
        max_price=asked["max_price"],
        measure=asked["measure"],
    )
    result = fix(model, None if dry_run else target, rulebook, request)
    sign_off = SignOff(asked["annex"], asked["reviewed_as_of"])
    result = replace(result, after=replace(result.after, sign_off=sign_off))
    shown: list[tuple[str | None, Document]] = []
    for place in targets:
        if asked["diff"] and place == Target("text", None):
            shown.append((None, f"{result.difference}\n" if result.difference else ""))
        else:
            shown.append((place.path, handed_on(RENDERERS["fix"][place.format](result))))
    return shown, str(result.after.verdict), result.after.exit_code
