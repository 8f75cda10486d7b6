"""What the builder said, for people: both answers side by side, its refusals, and the evidence."""

from __future__ import annotations

from collections.abc import Iterator

from safecheck.audit.evidence import BuildEvidence, Refusal
from safecheck.audit.report import Report
from safecheck.render.line import STYLE, Line
from safecheck.text import printable

_SHOWN = 20


def section(report: Report) -> Iterator[Line]:
    """The part of a report about the build."""
    assert report.build is not None
    assert report.audit is not None
    build = report.build
    yield Line("")
    if report.disagreement:
        yield Line(f"AUDIT AND BUILDER DISAGREE: {report.disagreement}", "bad")
    yield Line(f"  audit     {report.audit.verdict}, by {report.profile.id}", STYLE[report.audit.verdict])
    answer, style = _answer(build)
    yield Line(f"  builder   {answer}", style)
    if build.reason:
        yield Line(f"  why       {printable(build.reason, 600)}")
    for refusal in build.errors[:_SHOWN]:
        yield Line(f"    {printable(refusal.limit, 300)}")
        yield Line(f"      {_place(refusal)}")
    if len(build.errors) > _SHOWN:
        yield Line(f"    and {len(build.errors) - _SHOWN} more (all are in --output json)", "quiet")
    yield Line("Evidence of the build", "strong")
    for name, content in build.slots():
        yield Line(f"  {name}: {printable(content, 300) or 'open'}", "quiet")
    if build.seconds is not None:
        yield Line(f"  build time: {build.seconds:.1f} s", "quiet")
    if build.command:
        yield Line(f"  command: {printable(build.command, 2000)}", "quiet")


def _answer(build: BuildEvidence) -> tuple[str, str]:
    scope = "safety scope checked" if build.scope_checked else "safety scope NOT checked, so this proves nothing of it"
    release = f" TensorRT {printable(build.tensorrt)}" if build.tensorrt else ""
    who = printable(build.backend) + release
    if build.refused:
        return f"refuses the network ({who}; {scope})", "bad"
    if build.succeeded is None:
        return f"gave no answer ({who})", "open"
    if not build.succeeded:
        return f"failed ({who}; {scope})", "open"
    return f"built an engine ({who}; {scope})", "good" if build.scope_checked else "open"


def _place(refusal: Refusal) -> str:
    location = refusal.location
    rules = f"our rules: {', '.join(map(printable, refusal.rules))}" if refusal.rules else "no rule here speaks of it"
    if location is None:
        return f"no node is known for it; {rules}"
    name = printable(location.node) or f"-> {', '.join(printable(output, 60) for output in location.outputs)}"
    return f"[{location.index}] {name}  {printable(location.op_type, 60)}; {rules}"
