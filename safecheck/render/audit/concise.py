"""One line for each finding, `file:node: rule`, then the verdicts: for hooks, editors and grep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from safecheck.audit.report import Report
from safecheck.finding import Location
from safecheck.render.audit.text import headlines
from safecheck.render.line import STYLE, Line
from safecheck.text import printable


def document(reports: Sequence[Report]) -> Iterator[Line]:
    """The findings of all models, then the verdict of each."""
    for report in reports:
        yield from findings(report)
    yield from headlines(reports)


def findings(report: Report) -> Iterator[Line]:
    """The findings that nobody has decided about, or why there are none to show; in the order of the file."""
    path = "-" if report.path == "-" else printable(report.path, 400)
    if report.error is not None:
        yield Line(f"{path}: {report.error.what} [{report.error.code}]", "open")
    for finding in report.findings:
        if not report.decisions.settles(finding.fingerprint):
            what = f"{finding.rule} {finding.verdict}: {finding.message}"
            yield Line(f"{path}:{_node(finding.location)}: {what}", STYLE[finding.verdict])
    if report.release is not None:
        for violation in report.release.violations:
            yield Line(f"{path}: RELEASE REFUSED {printable(violation, 400)}", "bad")


def _node(location: Location) -> str:
    """Its name, or that of its first output; a finding about the model itself names the value."""
    name = location.node or next(iter(location.outputs), "")
    scope = f"{printable(location.scope, 120)}/" if location.scope else ""
    return scope + printable(name, 120)
