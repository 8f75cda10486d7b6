"""How often each rule speaks in all models together, and what is known to be done about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from safecheck.audit.report import Report
from safecheck.finding import Finding
from safecheck.render.audit.text import headlines
from safecheck.render.line import STYLE, Line


def document(reports: Sequence[Report]) -> Iterator[Line]:
    """One line a rule, most frequent first, then the verdicts."""
    counts: Counter[str] = Counter()
    removed: Counter[str] = Counter()
    first: dict[str, Finding] = {}
    for report in reports:
        for finding in report.findings:
            if not report.decisions.settles(finding.fingerprint):
                counts[finding.rule] += 1
                removed[finding.rule] += bool(finding.remedies)
                known = first.setdefault(finding.rule, finding)
                if finding.verdict.severity > known.verdict.severity:
                    first[finding.rule] = finding
    if counts:
        yield Line("findings  fix removes  verdict    rule", "strong")
    for rule, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        verdict = first[rule].verdict
        yield Line(f"{count:>8}  {removed[rule]:>11}  {verdict:<9}  {rule}", STYLE[verdict])
    yield from headlines(reports)
