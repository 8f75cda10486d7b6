"""The commands `safecheck ledger ...`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import click

from safecheck.assurance import ledger as ledgers
from safecheck.assurance.bundle import is_bundle, opened, report_in
from safecheck.assurance.recorded import Recorded, read
from safecheck.cli.configured import settings_for
from safecheck.cli.group import Group
from safecheck.cli.output import say
from safecheck.errors import UsageError
from safecheck.intake.repository import committed, root_of
from safecheck.machine.outputs import refuse_clashes
from safecheck.render.output import write_file
from safecheck.text import printable
from safecheck.usecases.review import chosen_day

_file_option = click.option(
    "--file", "file", metavar="FILE", help=f"The ledger. Default: that of the configuration, else {ledgers.NAME}."
)


@click.group(cls=Group)
def ledger() -> None:
    """Remember who audited what with which result, so that no verdict changes unseen."""


@ledger.command("add")
@click.argument("reports", metavar="REPORT...", nargs=-1, required=True)
@click.option("--by", "by", metavar="NAME", required=True, help="The person who audited.")
@click.option("--on", "day", metavar="DATE", help="Default: the day of SOURCE_DATE_EPOCH, else today (UTC).")
@_file_option
def add(reports: tuple[str, ...], by: str, day: str | None, file: str | None) -> int:
    """Add what JSON reports, or bundles of evidence, say, each bound to the entry before it. Exit code: 0."""
    path = _path(file)
    refuse_clashes([path], reports)
    recorded = [_report(report) for report in reports]
    text, new = ledgers.appended(path, recorded, by, chosen_day(day, "--on"))
    write_file(path, text)
    for entry in new:
        say(f"entry {entry['entry']}  {entry['hash'][:16]}  {printable(str(entry['model']['path']))}: "
            f"{printable(str(entry['verdict']), 40)}")  # fmt: skip
    return 0


def _report(path: str) -> Recorded:
    """The report in a file or bundle.

    Raises:
        UsageError: it is none, or the bundle is not what was bundled.
    """
    if not is_bundle(path):
        return read(path)
    bundle = opened(path)
    if bundle.problems:
        raise UsageError("SC-VER-BUNDLE", printable(path), bundle.problems[0].text, "ask for it anew")
    return report_in(bundle)


@ledger.command("check")
@_file_option
def check(file: str | None) -> int:
    """Say whether every entry is what was written, and follows the one before it.

    In a Git repository also whether the last commit holds the same entries, with none of them changed since. Exit code:
    0 if all holds, 1 if not.
    """
    path = _path(file)
    found = faults(path)
    lines = ledgers.lines_of(path)
    if not lines and not found:
        raise UsageError("SC-LEDGER-FILE", printable(path), "there are no entries", "add one: safecheck ledger add")
    for fault in found:
        say(f"BROKEN  {printable(path)}: {fault}")
    if not found:
        say(f"sound   {printable(path)}: {len(lines)} entries, the last is {ledgers.entries(path)[-1]['hash']}")
    return 1 if found else 0


def faults(path: str) -> list[str]:
    """Where a ledger is not what was written, or not what the last commit holds with entries added; empty if it is."""
    lines = ledgers.lines_of(path)
    found = list(ledgers.faults(lines))
    root = root_of(os.path.dirname(path) or os.curdir)
    before = committed(root, path) if root is not None else None
    if before is not None and (shrunk := ledgers.grown_from(lines, before.decode("utf-8", "replace").splitlines())):
        found.append(shrunk)
    return found


@ledger.command("log")
@click.argument("models", metavar="[MODEL...]", nargs=-1)
@_file_option
def log(models: tuple[str, ...], file: str | None) -> int:
    """List the entries on MODEL, or on all: the verdict, and what else changed with it. Exit code: 0."""
    path = _path(file)
    found = ledgers.entries(path)
    if not found:
        raise UsageError("SC-LEDGER-FILE", printable(path), "there are no entries", "add one: safecheck ledger add")
    known = dict.fromkeys(str(entry["model"]["path"]) for entry in found)
    for model in models:
        if model not in known:
            what = f"no entry on '{printable(model, 80)}'"
            raise UsageError("SC-LEDGER-MODEL", printable(path), what, "leave MODEL out to list all")
    for model in models or known:
        say(printable(model))
        for line in _history([entry for entry in found if entry["model"]["path"] == model]):
            say(f"  {line}")
    return 0


def _history(found: list[Mapping[str, Any]]) -> Iterator[str]:
    before: dict[str, Mapping[str, Any]] = {}
    for entry in found:
        target = str(entry["profile"]["id"])
        counts = ", ".join(f"{printable(str(count), 20)} {name}" for name, count in entry["findings"].items() if count)
        line = f"{printable(str(entry['date']), 20)}  {printable(str(entry['verdict']), 40)}"
        line += f"{f' ({counts})' if counts else ''}  {printable(target, 60)}  by {printable(str(entry['by']), 60)}"
        yield line
        last = before.get(target)
        if last is not None:
            changed = ledgers.changes(last, entry)
            what = "changed" if last["verdict"] != entry["verdict"] else "same"
            yield f"  verdict {what} since entry {last['entry']}; other {', '.join(changed) or 'nothing'}"
        before[target] = entry


def _path(file: str | None) -> str:
    return file or next(iter(settings_for(isolated=False).texts("ledger")), ledgers.NAME)
