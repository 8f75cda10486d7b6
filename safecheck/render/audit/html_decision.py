"""The first page: what was decided, by what, for whom to sign, and what is still open."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from safecheck.audit.decision import Row, asked, decision
from safecheck.audit.evidence import NO_BUILD
from safecheck.audit.report import Report
from safecheck.render.audit import indices
from safecheck.render.audit.decision_text import after, next_command
from safecheck.render.audit.json import shown_path
from safecheck.text import printable

MOST_ROWS = 12
_RUNS = 16
_RULES = 3


class Decided(NamedTuple):
    """Everything that stands above the signatures."""

    rows: tuple[Row, ...]
    more: int
    """Kinds of operators that there is no room for."""
    status: str
    """`draft` or `release`."""
    because: str
    open: tuple[str, ...]
    """What nobody has asked the vendor's software, or run."""
    extrapolated: tuple[str, ...]
    """Rules that allow beyond the forms seen working, and the nodes that rest on them."""
    planned: str
    """What `fix` would leave, and for which price; empty if nobody asked."""
    command: str
    """What to type next; empty if there is nothing."""


def decided(report: Report, is_rewritten: bool = False) -> Decided:
    """The first page of a report; a file that was rewritten names remedies still, but they were tried."""
    rows = decision(report)
    status, because = _status(report)
    return Decided(
        rows=rows[:MOST_ROWS],
        more=len(rows[MOST_ROWS:]),
        status=status,
        because=because,
        open=tuple(_open(report)),
        extrapolated=tuple(_extrapolated(report)),
        planned=" ".join(line.text.strip() for line in after(report)),
        command=_command(report, rows, is_rewritten),
    )


def rules_words(row: Row) -> str:
    """The first rules of a row."""
    more = len(row.rules) - _RULES
    return ", ".join(row.rules[:_RULES]) + (f" and {more} more" if more > 0 else "")


def _status(report: Report) -> tuple[str, str]:
    if report.release is None:
        return "draft", "what a release must not rest on was not looked for (audit --release does)"
    if report.release.violations:
        count = len(report.release.violations)
        return "draft", f"{count} {'thing stands' if count == 1 else 'things stand'} against a release, see the annex"
    if report.exit_code:
        return "draft", "nothing but the verdict stands against a release"
    return "release", "nothing stands against a release"


def _open(report: Report) -> list[str]:
    found = []
    asked = report.confirmation
    if asked is None or not asked.checked:
        found.append("scope check of the vendor")
    build = report.build or NO_BUILD
    slots = [name for name, value in build.slots() if not value]
    if build.succeeded is None:
        found.append("engine build")
    return found + slots


def _extrapolated(report: Report) -> list[str]:
    if report.audit is None:
        return []
    nodes = report.audit.nodes
    return [
        f"{part.rule}: {indices.words((nodes[at].location for at in part.at), _RUNS)}"
        for part in report.audit.allowances
        if part.extrapolated
    ]


def _command(report: Report, rows: tuple[Row, ...], is_rewritten: bool) -> str:
    """The next command, without where the caller's disk is."""
    if is_rewritten and not any(asked(rows)):  # only another interface is left to ask for
        rows = tuple([replace(row, removed=0) for row in rows])
    command = next_command(replace(report, path=shown_path(report.path)), rows)
    for file in report.profile.files[:1]:
        command = command.replace(file, shown_path(file))
    return printable(command, 2000)
