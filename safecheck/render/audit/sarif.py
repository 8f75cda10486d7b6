"""SARIF 2.1.0 with one run, within what GitHub's code scanning accepts: docs/formats.md says what it maps to what.

Nothing in it depends on the time, the machine, the working directory or the command line (SARIF, appendix F).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from safecheck import __version__
from safecheck.audit.evidence import Confirmation
from safecheck.audit.report import Report, relative, worst
from safecheck.finding import Location, Verdict
from safecheck.render.audit.problems import LONG, UNDECIDED, Problem, names, operator, problems
from safecheck.render.audit.sarif_rules import message, rules
from safecheck.render.json_text import dumped
from safecheck.text import printable

RESULTS = 25_000
"""GitHub refuses a run with more results."""
REST = "more-results"
"""The rule of the result that says how many are left out."""
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


class _Found(NamedTuple):
    """A problem of one model."""

    problem: Problem
    model: int
    """Position of the report, which is also that of its artifact."""


def document(reports: Sequence[Report]) -> str:
    """The whole log file."""
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [_run(reports)]}
    return dumped(log)


def _run(reports: Sequence[Report]) -> dict[str, Any]:
    uris = [uri(name) for name in names(reports)]
    found = [_Found(problem, model) for model, report in enumerate(reports) for problem in problems(report)]
    kept = found
    if len(found) > RESULTS:
        # What is cut is the least severe; a sort keeps the order among equals.
        kept = sorted(found, key=lambda part: -part.problem.verdict.severity)[: RESULTS - 1]
    descriptors = rules([part.problem for part in kept], REST if len(kept) < len(found) else "")
    places = {descriptor["id"]: position for position, descriptor in enumerate(descriptors)}
    results = [_result(part, reports, uris, places) for part in kept]
    if len(kept) < len(found):
        results.append(_rest(found, kept, reports, uris, places))
    ids = sorted({printable(report.profile.id).replace("/", "-") for report in reports})
    return {
        "tool": {"driver": {"name": "safecheck", "semanticVersion": __version__, "rules": descriptors}},
        "automationDetails": {"id": f"safecheck/{'+'.join(ids)}/"},
        "invocations": [_invocation(reports, uris)],
        "artifacts": list(_artifacts(reports, uris)),
        "results": results,
        "properties": {"profiles": _profiles(reports)},
    }


def uri(name: str) -> str:
    """The relative URI of a model or weight file: never empty, never absolute, every unusual byte encoded."""
    try:
        spelled = name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # no file has such a name, but nothing here may fail
        spelled = name.encode("utf-8", "backslashreplace")
    return quote(spelled, safe="/")


def _result(part: _Found, reports: Sequence[Report], uris: list[str], places: dict[str, int]) -> dict[str, Any]:
    problem, report = part.problem, reports[part.model]
    found: dict[str, Any] = {
        "ruleId": problem.rule,
        "ruleIndex": places[problem.rule],
        **_kind(problem, report),
        "message": {"text": message(problem.sentence)},
        "locations": [_location(part.model, uris, problem.location)],
        "partialFingerprints": {"safecheckFinding/v1": problem.fingerprint},
    }
    # Both must be on every result of a run or on none.
    if any(report.decisions.as_of is not None for report in reports):
        found["suppressions"] = _suppressions(problem)
    if any(report.decisions.baseline is not None for report in reports):
        found["baselineState"] = "unchanged" if problem.known else "new"
    if problem.finding is not None:
        grade = problem.finding.grade
        found["properties"] = {
            "grade": None if grade is None else str(grade),
            "layers": [printable(layer, 100) for layer in problem.finding.layers],
            "remedies": [printable(remedy) for remedy in problem.finding.remedies],
        }
    return found


def _kind(problem: Problem, report: Report) -> dict[str, str]:
    """SARIF wants the level `none` with every kind but `fail`.

    A viewer may hide what has no level, so a model that stays undecided has a result with one besides.
    """
    if problem.rule == UNDECIDED:
        return {"kind": "fail", "level": "warning" if report.error is None else "error"}
    if problem.verdict is Verdict.FORBIDDEN:
        return {"kind": "fail", "level": "error"}
    return {"kind": "open", "level": "none"}


def _location(model: int, uris: list[str], location: Location | None) -> dict[str, Any]:
    # GitHub refuses a file that has a result without a line; a model has no lines, so it is the first.
    return {
        "physicalLocation": {"artifactLocation": _artifact(model, uris), "region": {"startLine": 1}},
        "logicalLocations": [_logical(location)],
    }


def _artifact(model: int, uris: list[str]) -> dict[str, Any]:
    return {"uri": uris[model], "index": model}


def _logical(location: Location | None) -> dict[str, str]:
    if location is None:
        return {"name": "graph", "fullyQualifiedName": "graph", "kind": "onnx.graph"}
    scope = printable(location.scope)
    parent = scope if scope.startswith("function:") else f"graph/{scope}" if scope else "graph"
    if location.index is None:
        tensor = ", ".join(map(printable, location.outputs))
        return {"name": tensor, "fullyQualifiedName": f"{parent}/tensor:{tensor}", "kind": "onnx.tensor"}
    return {
        "name": printable(location.node) or operator(location),
        "fullyQualifiedName": f"{parent}/node[{location.index}]:{operator(location)}",
        "kind": "onnx.node",
    }


def _suppressions(problem: Problem) -> list[dict[str, Any]]:
    record = problem.deviation
    if record is None:
        return []
    told = {
        "rationale": record.rationale,
        "risk": record.risk,
        "mitigation": record.mitigation,
        "requested by": record.requested_by,
        "approved by": f"{record.approved_by} on {record.approved_on}",
        "expires on": str(record.expires_on),
        "ticket": record.ticket,
    }
    text = "; ".join(f"{name}: {printable(value, LONG)}" for name, value in told.items() if value)
    return [{"kind": "external", "status": "accepted", "justification": f"{printable(record.id)}: {text}"}]


def _rest(
    found: list[_Found], kept: list[_Found], reports: Sequence[Report], uris: list[str], places: dict[str, int]
) -> dict[str, Any]:
    """The result that stands for all that are left out, at the first model that lost one."""
    shown = {(part.model, part.problem.fingerprint) for part in kept}
    lost = [part for part in found if (part.model, part.problem.fingerprint) not in shown]
    counts = Counter(str(part.problem.verdict) for part in lost)
    told = " and ".join(f"{counts[verdict]} {verdict}" for verdict in sorted(counts))
    text = f"{len(lost)} more are not shown here ({told}); all are in --output json"
    severe = Verdict.FORBIDDEN in {part.problem.verdict for part in lost}
    problem = Problem(REST, "", Verdict.FORBIDDEN, "", None, REST)
    result = _result(_Found(problem, lost[0].model), reports, uris, places)
    return {**result, "level": "error" if severe else "warning", "message": {"text": message(text)}}


def _invocation(reports: Sequence[Report], uris: list[str]) -> dict[str, Any]:
    failed = [
        {
            "descriptor": {"id": report.error.code},
            "level": "error",
            "message": {"text": message(printable(relative(str(report.error), report.path), LONG))},
            "locations": [{"physicalLocation": {"artifactLocation": _artifact(model, uris)}}],
        }
        for model, report in enumerate(reports)
        if report.error is not None
    ]
    configuration = [
        {
            "level": "warning",
            "message": {
                "text": message(
                    f"deviation {printable(record.id)} for rule {printable(record.rule)} counts for nothing: "
                    f"{printable(record.reason, LONG)} ({printable(record.place)})"
                )
            },
            "locations": [{"physicalLocation": {"artifactLocation": _artifact(model, uris)}}],
        }
        for model, report in enumerate(reports)
        for record in report.decisions.invalid
    ]
    return {
        "executionSuccessful": bool(reports) and not failed,
        "exitCode": worst([report.exit_code for report in reports]),
        "toolExecutionNotifications": failed,
        "toolConfigurationNotifications": configuration,
    }


def _artifacts(reports: Sequence[Report], uris: list[str]) -> Iterator[dict[str, Any]]:
    """The models in the order of the reports, then the files that hold their weights."""
    for report, place in zip(reports, uris, strict=True):
        found: dict[str, Any] = {"location": {"uri": place}, "roles": ["analysisTarget"]}
        if report.model is not None:
            found |= {"length": report.model.size_bytes, "hashes": {"sha-256": report.model.sha256}}
        found["properties"] = {
            "profile": printable(report.profile.name),
            "verdict": str(report.verdict),
            "coverage": report.coverage,
            "scopeCheck": _scope_check(report.confirmation),
        }
        yield found
    weights = {}  # those of a model that is judged by several profiles once
    for report, place in zip(reports, uris, strict=True):
        folder = place.rpartition("/")[0]
        for file in report.model.external_data if report.model is not None else ():
            inner = uri(file.path)
            weights[f"{folder}/{inner}" if folder else inner] = file
    for place, file in weights.items():
        yield {"location": {"uri": place}, "length": file.size_bytes, "hashes": {"sha-256": file.sha256}}


def _scope_check(confirmation: Confirmation | None) -> dict[str, Any] | None:
    if confirmation is None:
        return None
    return {
        "package": printable(confirmation.package),
        "version": printable(confirmation.version),
        "librarySha256": confirmation.library_sha256,
        "checked": confirmation.checked,
        "inScope": confirmation.in_scope,
        "parsed": confirmation.parsed,
        "translation": confirmation.translation and confirmation.translation.status.value,
    }


def _profiles(reports: Sequence[Report]) -> list[dict[str, Any]]:
    found = {report.profile.sha256: report.profile for report in reports}
    return [
        {
            "id": printable(profile.id),
            "version": printable(profile.version),
            "sha256": profile.sha256,
            "target": {name: printable(value) for name, value in sorted(profile.target.items())},
            "assumptions": [printable(f"{part.id}: {part.text}", LONG) for part in profile.assumptions],
        }
        for profile in found.values()
    ]
