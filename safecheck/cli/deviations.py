"""The commands `safecheck deviations ...`."""

from __future__ import annotations

import os
import tempfile

import click

from safecheck.audit.report import Report, worst
from safecheck.cli.configured import chosen_profile, search
from safecheck.cli.group import Group
from safecheck.cli.options import as_of_option, profile_option
from safecheck.cli.output import complaining, note, say, write_new
from safecheck.decisions.deviation_file import ID_TODO, Record, bad_id, records
from safecheck.decisions.deviations import MANDATORY, defect
from safecheck.decisions.stub import appended, new_file, next_id, stub
from safecheck.errors import UsageError
from safecheck.finding import Finding
from safecheck.render.output import Target, check_targets, write_file
from safecheck.rulebook.load import profile
from safecheck.strict.yaml import suggest
from safecheck.text import printable
from safecheck.usecases.audit import audit_model, audit_models
from safecheck.usecases.review import chosen_day, read_deviations, review


@click.group(cls=Group)
def deviations() -> None:
    """Write, check and list records of approved deviations."""


@deviations.command("new")
@click.argument("model", metavar="MODEL")
@click.option("--rule", "rule", metavar="ID", required=True, help="The rule that is broken.")
@click.option("--node", "nodes", metavar="NAME", multiple=True, help="Only findings at this node; may be repeated.")
@click.option("--fingerprint", "fingerprints", metavar="HEX", multiple=True, help="Only this finding; may be repeated.")
@click.option("--id", "name", metavar="ID", help="Id of the record. Default: DEV-1, or the next number of the file.")
@click.option(
    "--output", "-o", "path", metavar="FILE",
    help="A new file to write, or a file of records to append to; standard output by default.",
)  # fmt: skip
@profile_option
def new(
    model: str, rule: str, nodes: tuple[str, ...], fingerprints: tuple[str, ...], name: str | None, path: str | None,
    profile_name: str | None,
) -> int:  # fmt: skip
    """Write a record to fill in, for findings of one rule in MODEL.

    Without --node and --fingerprint it is bound to the bytes of the model and covers every finding of the rule; with
    them it is bound to the findings, which a re-export with other names keeps.
    """
    if name is not None and (what := bad_id(name)):
        raise UsageError("SC-DEV-NEW", "--id", what, ID_TODO)
    recorded = records([path]) if path is not None and os.path.lexists(path) else None
    name = name or next_id(recorded or ())
    book = profile(chosen_profile(profile_name, [model]))
    report = audit_model(model, book)
    if report.error is not None:
        raise report.error
    if rule in book.mandatory:
        raise UsageError("SC-DEV-MANDATORY", "--rule", f"{rule}: {MANDATORY}", "change the model")
    chosen = _chosen(report, rule, nodes, fingerprints)
    assert report.model is not None
    record = stub(name, rule, report.model.sha256, chosen, bool(nodes or fingerprints))
    if path is None or recorded is None:
        write_new(path, new_file(record))
    else:
        _append(path, recorded, record)
    note(f"{name}: {len(chosen)} findings of {rule}; the record counts for nothing until it is filled in")
    same = [one.id for one in recorded or () if one.rule == rule and _covers(one, report.model.sha256, chosen)]
    if same:
        note(f"{printable(same[0], 80)} in {printable(path or '')} is about the same findings: fill in one of them")
    return 0


def _covers(record: Record, model_sha256: str, findings: list[Finding]) -> bool:
    """Whether a record is bound to all of these findings already."""
    if record.model_sha256 not in ("", model_sha256):
        return False
    return not record.fingerprints or {finding.fingerprint for finding in findings} <= set(record.fingerprints)


