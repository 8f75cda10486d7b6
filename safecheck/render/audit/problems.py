"""Everything that stands against a model, as one flat list: what SARIF, JUnit and GitLab make results of."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from safecheck.audit.decisions import Deviation
from safecheck.audit.evidence import Refusal
from safecheck.audit.report import Report, relative
from safecheck.finding import EXPORTER_FORM, Evidence, Finding, Location, ModelVerdict, Verdict
from safecheck.text import printable

SCOPE_CHECK = "vendor-scope-check"
PARSER = "vendor-parser"
TRANSLATION = "vendor-translation"
BUILDER = "vendor-builder"
UNDECIDED = "model-undecided"
LONG = 2000
"""Characters of a sentence about one problem; a report is no place for a name of megabytes."""
_TITLES = {
    SCOPE_CHECK: "The vendor's own scope check does not pass the model",
    PARSER: "The vendor's parser refuses the model",
    TRANSLATION: "The network that the vendor's parser makes computes something else than the file",
    BUILDER: "The builder refuses the model",
    UNDECIDED: "The model could not be decided, which is never a pass",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that stands against a model: a finding, a refusal of the vendor's check, or that nothing is decided.

    All texts are printable.
    """

    rule: str
    title: str
    verdict: Verdict
    text: str
    """Where it is and what was found there, in one line."""
    location: Location | None
    """None for the model itself."""
    fingerprint: str
    """Unique in the model."""
    advice: str = ""
    """What to do about it, the same for all places of a rule; may be empty."""
    finding: Finding | None = None
    deviation: Deviation | None = None
    """The valid record that covers it."""
    known: bool = False
    """Whether the baseline knows it already."""

    @property
    def sentence(self) -> str:
        """Title, place, facts and advice in one line."""
        return "; ".join(part for part in (f"{self.title}: {self.text}", self.advice) if part)


def problems(report: Report) -> Iterator[Problem]:
    """Findings in their order, then the vendor's refusals, then why the model as a whole is undecided."""
    decisions = report.decisions
    for finding in report.audit.findings if report.audit is not None else ():
        yield Problem(
            rule=printable(finding.rule),
            title=printable(finding.message, LONG),
            verdict=finding.verdict,
            text=_story(finding),
            location=finding.location,
            fingerprint=finding.fingerprint,
            advice=_advice(finding),
            finding=finding,
            deviation=decisions.deviated.get(finding.fingerprint),
            known=finding.fingerprint in decisions.debt,
        )
    yield from _refusals(report)
    yield from _builder(report)
    if report.verdict is ModelVerdict.INCONCLUSIVE:
        text = _undecided(report)
        yield Problem(
            UNDECIDED, _TITLES[UNDECIDED], Verdict.UNPROVEN, text, None, _print(UNDECIDED), known=not report.exit_code
        )


def _refusals(report: Report) -> Iterator[Problem]:
    asked = report.confirmation
    if asked is None:
        return
    by = f"{printable(asked.package)} {printable(asked.version)}"
    if asked.parsed is False:
        whole = f"the parser of {by} refuses the model and names no node"
        yield from _vendor(PARSER, f"the parser of {by}", whole, asked.refusals, "so please report the disagreement")
    elif asked.checked and not asked.in_scope:
        whole = f"{by} refuses the model and names no layer"
        yield from _vendor(SCOPE_CHECK, by, whole, asked.refusals, "so please report the disagreement")
    for one in asked.translation.differences if asked.translation is not None else ():
        text = f"{printable(one.tensor)}: the file computes {printable(one.file)}, layer {printable(one.layer)} of "
        text += f"{by} {printable(one.network)}, on {printable(one.sample)} inputs ({printable(one.parameters, LONG)})"
        fingerprint = _print(TRANSLATION, one.tensor)
        yield Problem(TRANSLATION, _TITLES[TRANSLATION], Verdict.FORBIDDEN, text, one.location, fingerprint)


def _builder(report: Report) -> Iterator[Problem]:
    build = report.build
    if build is None or not build.refused:
        return
    by = f"{printable(build.backend)} (TensorRT {printable(build.tensorrt)})"
    whole = f"{by} refuses the model: {printable(build.reason, LONG)}"
    yield from _vendor(BUILDER, by, whole, build.errors, "so audit and builder disagree")


