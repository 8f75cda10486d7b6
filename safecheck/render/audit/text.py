"""The report for people: the verdict first, then the findings by rule, then what the verdict rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from safecheck.audit.audit import Note
from safecheck.audit.decisions import Decisions
from safecheck.audit.regions import Region, regions
from safecheck.audit.report import Report
from safecheck.cost.macs import Precision
from safecheck.cost.traffic import Cost
from safecheck.finding import EXPORTER_FORM, Evidence, Finding, Grade, Verdict
from safecheck.render import amounts
from safecheck.render.audit.decision_text import answer
from safecheck.render.audit.decisions_text import badge, refused, release, summary
from safecheck.render.line import NODES_SHOWN, STYLE, Line, found_at, joined, place, told_apart
from safecheck.text import printable

_MANY = 200
"""Nodes from which on it is said where in the network the findings are: a smaller one is seen at a glance."""
_SPANS = 4
_RULES = 3


def document(reports: Sequence[Report]) -> Iterator[Line]:
    """All lines of all reports."""
    parts = zip(map(both_ends, reports), headlines(reports), strict=True)
    return joined((lines, line, last) for (lines, last), line in parts)


def headline(report: Report) -> Line:
    """The verdict on a model in one line; rules that are not shipped are named, so that nobody takes them for ours."""
    whose = "" if report.profile.shipped else f"  ({printable(report.profile.name, 80)})"
    text = f"{str(report.verdict).upper()}  {_name(report)}{whose}{refused(report.release)}"
    return Line(text, STYLE[report.verdict])


def headlines(reports: Sequence[Report]) -> list[Line]:
    """The verdict on each model in one line, told apart by profile where there are several."""
    several = len({report.profile.name for report in reports}) > 1
    return [told_apart(headline(report), report.profile.name) if several else headline(report) for report in reports]


def both_ends(report: Report) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """All that is said about one model, and what stands below the verdict on the last screen.

    That is the answer of the first one, which is out of sight by then.
    """
    answered = tuple(answer(report))
    return tuple(_about(report, answered)), answered if report.exit_code else ()


def _about(report: Report, answered: tuple[Line, ...]) -> Iterator[Line]:
    """The decision, then where in the network, then rule by rule."""
    yield Line(f"{str(report.verdict).upper()}  {_name(report)}", STYLE[report.verdict])
    target = report.profile.target["tensorrt"]
    profile = Line(f"  profile   {printable(report.profile.name, 80)} {report.profile.version} (TensorRT {target})")
    if report.error is not None:
        yield profile
        yield Line(f"  nothing was judged: {report.error.what} [{report.error.code}]")
        yield Line(f"  way out   {report.error.todo}")
        yield from release(report.release)
        return
    assert report.model is not None
    assert report.audit is not None
    yield from answered
    if answered:
        yield Line("")
    yield profile
    yield Line(f"  nodes     {_coverage(report)}")
    if answered and report.plan is None:
        yield Line("  fix       removes what rules name a rewrite for; --plan carries that out", "quiet")
    yield Line(f"  target    {report.profile.title}")
    yield Line(f"  model     sha256 {report.model.sha256[:16]}…")
    if (cost := report.cost) is not None:
        yield Line(f"  cost      {_cost(cost)}")
    if report.model.inference_problem:
        yield Line(f"  shapes    ONNX shape inference gave up: {printable(report.model.inference_problem)}", "open")
    if report.confirmation is not None:
        from safecheck.render.audit.confirmation import section  # an audit that asked nobody does not pay for it

        yield from section(report, report.confirmation)
    if len(report.audit.nodes) > _MANY:
        yield from places(regions(report))
    for verdict in (Verdict.FORBIDDEN, Verdict.UNPROVEN):
        found = [finding for finding in report.audit.findings if finding.verdict is verdict]
        yield from _findings(found, report.decisions)
    yield from _notes(report.audit.notes)
    yield from summary(report.decisions, report.audit.findings)
    yield from release(report.release)
    if report.build is not None:
        from safecheck.render.audit.build import section as build_section  # likewise for a build

        yield from build_section(report)
    yield from _basis(report)


def places(found: Sequence[Region]) -> Iterator[Line]:
    """Where in the network the findings are; alike blocks are one item."""
    if not found:
        return
    yield Line("")
    yield Line("Where in the network", "strong")
    for region in found:
        times = f", {len(region.spans)} alike" if len(region.spans) > 1 else ""
        yield Line(f"  {region.what}{times}", "strong")
        if region.spans:
            shown = ", ".join(f"{first}-{last}" for first, last in region.spans[:_SPANS])
            more = f" and {len(region.spans) - _SPANS} more" if len(region.spans) > _SPANS else ""
            yield Line(f"    nodes   {shown}{more}", "quiet")
        yield Line(f"    places  {', '.join(f'{count} {what}' for what, count in region.operators)}")
        yield Line(f"    rules   {', '.join(_most(region.rules))}", "quiet")


def _most(rules: Sequence[tuple[str, int]]) -> list[str]:
    more = [f"{len(rules) - _RULES} more"] if len(rules) > _RULES else []
    return [*(rule for rule, _ in rules[:_RULES]), *more]


def _name(report: Report) -> str:
    return "standard input" if report.path == "-" else printable(report.path)


def _cost(cost: Cost) -> str:
    traffic = cost.traffic(Precision.FP16)
    moved = "unknown" if traffic is None else f"about {amounts.size(traffic)}"
    return f"{cost.parameters:,} parameters, {amounts.macs(cost.macs)} MACs, {moved} traffic a frame (FP16, batch 1)"


def _coverage(report: Report) -> str:
    counts = report.coverage
    parts = [f"{counts[verdict]} {verdict}" for verdict in (Verdict.ALLOWED, Verdict.FORBIDDEN, Verdict.UNPROVEN)]
    if counts["deviated"]:
        parts.append(f"{counts['deviated']} deviated")
    skipped = report.audit.skipped if report.audit is not None else 0
    return f"{counts['total']} = {' + '.join(parts)}" + (
        f", {skipped} of the allowed never imported" if skipped else ""
    )


def _findings(findings: list[Finding], decisions: Decisions) -> Iterator[Line]:
    by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    for group in sorted(by_rule.values(), key=_weight):
        # What nobody has decided about comes first: the list is cut.
        group.sort(key=lambda finding: decisions.settles(finding.fingerprint))
        first = group[0]
        yield Line("")
        grade = first.grade if first.grade is not None else "no evidence"
        count = found_at(finding.location for finding in group)
        yield Line(f"{str(first.verdict).upper()}  {first.rule}  ({grade}, {count})", STYLE[first.verdict])
        yield Line(f"  {first.message}", "strong")
        for evidence, same in groupby(group[:NODES_SHOWN], key=lambda finding: finding.evidence):
            for finding in same:
                yield Line(f"    {_where(finding)}")
                yield from badge(finding.fingerprint, decisions)
            for part in evidence:
                yield Line(f"      {_fact(part)}")
        if len(group) > NODES_SHOWN:
            yield Line(f"    and {len(group) - NODES_SHOWN} more (all are in --output json)", "quiet")
        if first.why:
            yield Line(f"  known     {first.why}")
        for source in first.sources:
            place = f", {source.at}" if source.at else ""
            yield Line(f"  source    {source.ref}{place}", "quiet")
            if source.url:
                yield Line(f"            {source.url}", "quiet")
        if first.advice:
            yield Line(f"  way out   {first.advice}")
        if remedies := dict.fromkeys(name for finding in group for name in finding.remedies):
            yield Line(f"  remedy    {', '.join(remedies)}")


def _notes(notes: Sequence[Note]) -> Iterator[Line]:
    """Known defects of the release, by rule; they change no verdict."""
    by_rule: dict[str, list[Note]] = {}
    for note in notes:
        by_rule.setdefault(note.rule.id, []).append(note)
    for group in by_rule.values():
        rule, more = group[0].rule, len(group) - NODES_SHOWN
        yield Line("")
        yield Line(f"NOTE  {rule.id}  ({rule.grade}, {found_at(note.location for note in group)})", "strong")
        yield Line(f"  {rule.title}: known of this release, and no part of the verdict")
        for note in group[:NODES_SHOWN]:
            yield Line(f"    {place(note.location)}")
        if more > 0:
            yield Line(f"    and {more} more (all are in --output json)", "quiet")
        yield Line(f"  known     {rule.why}")
        for source in rule.sources:
            yield Line(f"  source    {source.ref}, {source.at}", "quiet")
            if source.url:
                yield Line(f"            {source.url}", "quiet")
        yield Line(f"  way out   {rule.advice}")


def _weight(group: list[Finding]) -> tuple[int, int, int, str]:
    """What no rewrite removes first, then what most nodes break; a well founded rule before others of equal weight."""
    grade = group[0].grade
    left = sum(not finding.remedies for finding in group)
    return (-left, -len(group), len(Grade) if grade is None else list(Grade).index(grade), group[0].rule)


def _where(finding: Finding) -> str:
    layers = f"  =>  {', '.join(printable(layer, 100) for layer in finding.layers)}" if finding.layers else ""
    return place(finding.location) + layers


def _fact(part: Evidence) -> str:
    if part.fact == EXPORTER_FORM:
        return f"{part.fact}: {part.actual}; {part.limit}"
    return f"{printable(part.fact)} {printable(part.actual)}, {printable(part.limit, 300)}"


def _basis(report: Report) -> Iterator[Line]:
    assert report.audit is not None
    if report.audit.allowances:
        yield Line("")
        yield Line("Rules that the allowed nodes rest on; a node of several layers rests on several", "strong")
        for allowance in report.audit.allowances:
            weak = ", extrapolated" if allowance.extrapolated else ""
            yield Line(f"  {allowance.rule}  ({allowance.grade}{weak}), at {allowance.nodes}")
    yield Line("")
    yield Line("This verdict assumes", "strong")
    for assumption in report.profile.assumptions:
        yield Line(f"  {assumption.id}: {assumption.text}", "quiet")
    if report.build is None:
        yield Line("No engine was built and no performance is claimed.", "quiet")
