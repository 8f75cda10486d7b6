"""The command `safecheck fix MODEL -o FIXED.onnx`."""

from __future__ import annotations

import os

import click

from safecheck.cli.configured import chosen_profile
from safecheck.cli.options import profile_option
from safecheck.cli.reporting import show, show_lines
from safecheck.errors import UsageError
from safecheck.render.fix import json as fix_json
from safecheck.render.fix import text as fix_text
from safecheck.render.output import Target, check_targets, refuse_clashes, target_of
from safecheck.rulebook.load import profile
from safecheck.text import printable
from safecheck.usecases.fix import Fixed, Request, check_names
from safecheck.usecases.fix import fix as fix_model

FORMATS = ("text", "json", "html")


@click.command()
@click.argument("model", metavar="MODEL")
@click.option("-o", "--out", "target", metavar="FIXED.onnx", help="Where the fixed model goes; never over an input.")
@profile_option
@click.option("--batch", type=click.IntRange(1), help="Give every open batch dimension this size.")
@click.option("--opset", type=click.IntRange(1, 200), help="Convert to this version of ai.onnx first.")
@click.option("--select", "selected", metavar="REWRITE", multiple=True, help="Only this rewrite; may be repeated.")
@click.option("--ignore", "ignored", metavar="REWRITE", multiple=True, help="Not this rewrite; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Do everything but write the model.")
@click.option("--diff", is_flag=True, help="Print the change of the node list instead of the report.")
@click.option(
    "--output", "outputs", metavar="FORMAT[=PATH]", multiple=True, help="text, json or html, to a file with =PATH."
)
def fix(
    model: str, target: str | None, profile_name: str | None, batch: int | None, opset: int | None,
    selected: tuple[str, ...], ignored: tuple[str, ...], dry_run: bool, diff: bool, outputs: tuple[str, ...],
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
    profile_name = chosen_profile(profile_name, [model])
    rulebook = profile(profile_name)
    targets = [target_of(request, FORMATS) for request in outputs] or [Target("text", None)]
    places = [Target("onnx", target), *targets] if target is not None else targets
    check_targets(places, [model, profile_name])
    illustrate = any(place.format == "html" for place in targets)
    request = Request(batch, opset, selected, ignored, illustrate=illustrate)
    fixed = fix_model(model, None if dry_run else target, rulebook, request)
    refuse_clashes(tuple(targets), fixed.before.weight_files)
    for place in targets:
        _emit(place, fixed, None if dry_run else target, diff)
    return fixed.after.exit_code


def _emit(place: Target, fixed: Fixed, written: str | None, diff: bool) -> None:
    if place.format == "html":
        from safecheck.render.audit import html

        show(html.document([fixed.after], fixed), place.path)
    elif place.format == "json":
        show(fix_json.document(fixed), place.path)
    elif diff and place.path is None:
        show(f"{fixed.difference}\n" if fixed.difference else "", None)
    else:
        show_lines(fix_text.lines(fixed, written), place.path)
