"""The commands `safecheck baseline ...`."""

from __future__ import annotations

import os

import click

from safecheck.audit.report import worst
from safecheck.cli.configured import chosen_profile, files_read, search
from safecheck.cli.group import Group
from safecheck.cli.options import profile_option
from safecheck.cli.output import complaining, note
from safecheck.decisions import baseline as baselines
from safecheck.decisions.baseline import Debt
from safecheck.errors import UsageError
from safecheck.intake.locations import weight_files
from safecheck.render.output import Target, check_targets, write_file
from safecheck.rulebook.load import profile, shipped
from safecheck.rulebook.profile import Profile
from safecheck.strict.content import is_gone
from safecheck.text import printable
from safecheck.usecases.audit import audit_model, audit_models


@click.group(cls=Group)
def baseline() -> None:
    """Record the findings that a repository already has, so that only new ones fail."""


@baseline.command("write")
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@click.option("--output", "-o", "path", metavar="FILE", required=True, help="The baseline to write.")
@click.option("--accept-new", is_flag=True, help="Let an existing baseline grow. Without this it can only shrink.")
@profile_option
def write(models: tuple[str, ...], path: str, accept_new: bool, profile_name: str | None) -> int:
    """Write the findings of the models as a baseline. Findings of mandatory rules are left out and keep failing."""
    if "-" in models:
        raise UsageError("SC-BASE-NAME", "-", "a baseline names models by their path", "give files or folders")
    paths = search(models)
    book = profile(chosen_profile(profile_name, paths))
    check_targets([Target("baseline", path)], [*paths, *weight_files(paths), *files_read(book)])
    before = dict(baselines.load(path).models) if os.path.lexists(path) else None
    reports = list(complaining(audit_models(paths, book)))
    failed = [report.exit_code for report in reports if report.error is not None]
    if failed:
        note("nothing was written: a model that cannot be read has no baseline")
        return worst(failed)
    debts: dict[str, Debt] = {}
    left_out = 0
    for report in reports:
        assert report.audit is not None
        debt = baselines.debt_from(report.audit.findings, book.name, book.mandatory)
        left_out += len(report.audit.findings) - len(debt.known)
        debts[baselines.key_of(path, report.path)] = debt
    if before is not None and not accept_new:
        _refuse_growth(path, before, debts)
    write_file(path, baselines.text({**(before or {}), **debts}))
    known = sum(len(debt.known) for debt in debts.values())
    note(f"{known} findings in {len(debts)} models are in {printable(path)}")
    if left_out:
        note(f"{left_out} findings of mandatory rules are not: they keep failing")
    return 0


def _refuse_growth(path: str, before: dict[str, Debt], debts: dict[str, Debt]) -> None:
    grown = {name: baselines.additions(before.get(name), debt) for name, debt in debts.items()}
    grown = {name: added for name, added in grown.items() if added}
    if grown:
        count = sum(map(len, grown.values()))
        name, added = next(iter(grown.items()))
        what = f"{count} findings would be added, first {added[0].rule} in {printable(name)}; a baseline only shrinks"
        todo = "fix them, record deviations, or add them knowingly with --accept-new"
        raise UsageError("SC-BASE-GROWS", printable(path), what, todo)


@baseline.command("prune")
@click.argument("path", metavar="FILE")
@click.option(
    "--profile", "profile_name", metavar="FILE", help="The overlay the baseline was made with, if it was one."
)
def prune(path: str, profile_name: str | None) -> int:
    """Remove what is paid: findings and models that are no more. Nothing is ever added."""
    known = baselines.load(path)
    given = profile(profile_name) if profile_name is not None else None
    left: dict[str, Debt] = {}
    for name, debt in known.models.items():
        model = baselines.path_of(path, name)
        if is_gone(model):
            continue
        book = _book(path, debt, given)
        report = audit_model(model, book)
        if report.error is not None:
            raise report.error
        assert report.audit is not None
        rest = baselines.remaining(debt, report.audit.findings, book.mandatory)
        if rest.known:
            left[name] = rest
    write_file(path, baselines.text(left))
    before, after = (sum(len(debt.known) for debt in part.values()) for part in (known.models, left))
    note(f"{before - after} of {before} findings are paid, {after} are left in {len(left)} models")
    return 0


def _book(path: str, debt: Debt, given: Profile | None) -> Profile:
    if given is not None and given.name == debt.profile:
        return given
    if debt.profile.partition("@")[0] not in shipped():
        what = f"made with profile {printable(debt.profile, 80)}, which is not a shipped one"
        raise UsageError("SC-BASE-PROFILE", printable(path), what, "give its file with --profile")
    return profile(debt.profile)
