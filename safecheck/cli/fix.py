"""The command `safecheck fix MODEL -o FIXED.onnx`."""

from __future__ import annotations

import os

import click

from safecheck.cli.configured import chosen_profile, files_read
from safecheck.cli.options import formats_of, profile_option
from safecheck.cli.output import emit, show
from safecheck.errors import UsageError
from safecheck.intake.locations import weight_files
from safecheck.render.output import Target, check_targets, targets_of
from safecheck.rewrite.files import data_of
from safecheck.rulebook.load import profile
from safecheck.text import printable
from safecheck.usecases.fix import Request, check_names
from safecheck.usecases.fix import fix as fix_model


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
@click.option("--dry-run", is_flag=True, help="Do everything but write the model.")
@click.option("--diff", is_flag=True, help="Print the change of the node list instead of the report.")
@click.option(
    "--output", "outputs", metavar="FORMAT[=PATH]", multiple=True, help=f"{formats_of('fix')}, to a file with =PATH."
)
def fix(
    model: str, target: str | None, profile_name: str | None, batch: int | None, opset: int | None,
    ends: tuple[str, ...], io: str | None, selected: tuple[str, ...], ignored: tuple[str, ...], calibration: str,
    most: int, dry_run: bool, diff: bool, outputs: tuple[str, ...],
) -> int:  # fmt: skip
    """Rewrite what restricted mode does not allow, and prove each rewrite.

    Writes a model that computes the same with permitted layers, as far as that is possible, and audits it again. The
    input is never touched. The exit code is that of the audit of the result.
    """
    check_names(selected, "--select")
    check_names(ignored, "--ignore")
    if target is None and not dry_run:
        raise UsageError("SC-CFG-OUT", "-o", "no place for the fixed model is given", "add -o FIXED.onnx, or --dry-run")
    if model == "-":
        raise UsageError(
            "SC-CFG-INPUT", "-", "fix reads the model twice, which standard input does not allow", "give a file"
        )
    if os.path.isdir(model):
        raise UsageError("SC-CFG-INPUT", printable(model), "this is a folder", "give one model file")
    rulebook = profile(chosen_profile(profile_name, [model]))
    targets = targets_of("fix", outputs)
    written = [] if target is None else [Target("onnx", target), Target("data", data_of(target))]
    check_targets([*written, *targets], [model, *weight_files([model]), *files_read(rulebook)])
    illustrate = any(place.format == "html" for place in targets)
    request = Request(
        batch,
        opset,
        selected,
        ignored,
        calibration=calibration,
        largest=most << 20,
        illustrate=illustrate,
        ends=ends,
        four=io is not None,
    )
    fixed = fix_model(model, None if dry_run else target, rulebook, request)
    for place in targets:
        if diff and place == Target("text", None):
            show(f"{fixed.difference}\n" if fixed.difference else "")
        else:
            emit(place, "fix", fixed)
    return fixed.after.exit_code
