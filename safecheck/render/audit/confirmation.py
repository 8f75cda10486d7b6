"""The vendor's check in the report for people: its answer beside ours, and loudest where the two disagree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from safecheck.audit.audit import Audited
from safecheck.audit.evidence import Confirmation, Refusal, Sameness, Translation
from safecheck.audit.report import Report
from safecheck.finding import Finding, Verdict
from safecheck.nvidia.scope_check.confirm import vendor_name
from safecheck.render.line import NODES_SHOWN, Line, place
from safecheck.text import printable


def section(report: Report, confirmation: Confirmation) -> Iterator[Line]:
    """What the check said about a model that was audited."""
    disputed = [one for one in confirmation.refusals if not one.rules]
    agreed = [one for one in confirmation.refusals if one.rules]
    yield Line("")
    yield Line("Vendor's check", "strong")
    said, style = _said(confirmation)
    yield Line(f"  {said}", style)
    yield Line(f"  by        TensorRT 10.x safety scope as shipped in {confirmation.package} {confirmation.version}")
    if confirmation.library_sha256:
        yield Line(f"  library   sha256 {confirmation.library_sha256[:16]}…", "quiet")
    if confirmation.checked:
        yield from _they_refuse(report, disputed)
        yield from _we_forbid(report, confirmation)
    for one in agreed[:NODES_SHOWN] if confirmation.checked else confirmation.refusals[:NODES_SHOWN]:
        yield from _refusal(one)
    if len(agreed) > NODES_SHOWN:
        yield Line(f"    and {len(agreed) - NODES_SHOWN} more (all are in --output json)", "quiet")
    if confirmation.translation is not None:
        yield from _translation(confirmation.translation)
    if confirmation.layers:
        yield from _layers(report, confirmation)


def _said(confirmation: Confirmation) -> tuple[str, str]:
    if confirmation.parsed is False:
        return f"REFUSED BY THE PARSER: {printable(confirmation.reason, 400)}", "bad"
    if not confirmation.checked:
        return f"NOT CHECKED, which is no pass: {printable(confirmation.reason, 400)}", "open"
    if confirmation.in_scope:
        return "IN SCOPE", "good"
    count = len(confirmation.refusals)
    return f"REFUSED, {count} {'place' if count == 1 else 'places'}", "bad"


def _they_refuse(report: Report, disputed: list[Refusal]) -> Iterator[Line]:
    if not disputed:
        return
    yield Line("  DISAGREEMENT: THE VENDOR REFUSES WHAT THIS AUDIT ALLOWS", "bad")
    audited = {(node.location.scope, node.location.index): node for node in _nodes(report)}
    for one in disputed:
        yield Line(f"    theirs  {printable(one.layer)}: {printable(one.limit, 400)}", "bad")
        node = audited.get((one.location.scope, one.location.index)) if one.location is not None else None
        if node is None:
            yield Line("    ours    no node of the model can be told from that name", "bad")
        else:
            yield Line(f"    ours    {place(node.location)}: {node.verdict} as {_labels(node.layers)}", "bad")
    yield Line("  way out   trust the refusal, and report the model: a rule of this profile is wrong")


def _we_forbid(report: Report, confirmation: Confirmation) -> Iterator[Line]:
    """Findings that the check would have to have as well: about layers, not about what a parser mistranslates."""
    if not confirmation.in_scope or report.audit is None:
        return
    strict = [finding for finding in report.audit.findings if _about_scope(finding)]
    if strict:
        yield Line("  DISAGREEMENT: THIS AUDIT FORBIDS WHAT THE VENDOR'S CHECK LETS PASS", "bad")
        for rule, count in Counter(finding.rule for finding in strict).items():
            yield Line(f"    ours    {rule}, {count} {'place' if count == 1 else 'places'}", "bad")
        yield Line("    theirs  the whole network is in scope", "bad")
        yield Line("  way out   keep to the stricter of the two, and report the model")


def _about_scope(finding: Finding) -> bool:
    return finding.verdict is Verdict.FORBIDDEN and (bool(finding.layers) or finding.location.index is None)


def _refusal(one: Refusal) -> Iterator[Line]:
    yield Line(f"    {place(one.location) if one.location is not None else printable(one.layer) or 'the network'}")
    yield Line(f"      {printable(one.limit, 400)}")
    if one.rules:
        yield Line(f"      our rule: {', '.join(one.rules)}")


_SAMENESS = {
    Sameness.SAME: ("COMPUTES THE SAME", "good"),
    Sameness.DIFFERENT: ("COMPUTES SOMETHING ELSE THAN THE FILE", "bad"),
    Sameness.UNDECIDED: ("NOT DECIDED whether it computes the same", "open"),
}


def _translation(found: Translation) -> Iterator[Line]:
    """What the parser's network computes, by the documented meaning of its layers, beside what the file does."""
    said, style = _SAMENESS[found.status]
    samples = f"{len(found.samples)} {'sample' if len(found.samples) == 1 else 'samples'}"
    yield Line("")
    yield Line("Vendor's network, run beside the file", "strong")
    yield Line(f"  {said}{': ' + printable(found.reason, 400) if found.reason else ''}", style)
    yield Line(f"  on        {samples}, {found.compared} tensors that both have", "quiet")
    for name, error in found.outputs[:NODES_SHOWN]:
        yield Line(
            f"  output    {printable(name)}: largest difference {'not finite' if error is None else f'{error:g}'}"
        )
    for one in found.differences[:NODES_SHOWN]:
        where = place(one.location) if one.location is not None else f"tensor {printable(one.tensor)}"
        yield Line(f"    {where}", "bad")
        yield Line(f"      file    {printable(one.file)}")
        yield Line(f"      theirs  {printable(one.network)}, on {printable(one.sample)} inputs")
        yield Line(f"      layer   {printable(one.layer)}: {printable(one.parameters, 300)}")
        yield Line(f"      our rule: {', '.join(one.rules)}" if one.rules else "      no rule of this profile says so")
    if len(found.differences) > NODES_SHOWN:
        yield Line(f"    and {len(found.differences) - NODES_SHOWN} more (all are in --output json)", "quiet")
    if any(not one.rules for one in found.differences):
        yield Line("  way out   do not build this model for the target, and report it: a rule is missing")


def _layers(report: Report, confirmation: Confirmation) -> Iterator[Line]:
    theirs: dict[str, list[str]] = {}
    for name, label, node in confirmation.layers:
        theirs.setdefault(node or "", []).append(label if node else f"{label} {printable(name, 60)}")
    yield Line("  Layers as we expect them, and as the vendor's parser made them", "strong")
    for audited in _nodes(report):
        made = theirs.pop(vendor_name(audited.location), [])
        yield Line(f"    {place(audited.location)}")
        yield Line(f"      ours    {'folded' if audited.folded else _labels(audited.layers)}")
        yield Line(f"      theirs  {_counted(made)}", "" if _alike(audited, made) else "open")
    for label in theirs.get("", []):
        yield Line(f"    no node: {label}", "quiet")


def _nodes(report: Report) -> tuple[Audited, ...]:
    return report.audit.nodes if report.audit is not None else ()


def _labels(labels: Iterable[str]) -> str:
    return ", ".join(printable(label, 100) for label in labels) or "no layer"


def _counted(labels: list[str]) -> str:
    counts = Counter(labels)
    return _labels(f"{label} x{count}" if count > 1 else label for label, count in counts.items())


def _alike(node: Audited, made: list[str]) -> bool:
    """Whether every layer but the constants is one that we expect."""
    return set(made) - {"IConstantLayer"} <= set(node.layers)