def _append(path: str, recorded: tuple[Record, ...], record: str) -> None:
    """Put a record at the end of a file, if its list ends there: what comes of it is read before it is kept."""
    check_targets([Target("yaml", path)], [])
    with open(path, encoding="utf-8", newline="") as file:
        text = appended(file.read(), record)
    with tempfile.TemporaryDirectory() as folder:
        trial = os.path.join(folder, os.path.basename(path))
        write_file(trial, text)
        try:
            ids = [one.id for one in records([trial])]
        except UsageError as error:
            if error.code == "SC-DEV-ID":
                raise UsageError("SC-DEV-NEW", "--id", error.what, "choose another id") from error
            ids = []
    if ids[:-1] != [one.id for one in recorded] or not ids:
        what = "its list of records does not end the file, so nothing can be appended to it"
        raise UsageError(
            "SC-DEV-NEW", printable(path), what, "put `deviations:` last, one record an item, or leave -o out"
        )
    write_file(path, text)


def _chosen(report: Report, rule: str, nodes: tuple[str, ...], fingerprints: tuple[str, ...]) -> list[Finding]:
    findings = report.audit.findings if report.audit is not None else ()
    of_rule = [finding for finding in findings if finding.rule == rule]
    if not of_rule:
        hint = suggest(rule, {finding.rule for finding in findings})
        what = f"no finding of '{printable(rule, 80)}' in {printable(report.path)}{hint}"
        raise UsageError("SC-DEV-NEW", "--rule", what, "see `safecheck audit` for the findings")
    for option, asked, known in (
        ("--node", nodes, {finding.location.node for finding in of_rule}),
        ("--fingerprint", fingerprints, {finding.fingerprint for finding in of_rule}),
    ):
        for value in asked:
            if value not in known:
                what = f"no finding of {rule} at '{printable(value, 80)}'{suggest(value, known)}"
                raise UsageError("SC-DEV-NEW", option, what, "see `safecheck audit --output json` for the findings")
    if not nodes and not fingerprints:
        return of_rule
    return [finding for finding in of_rule if finding.location.node in nodes or finding.fingerprint in fingerprints]


@deviations.command("check")
@click.argument("file", metavar="FILE")
@click.argument("models", metavar="[MODEL...]", nargs=-1)
@as_of_option
@profile_option
def check(file: str, models: tuple[str, ...], as_of: str | None, profile_name: str | None) -> int:
    """Say of every record in FILE whether it counts, and if not, why.

    With models, each record is also held against their findings. Exit code: 0 if every record counts, 1 if one does
    not, 2 if the file is broken, 3 if a model cannot be read.
    """
    paths = search(models) if models else []
    book = profile(chosen_profile(profile_name, paths))
    day = chosen_day(as_of)
    recorded = read_deviations([file], [book])
    reasons, codes = {record.id: defect(record, day, book.mandatory) for record in recorded}, [0]
    if paths:
        reports = list(complaining(audit_models(paths, book)))
        codes += [report.exit_code for report in reports if report.error is not None]
        reasons = {record.id: "" for record in recorded}
        for report in review(reports, recorded, day):
            for invalid in report.decisions.invalid:
                where = f" ({printable(report.path)})" if len(reports) > 1 else ""
                reasons[invalid.id] = reasons[invalid.id] or f"{invalid.reason}{where}"
    for record in recorded:
        reason = reasons[record.id]
        state = "INVALID" if reason else "valid  "
        say(f"{state}  {record.id}  {_about(record)}" + (f": {reason}" if reason else ""))
    bad = sum(map(bool, reasons.values()))
    note(f"{len(recorded)} records as of {day}, {bad} count for nothing")
    return worst([*codes, 1 if bad else 0])


@deviations.command("list")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@profile_option
def list_records(files: tuple[str, ...], profile_name: str | None) -> int:
    """List the records of FILE: id, rule, what it is bound to, status, expiry and ticket."""
    for record in read_deviations(files, [profile(chosen_profile(profile_name))]):
        bound = [f"model {record.model_sha256[:16]}…"] if record.model_sha256 else []
        bound += [f"{len(record.fingerprints)} fingerprints"] if record.fingerprints else []
        expires = f"expires {record.expires_on}" if record.expires_on else "no expiry"
        ticket = printable(record.prose["ticket"], 60) or "no ticket"
        say(f"{record.id}  {_about(record)}  {', '.join(bound)}  {record.status}, {expires}, {ticket}")
    return 0


def _about(record: Record) -> str:
    return printable(record.rule, 80)
