"""The audit as one HTML file that can be mailed, printed and signed: no script is needed, nothing is fetched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from safecheck import __version__
from safecheck.audit.evidence import NO_BUILD
from safecheck.audit.provenance import packages
from safecheck.audit.report import Report, relative, worst
from safecheck.finding import Citation, Grade, Verdict
from safecheck.render import amounts
from safecheck.render.audit.html_findings import Group, grade_words, groups
from safecheck.render.audit.json import shown_path
from safecheck.render.html.layout import Drawing, drawing
from safecheck.render.html.templates import rendered
from safecheck.render.html.verdict_bar import rows
from safecheck.text import printable
from safecheck.usecases.places import pictures

if TYPE_CHECKING:  # the page of an audit does not need what rewrites
    from safecheck.usecases.fix import Fixed

_PLACES = 24
_STEPS = 400


def document(reports: Sequence[Report]) -> str:
    """The whole file."""
    return page(reports)


def page(reports: Sequence[Report], fixed: Fixed | None = None) -> str:
    """The whole file; `fixed` adds the rewrites that led to the only report."""
    verdicts = [report.verdict for report in reports]
    hashes = [report.model.sha256 for report in reports if report.model is not None]
    return rendered(
        "audit.html.j2",
        script_file="report.js",
        # Only what has an alphabet of its own goes into the style sheet, where nothing is escaped.
        head=" / ".join(dict.fromkeys(str(verdict).upper() for verdict in verdicts)),
        identity=f"model SHA-256 {hashes[0]}" if len(hashes) == 1 else f"{len(reports)} models",
        version=__version__,
        pages=[_part(report, fixed) for report in reports],
        worst=worst([report.exit_code for report in reports]),
        packages=packages(),
    )


def _part(report: Report, fixed: Fixed | None) -> dict[str, Any]:
    found = groups(report, report.illustration or pictures(report))
    return {
        "report": report,
        "name": "standard input" if report.path == "-" else printable(shown_path(report.path)),
        "symbol": report.verdict.symbol,
        "coverage": report.coverage,
        "groups": found,
        "grades": _grades(report),
        "rows": rows(report),
        "trace": _trace(report, found),
        "cost": _cost(report),
        "steps": _steps(fixed),
        "fixed": fixed,
        "price": _price(fixed),
        "build": report.build or NO_BUILD,
        "error": None
        if report.error is None
        else {
            "code": report.error.code,
            "what": relative(report.error.what, report.path),
            "todo": relative(report.error.todo, report.path),
        },
    }


def _grades(report: Report) -> list[tuple[str, dict[str, int]]]:
    """Findings by grade and verdict, and allowed nodes by the grade of the rules they rest on."""
    found: dict[str, dict[str, int]] = {}
    for grade in (*Grade, None):
        found[grade_words(grade)] = {"allowed": 0, "forbidden": 0, "unproven": 0}
    for finding in report.audit.findings if report.audit is not None else ():
        found[grade_words(finding.grade)][str(finding.verdict)] += 1
    for allowance in report.audit.allowances if report.audit is not None else ():
        found[allowance.grade][str(Verdict.ALLOWED)] += allowance.nodes
    return [(grade, counts) for grade, counts in found.items() if any(counts.values())]


class Trace(NamedTuple):
    """One line of the traceability table: rule, why anybody should believe it, and where it applies."""

    rule: str
    verdict: str
    grade: str
    sources: tuple[Citation, ...]
    places: int
    nodes: str


def _trace(report: Report, found: list[Group]) -> list[Trace]:
    lines = []
    for group in found:
        indices = [str(row.position) for row in group.rows if row.position != ""]
        more = f" and {group.count - _PLACES} more" if group.count > _PLACES else ""
        nodes = ", ".join(indices[:_PLACES]) + more if indices else "network inputs and outputs"
        lines.append(Trace(group.rule, str(group.verdict), group.grade, group.sources, group.count, nodes))
    rules = {rule.id: rule for rule in report.profile.rules}
    for allowance in report.audit.allowances if report.audit is not None else ():
        weak = f"{allowance.grade}, extrapolated" if allowance.extrapolated else allowance.grade
        sources = rules[allowance.rule].sources
        lines.append(Trace(allowance.rule, "allowed", weak, sources, allowance.nodes, "allowed nodes"))
    return lines


def _cost(report: Report) -> dict[str, str]:
    cost = report.cost
    if cost is None:
        return {}
    return {"parameters": f"{cost.parameters:,}", "multiply-accumulates": amounts.macs(cost.macs)}


class Rewritten(NamedTuple):
    """One rewrite, applied or refused, and how often the same happened."""

    name: str
    applied: bool
    reason: str
    before: str
    after: str
    proof: str
    price: str
    """Of one place, before and after."""
    leaves: str
    """Rules that stay broken because it was too dear."""
    places: int
    first: str
    pictures: tuple[Drawing, Drawing] | None


def _price(fixed: Fixed | None) -> str:
    """What the rewritten network costs."""
    if fixed is None:
        return ""
    from safecheck.render.fix.price_text import total

    return total(fixed)


def _steps(fixed: Fixed | None) -> list[Rewritten]:
    """Rewrites; equal ones are one entry that says at how many places."""
    found: dict[tuple[object, ...], Rewritten] = {}
    if fixed is None:
        return []
    from safecheck.render.fix.price_text import of_steps

    for step in fixed.steps:
        proof = "" if step.proof is None else _proof(step.proof)
        leaves = ", ".join(dict.fromkeys(left.finding.rule for left in fixed.leaves(step)))
        alike = (step.name, step.applied, step.reason, step.before, step.after, proof, of_steps([step]), leaves)
        drawn = None
        if alike not in found and step.pictures is not None:
            drawn = (drawing(step.pictures[0]), drawing(step.pictures[1]))
        entry = found.setdefault(
            alike, Rewritten(*alike, places=0, first=printable(next(iter(step.nodes), ""), 90), pictures=drawn)
        )
        found[alike] = entry._replace(places=entry.places + max(1, len(step.nodes) if not step.after else 1))
    return list(found.values())[:_STEPS]


def _proof(proof: Any) -> str:
    measured = ""
    if proof.samples:
        measured = f"; largest difference {proof.difference.max_abs:.3g} in {proof.samples} samples, seed {proof.seed}"
    bound = f"; bound: {proof.bound}" if proof.bound else ""
    caveats = f"; holds with this: {'; '.join(proof.caveats)}" if proof.caveats else ""
    ranges = "".join(f"; for {limits}" for limits in proof.ranges)
    half = "" if proof.half is None else f"; in FP16: {proof.half}"
    return f"{proof.kind}: {proof.method}{measured}{bound}{ranges}{half}{caveats}"
