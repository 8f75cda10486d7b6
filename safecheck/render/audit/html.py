"""The audit as one HTML file that can be mailed, printed and signed: no script is needed, nothing is fetched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from safecheck import __version__
from safecheck.audit.evidence import NO_BUILD
from safecheck.audit.provenance import packages
from safecheck.audit.report import Report, relative, worst
from safecheck.finding import Grade, Verdict
from safecheck.render import amounts
from safecheck.render.audit.html_decision import decided, rules_words
from safecheck.render.audit.html_figures import Figures
from safecheck.render.audit.html_findings import grade_words, groups
from safecheck.render.audit.html_trace import sources, trace
from safecheck.render.audit.json import shown_path
from safecheck.render.html.templates import rendered
from safecheck.render.html.verdict_bar import rows
from safecheck.text import printable
from safecheck.usecases.places import pictures


def document(reports: Sequence[Report]) -> str:
    """The whole file."""
    return page(reports)


def page(reports: Sequence[Report], fixed: object | None = None) -> str:
    """The whole file; `fixed` is what the only report was rewritten from, as `rewrites.html.j2` shows it."""
    verdicts = [report.verdict for report in reports]
    hashes = [report.model.sha256 for report in reports if report.model is not None]
    return rendered(
        "audit.html.j2",
        script_file="report.js",
        # Only what has an alphabet of its own goes into the style sheet, where nothing is escaped.
        head=" / ".join(dict.fromkeys(str(verdict).upper() for verdict in verdicts)),
        identity=f"model SHA-256 {hashes[0]}" if len(hashes) == 1 else f"{len(reports)} models",
        version=__version__,
        pages=[_part(report, fixed is not None) for report in reports],
        fixed=fixed,
        annex=reports[0].sign_off.annex if reports else "summary",
        worst=worst([report.exit_code for report in reports]),
        packages=packages(),
        rules_words=rules_words,
    )


def _part(report: Report, is_rewritten: bool) -> dict[str, Any]:
    first_page = decided(report, is_rewritten)
    figures = Figures(report.illustration or pictures(report), report.findings)
    overview = [figure for row in first_page.rows if (figure := figures.of_kind(row)) is not None]
    found = groups(report, figures)
    lines = trace(report, found)
    return {
        "report": report,
        "name": "standard input" if report.path == "-" else printable(shown_path(report.path)),
        "symbol": report.verdict.symbol,
        "coverage": report.coverage,
        "decided": first_page,
        "figures": overview,
        "no_alternatives": printable(report.illustration.problem, 400) if report.illustration else "",
        "groups": found,
        "grades": _grades(report),
        "rows": rows(report),
        "trace": lines,
        "sources": sources(report, lines),
        "cost": _cost(report),
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
    """Findings by grade and verdict; allowed nodes are in the table of traceability, for one may rest on several."""
    found = {grade_words(grade): {"forbidden": 0, "unproven": 0} for grade in (*Grade, None)}
    for finding in report.findings:
        if finding.verdict is not Verdict.ALLOWED:
            found[grade_words(finding.grade)][str(finding.verdict)] += 1
    return [(grade, counts) for grade, counts in found.items() if any(counts.values())]


def _cost(report: Report) -> dict[str, str]:
    cost = report.cost
    if cost is None:
        return {}
    return {"parameters": f"{cost.parameters:,}", "multiply-accumulates": amounts.macs(cost.macs)}
