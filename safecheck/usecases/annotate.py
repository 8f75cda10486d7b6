"""A copy of an audited model that says in its metadata what was found: viewers such as Netron show it at each node."""

from __future__ import annotations

from collections.abc import Callable

from safecheck import __version__
from safecheck.audit.report import Report
from safecheck.errors import InputError, UsageError
from safecheck.finding import Finding
from safecheck.intake.metadata import PREFIX, Properties, with_properties
from safecheck.intake.source import SIZE_LIMIT, open_model
from safecheck.text import printable

_LONG = 2000


def annotate(report: Report, write: Callable[..., None]) -> bool:
    """Hand the pieces of the annotated copy to `write`; False for a model that could not be read.

    Weights stay as they are: what is in the file is copied without being looked at, what is beside it is not touched.

    Raises:
        InputError: SC-IO-CHANGED, the file is no longer the one that was audited.
        UsageError: SC-OUT-WRITE, the copy would be larger than a model may be.
    """
    if report.model is None or report.audit is None:
        return False
    with open_model(report.path) as source:
        if source.sha256() != report.model.sha256:
            what, todo = "the file changed while it was read", "run again when nothing writes to it"
            raise InputError("SC-IO-CHANGED", printable(report.path), what, todo)
        pieces = list(with_properties(source.buffer, _of_model(report), _of_nodes(report)))
        try:
            if (size := sum(map(len, pieces))) > SIZE_LIMIT:
                what = f"the copy would have {size} bytes, more than protobuf's {SIZE_LIMIT}"
                raise UsageError("SC-OUT-WRITE", printable(report.path), what, "keep the weights beside the model")
            write(*pieces)
        finally:
            pieces.clear()  # slices of a mapping would keep it open
    return True


def _of_model(report: Report) -> Properties:
    assert report.model is not None
    found = {
        "verdict": str(report.verdict),
        "profile": report.profile.id,
        "version": __version__,
        "model-sha256": report.model.sha256,
        "nodes": ", ".join(f"{count} {kind}" for kind, count in report.coverage.items()),
    }
    for finding in report.findings:
        if finding.location.index is None:
            found |= {f"{printable(', '.join(finding.location.outputs))}.{finding.rule}": _words(finding)}
    return _prefixed(found)


def _of_nodes(report: Report) -> dict[tuple[str, int], Properties]:
    assert report.audit is not None
    charged: dict[tuple[str, int | None], list[Finding]] = {}
    for finding in report.findings:
        charged.setdefault((finding.location.scope, finding.location.index), []).append(finding)
    found = {}
    for kind, node in zip(report.node_kinds, report.audit.nodes, strict=True):
        place = node.location
        assert place.index is not None
        notes = {"verdict": kind, "layers": ", ".join(node.layers) or "none"}
        for finding in charged.get((place.scope, place.index), ()):
            rule = printable(finding.rule)
            notes[f"{rule}"] = _words(finding)
            notes[f"{rule}.way-out"] = printable(finding.advice, _LONG)
            notes[f"{rule}.fix"] = ", ".join(map(printable, finding.remedies))
        found[place.scope, place.index] = _prefixed(notes)
    return found


def _words(finding: Finding) -> str:
    facts = "; ".join(f"{part.fact}: {part.actual} (limit: {part.limit})" for part in finding.evidence)
    return printable(f"{finding.verdict}: {finding.message}" + (f" ({facts})" if facts else ""), _LONG)


def _prefixed(notes: Properties) -> Properties:
    return {f"{PREFIX}{name}": value for name, value in notes.items() if value}
