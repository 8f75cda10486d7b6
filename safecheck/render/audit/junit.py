"""JUnit XML: a suite for each model, a case for each rule that speaks of it, as test dashboards show them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

from safecheck.audit.evidence import Sameness
from safecheck.audit.report import Report
from safecheck.finding import ModelVerdict, Verdict
from safecheck.render.audit.problems import (
    BUILDER,
    LONG,
    SCOPE_CHECK,
    TRANSLATION,
    UNDECIDED,
    Problem,
    names,
    problems,
)
from safecheck.text import printable

PLACES = 100
"""Nodes listed in a case; the rest is counted."""
_COUNTED = (("failure", "failures"), ("error", "errors"), ("skipped", "skipped"))


def document(reports: Sequence[Report]) -> str:
    """The whole file. Names are printable, which leaves only characters that XML 1.0 allows."""
    root = ET.Element("testsuites", name="safecheck")
    several = len({report.profile.name for report in reports}) > 1
    for report, name in zip(reports, names(reports), strict=True):
        by = f" ({printable(report.profile.name, 80)})" if several else ""
        root.append(_suite(report, printable(name, LONG) + by))
    _count(root, _COUNTED[:2])  # the schema of Jenkins knows no number of skipped cases here
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(report: Report, name: str) -> ET.Element:
    suite = ET.Element("testsuite", name=name)
    properties = ET.SubElement(suite, "properties")
    for key, value in _facts(report):
        ET.SubElement(properties, "property", name=key, value=value)
    by_rule: dict[str, list[Problem]] = {}
    for problem in problems(report):
        by_rule.setdefault(problem.rule, []).append(problem)
    allowances = report.audit.allowances if report.audit is not None else ()
    passed = [printable(part.rule) for part in allowances if printable(part.rule) not in by_rule]
    if report.confirmation is not None and report.confirmation.in_scope:
        passed.append(SCOPE_CHECK)
    if report.confirmation is not None and report.confirmation.translation is not None:
        passed += [TRANSLATION] if report.confirmation.translation.status is Sameness.SAME else []
    if report.build is not None and report.build.succeeded and report.build.scope_checked and not report.build.refused:
        passed.append(BUILDER)
    suite.append(_verdict(report, name, by_rule.pop(UNDECIDED, [])))
    for rule in sorted((*by_rule, *passed)):
        case = ET.SubElement(suite, "testcase", classname=name, name=rule)
        if rule in by_rule:
            case.append(_outcome(by_rule[rule]))
    _count(suite, _COUNTED)
    return suite


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    yield "profile", f"{printable(report.profile.id)} {printable(report.profile.version)}"
    yield "profile.sha256", report.profile.sha256
    yield "verdict", str(report.verdict)
    if report.model is not None:
        yield "model.sha256", report.model.sha256
    yield from ((f"nodes.{verdict}", str(count)) for verdict, count in report.coverage.items())
    for record in report.decisions.invalid:
        yield "deviation.invalid", f"{printable(record.id)}: {printable(record.reason, LONG)}"
    if report.build is not None:
        for slot, content in report.build.slots():
            yield f"build.{slot.replace(' ', '-')}", printable(content) or "open"


def _verdict(report: Report, name: str, undecided: list[Problem]) -> ET.Element:
    """The case that passes only where the exit code of the model is 0."""
    case = ET.Element("testcase", classname=name, name="model-verdict")
    verdict = str(report.verdict)
    reason = f"{verdict}: {undecided[0].text}" if undecided else verdict
    if report.exit_code == 1:
        ET.SubElement(case, "failure", type=verdict, message=reason)
    elif report.exit_code:
        ET.SubElement(case, "error", type=verdict, message=reason)
    elif report.verdict not in (ModelVerdict.COMPLIANT, ModelVerdict.COMPLIANT_WITH_DEVIATIONS):
        ET.SubElement(case, "skipped", message=f"{reason}; all of it is known to the baseline")
    return case


def _outcome(group: list[Problem]) -> ET.Element:
    """One element for a rule: `failure` before `error` before `skipped`."""
    open_ = [problem for problem in group if problem.deviation is None and not problem.known]
    title = f"{group[0].title} ({len(group)} {'place' if len(group) == 1 else 'places'})"
    if not open_:
        reasons = {_settled(problem): None for problem in group}
        element = ET.Element("skipped", message=f"{title}; {'; '.join(reasons)}")
    else:
        worst = max((problem.verdict for problem in open_), key=lambda verdict: verdict.severity)
        element = ET.Element("failure" if worst is Verdict.FORBIDDEN else "error", type=str(worst), message=title)
    lines = [_line(problem) for problem in group[:PLACES]]
    if len(group) > PLACES:
        lines.append(f"and {len(group) - PLACES} more (all are in --output json)")
    if group[0].advice:
        lines.append(group[0].advice)
    element.text = "\n".join(lines)
    return element


def _line(problem: Problem) -> str:
    settled = _settled(problem)
    return f"{problem.verdict}: {problem.text}" + (f" [{settled}]" if settled else "")


def _settled(problem: Problem) -> str:
    if (record := problem.deviation) is not None:
        return f"deviation {printable(record.id)}: {printable(record.rationale, LONG)}"
    return "known to the baseline" if problem.known else ""


def _count(element: ET.Element, outcomes: Sequence[tuple[str, str]]) -> None:
    cases = list(element.iter("testcase"))
    element.set("tests", str(len(cases)))
    for tag, key in outcomes:
        element.set(key, str(sum(case.find(tag) is not None for case in cases)))