def _vendor(rule: str, by: str, whole: str, refusals: Sequence[Refusal], odd: str) -> Iterator[Problem]:
    """What software of the vendor's refuses; `whole` where it names nothing, `odd` where no rule here says so."""
    if not refusals:
        yield Problem(rule, _TITLES[rule], Verdict.FORBIDDEN, whole, None, _print(rule))
    for number, refusal in enumerate(refusals):
        text = f"{by} refuses layer {printable(refusal.layer)}: {printable(refusal.limit, LONG)}"
        if not refusal.rules:
            text += f"; no rule of the profile speaks against this node, {odd}"
        fingerprint = _print(rule, str(number), refusal.layer, refusal.limit)
        yield Problem(rule, _TITLES[rule], Verdict.FORBIDDEN, text, refusal.location, fingerprint)


def _undecided(report: Report) -> str:
    if report.error is not None:
        error = report.error
        what, todo = (printable(relative(text, report.path), LONG) for text in (error.what, error.todo))
        return f"nothing was judged: {what}; {todo} [{error.code}]"
    if report.confirmation is not None and not report.confirmation.checked:
        return f"the vendor's scope check was asked but did not answer: {printable(report.confirmation.reason, LONG)}"
    if report.build is not None and report.build.backend and not report.build.succeeded:
        return f"the model was not built: {printable(report.build.reason, LONG)}"
    if report.audit is None or not report.audit.nodes:
        return "the model has no nodes, so nothing was checked"
    open_ = [part for part in report.audit.findings if part.fingerprint not in report.decisions.deviated]
    return f"there is no evidence either way for {len(open_)} {'finding' if len(open_) == 1 else 'findings'}"


def _story(finding: Finding) -> str:
    parts = [where(finding.location)]
    if finding.layers:
        parts[0] += f" becomes {', '.join(printable(layer, 100) for layer in finding.layers)}"
    parts += map(fact, finding.evidence)
    return "; ".join(parts)


def _advice(finding: Finding) -> str:
    parts = []
    if finding.advice:
        parts.append(f"way out: {printable(finding.advice, LONG)}")
    if finding.remedies:
        parts.append(f"remedy: {', '.join(map(printable, finding.remedies))}")
    return "; ".join(parts)


def fact(part: Evidence) -> str:
    """What was found, and the limit it is held against; printable."""
    if part.fact == EXPORTER_FORM:
        return f"{part.fact}: {printable(part.actual)}; {printable(part.limit, LONG)}"
    return f"{printable(part.fact)}: {printable(part.actual)} (limit: {printable(part.limit, 300)})"


def where(location: Location | None) -> str:
    """The place in words: the operator, the node's name or what it computes, and the nested graph; printable."""
    if location is None:
        return "the model"
    if location.index is None:
        return f"network input or output {', '.join(map(printable, location.outputs))}"
    computes = ", ".join(printable(output, 60) for output in location.outputs)
    name = printable(location.node) or (f"that computes {computes}" if computes else "without a name")
    scope = f" in {printable(location.scope)}" if location.scope else ""
    return f"{operator(location)} node {name} (number {location.index}{scope})"


def operator(location: Location) -> str:
    """`Conv`, or `org.example::Conv`; printable."""
    domain = f"{printable(location.domain, 60)}::" if location.domain else ""
    return f"{domain}{printable(location.op_type, 60)}"


def names(reports: Sequence[Report]) -> tuple[str, ...]:
    """A relative path for each report, none of them twice, with `/` between folders; not yet printable.

    A path outside the working directory is cut to its last part: where the caller keeps it does not belong into a
    report. Models that would then have one name keep as many folders as tell them apart, or are numbered.
    """
    paths = [_parts(report.path) for report in reports]
    found = [path[-1] if outside else "/".join(path) for path, outside in paths]
    for length in range(2, max((len(path) for path, _ in paths), default=0) + 1):
        counts = Counter(found)
        found = [
            "/".join(path[-length:]) if outside and counts[name] > 1 else name
            for (path, outside), name in zip(paths, found, strict=True)
        ]
    taken: set[str] = set()
    for position, name in enumerate(found):
        number = 1
        while found[position] in taken:
            number += 1
            found[position] = f"{name} ({number})"
        taken.add(found[position])
    return tuple(found)


def _parts(path: str) -> tuple[list[str], bool]:
    """The parts of a path without `.` and `..`, and whether it leads out of the working directory."""
    if path == "-":
        return ["standard-input"], False
    plain = os.path.normpath(path or ".")
    parts = [part for part in plain.replace(os.sep, "/").split("/") if part not in ("", ".", "..")]
    outside = os.path.isabs(plain) or plain.split(os.sep)[0] == ".."
    return parts or ["unnamed"], outside


def _print(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
