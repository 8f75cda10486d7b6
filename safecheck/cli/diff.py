"""The command `safecheck diff OLD NEW`."""

from __future__ import annotations

import click

from safecheck.cli.configured import chosen_profile, files_read
from safecheck.cli.options import profile_option
from safecheck.cli.output import emit
from safecheck.decisions.diff import Side, compare, places, side_from_report
from safecheck.errors import UsageError
from safecheck.render import RENDERERS
from safecheck.render.output import check_targets, refuse_clashes, targets_of
from safecheck.rulebook.load import profile
from safecheck.rulebook.profile import Profile
from safecheck.text import printable
from safecheck.usecases.audit import audit_model


@click.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@profile_option
@click.option(
    "--output", "output", metavar="FORMAT[=PATH]", default="text", show_default=True,
    help=f"Format of the result ({', '.join(RENDERERS['diff'])}), to a file with =PATH.",
)  # fmt: skip
def diff(old: str, new: str, profile_name: str | None, output: str) -> int:
    """Say which findings are new, fixed and unchanged.

    OLD and NEW are models, or JSON reports on one model (*.json). Exit code: 1 if something forbidden is new, 3 if only
    something unproven is or an input cannot be read, 0 otherwise, which does not mean that NEW is compliant.
    """
    if old == new == "-":
        raise UsageError("SC-CFG-INPUT", "-", "standard input is named twice", "name it once")
    targets = targets_of("diff", [output])
    book = profile(chosen_profile(profile_name, [path for path in (old, new) if not path.endswith(".json")]))
    check_targets(targets, [old, new, *files_read(book)])
    weights: list[str] = []
    changes = compare(_side(old, book, weights), _side(new, book, weights))
    refuse_clashes(targets, weights)
    for target in targets:
        emit(target, "diff", changes)
    return changes.exit_code


def _side(path: str, book: Profile, weights: list[str]) -> Side:
    if path.lower().endswith(".json"):
        side = side_from_report(path)
        used = side.profile.split(" ")[0]
        if used != book.id:
            what = f"this report is about profile {printable(used, 80)}, not {book.id}"
            raise UsageError("SC-DIFF-PROFILE", printable(path), what, f"use --profile {printable(used, 80)}")
        return side
    report = audit_model(path, book)
    if report.error is not None:
        raise report.error
    assert report.model is not None
    assert report.audit is not None
    weights += report.weight_files
    name = f"{book.id} {book.version} {book.sha256}"
    return Side(path, report.model.sha256, name, str(report.verdict), places(report.audit.findings))
