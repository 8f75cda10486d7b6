"""Which findings of a report get a picture of their neighbourhood; places that look alike share one."""

from __future__ import annotations

from safecheck.audit.illustration import Illustration, Picture
from safecheck.audit.report import Report
from safecheck.ir.excerpt import Neighbourhoods

PER_RULE = 4
IN_ALL = 48


def pictures(report: Report) -> Illustration:
    """Pictures of what is forbidden first, then in the order of the findings; `PER_RULE` for a rule, `IN_ALL` at most.

    Places look alike if operators, verdicts and arrows are the same, whatever rule speaks about them; a picture shows
    the shapes of the first, and is there once.
    """
    if report.model is None or report.audit is None:
        return Illustration()
    kinds = {(node.scope.path, node.index): str(verdict) for node, verdict, _, _ in report.audit.nodes}
    around = Neighbourhoods(report.model.graph, report.audit.signatures.lookup, kinds)
    drawn: list[Picture] = []
    known: dict[tuple[object, ...], int] = {}
    count: dict[str, int] = {}
    shown_by: dict[str, int] = {}
    similar: dict[tuple[str, str], int] = {}
    for finding in sorted(report.audit.findings, key=lambda finding: -finding.verdict.severity):
        place = finding.location
        if place.index is None:
            continue
        diagram = around.around(place.scope, place.index)
        key = diagram.pattern
        if key not in known:
            if count.get(finding.rule, 0) >= PER_RULE or len(drawn) >= IN_ALL:
                continue
            known[key] = len(drawn)
            count[finding.rule] = count.get(finding.rule, 0) + 1
            drawn.append(Picture(finding.rule, finding, diagram))
        similar.setdefault((finding.rule, place.op_type), known[key])
        shown_by[finding.fingerprint] = known[key]
    return Illustration(tuple(drawn), shown_by, similar)
