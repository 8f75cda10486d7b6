"""The command `safecheck verify REPORT.json MODEL`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import click

from safecheck.assurance import ledger as ledgers
from safecheck.assurance.bundle import REPORT, Bundle, is_bundle, opened, report_in
from safecheck.assurance.differences import Difference, differences
from safecheck.assurance.recorded import Recorded, read
from safecheck.assurance.verification import Verification
from safecheck.audit.report import Report
from safecheck.cli.output import emit
from safecheck.errors import UsageError
from safecheck.machine.folder import working_folder
from safecheck.render import RENDERERS
from safecheck.render.audit.json import content
from safecheck.render.json_text import dumped
from safecheck.render.output import check_targets, targets_of
from safecheck.rulebook.load import profile, shipped
from safecheck.text import printable
from safecheck.usecases.batch import audit_batch
from safecheck.usecases.checks import Checks, ScopeCheck


@click.command()
@click.argument("report", metavar="REPORT")
@click.argument("model", metavar="MODEL")
@click.option("--bundle", metavar="FILE.zip", help="The bundle that the report is from; its overlay and records count.")
@click.option("--ledger", metavar="FILE", help="A ledger that must hold the report.")
@click.option("--profile", "profile_name", metavar="FILE", help="The overlay that the model was judged by.")
@click.option("--deviations", metavar="FILE", multiple=True, help="The records that the report was made with.")
@click.option("--baseline", metavar="FILE", help="The baseline that the report was made with.")
@click.option(
    "--evidence", metavar="FILE", multiple=True, help="The evidence of a build that the report was made with."
)
@click.option(
    "--output", "output", metavar="FORMAT[=PATH]", default="text", show_default=True,
    help=f"Format of the answer ({', '.join(RENDERERS['verify'])}), to a file with =PATH.",
)  # fmt: skip
def verify(
    report: str, model: str, bundle: str | None, ledger: str | None, profile_name: str | None,
    deviations: tuple[str, ...], baseline: str | None, evidence: tuple[str, ...], output: str,
) -> int:  # fmt: skip
    """Audit MODEL again as REPORT says, and name whatever differs.

    REPORT is a JSON report, or a bundle of evidence with one, whose every byte is read then.

    Exit code: 0 identical to the last byte, 1 something differs, 3 something could not be asked again.
    """
    targets = targets_of("verify", [output])
    named = (bundle, ledger, profile_name, baseline)
    check_targets(targets, [report, model, *filter(None, named), *deviations, *evidence])
    bundle = report if bundle is None and is_bundle(report) else bundle
    archive = None if bundle is None else opened(bundle)
    recorded = report_in(archive) if archive is not None and bundle == report else read(report)
    with ExitStack() as stack:
        found: list[Difference] = [] if archive is None else [*archive.problems, *_of_bundle(archive, recorded)]
        if archive is not None:
            files = _unpacked(archive, stack.enter_context(working_folder()))
            profile_name = profile_name or next(iter(files["overlay"]), None)
            deviations, evidence = deviations or files["deviations"], evidence or files["build"]
        if ledger is not None:
            found += _of_ledger(ledger, recorded)
        checks = Checks(
            deviations=deviations,
            baseline=baseline,
            as_of=_day(recorded),
            evidence=evidence,
            scope_check=_scope_check(recorded),
            release=archive is None and recorded.content.get("release") is not None,
            one_of_many="bound to another model" not in str(recorded.content.get("release")),
        )
        _complete(recorded, checks)
        (fresh,) = audit_batch([(model, profile_name or _profile(recorded))], checks, checks.day())
        unrepeated = _unrepeated(recorded, fresh)
        found += _of_audit(recorded, fresh, archive is not None, bool(unrepeated))
    verdict = str(recorded.content.get("verdict"))
    answer = Verification(report, recorded.sha256, model, verdict, tuple(found), unrepeated)
    for target in targets:
        emit(target, "verify", answer)
    return answer.exit_code


def _of_audit(recorded: Recorded, fresh: Report, is_bundled: bool, is_unasked: bool) -> Iterator[Difference]:
    if fresh.error is not None and recorded.content.get("error") is None:
        yield Difference("model", f"it cannot be read now: {printable(str(fresh.error), 200)}")
        return
    repeated = content(replace(fresh, path=str(recorded.model["path"])))
    if is_bundled:  # the state of a repository is what it was then
        repeated["release"] = recorded.content.get("release")
    if is_unasked:
        repeated["confirmation"] = recorded.content.get("confirmation")
    found = differences(recorded.content, repeated)
    yield from found
    if not found and dumped(repeated) != recorded.text:
        yield Difference("report", "it says the same, but is not the text that safecheck writes")


def _unrepeated(recorded: Recorded, fresh: Report) -> tuple[str, ...]:
    then, now = recorded.content.get("confirmation"), fresh.confirmation
    if isinstance(then, dict) and then.get("checked") and now is not None and not now.checked:
        return (f"the vendor's scope check: {printable(now.reason, 200)}",)
    return ()


def _of_bundle(archive: Bundle, recorded: Recorded) -> Iterator[Difference]:
    reports = [part for part in archive.of("report") if part.name == REPORT]
    if not any(part.data.decode("utf-8", "replace") == recorded.text for part in reports):
        yield Difference("bundle", f"{printable(recorded.file)} is not the report in it")


def _of_ledger(path: str, recorded: Recorded) -> Iterator[Difference]:
    lines = ledgers.lines_of(path)
    broken = [Difference("ledger", f"{printable(path)}: {fault}") for fault in ledgers.faults(lines)]
    yield from broken
    if not broken and not any(entry["report_sha256"] == recorded.sha256 for entry in ledgers.entries(path)):
        yield Difference("ledger", f"{printable(path)} has no entry on this report")


def _unpacked(archive: Bundle, folder: str) -> dict[str, tuple[str, ...]]:
    """Role -> files of that role, written where the audit can read them."""
    found: dict[str, tuple[str, ...]] = {"overlay": (), "deviations": (), "build": ()}
    for part in archive.of(*found):
        path = os.path.join(folder, part.role, os.path.basename(part.name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(part.data)
        found[part.role] += (path,)
    return found


def _profile(recorded: Recorded) -> str:
    """The shipped profile that the report names."""
    name = str(recorded.profile["id"])
    if name not in shipped():
        what = f"it was judged by {printable(name, 80)}, which is not shipped"
        raise UsageError("SC-VER-PROFILE", printable(recorded.file), what, "name the file with --profile, or --bundle")
    target = recorded.profile.get("target")
    release = target.get("tensorrt") if isinstance(target, dict) else None
    return name if release == profile(name).target["tensorrt"] else f"{name}@{release}"


def _day(recorded: Recorded) -> str | None:
    deviations = recorded.content.get("deviations")
    return str(deviations.get("as_of")) if isinstance(deviations, dict) else None


def _scope_check(recorded: Recorded) -> ScopeCheck | None:
    found = recorded.content.get("confirmation")
    return ScopeCheck(layers=bool(found.get("layers"))) if isinstance(found, dict) else None


def _complete(recorded: Recorded, checks: Checks) -> None:
    """Refuse to guess files that the report was made with.

    Raises:
        UsageError: which option is missing.
    """
    records = recorded.content.get("deviations")
    for missing, option in (
        (isinstance(records, dict) and records.get("files") and not checks.deviations, "--deviations"),
        (recorded.content.get("baseline") is not None and checks.baseline is None, "--baseline"),
        (recorded.content.get("build") is not None and not checks.evidence, "--evidence"),
    ):
        if missing:
            what = f"it was made with a file of {option}, which is not given"
            raise UsageError("SC-VER-INPUT", printable(recorded.file), what, f"add {option} FILE, or --bundle")
