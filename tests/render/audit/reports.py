"""Reports for the tests of every format: real audits of small models, and decisions and evidence made by hand."""

from __future__ import annotations

import datetime
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any

from case_files import model_from_text

from safecheck.audit.decisions import Decisions, Deviation, InvalidDeviation
from safecheck.audit.evidence import BuildEvidence, Confirmation, Refusal
from safecheck.audit.report import Report
from safecheck.errors import InputError
from safecheck.finding import EXPORTER_FORM, Finding
from safecheck.render import RENDERERS, plain
from safecheck.rulebook.load import profile
from safecheck.rulebook.profile import Profile
from safecheck.text import printable
from safecheck.usecases.audit import audit_model

PROFILE = "tensorrt-8.6-restricted"
_HEADER = (
    '<ir_version: 8, opset_import: ["" : 17, "org.example" : 1], producer_name: "pytorch", producer_version: "2.9.0">'
)
_ALLOWED = "g (float[4,8,6,6] x) => (float[4,8,6,6] y) { s = Sigmoid(x) y = Mul(x, s) }"
_FORBIDDEN = """g (float[4,8,6,6] x) => (float[4,8,1,1] y) {
    s = Sigmoid(x)
    m = Mul(x, s)
    r = ReduceMean<axes = [2, 3]>(m)
    q = ReduceMean<axes = [1]>(m)
    e = Erf(r)
    y = Mul(e, r)
}"""
_UNPROVEN = "g (float[4,8,6,6] x) => (float[4,8,6,6] y) { e = Erf(x) y = Erf(e) }"
_NESTED = """g (float[4,8,6,6] x, bool c) => (float[4,8,6,6] y) {
    y = If(c) <then_branch = a () => (t) { t = Erf(x) }, else_branch = b () => (u) { u = org.example.Twice(x) }>
}
<domain: "org.example", opset_import: ["" : 17]> Twice (p) => (q) { q = Add(p, p) }
"""


@cache
def book() -> Profile:
    """The default profile under a hash that no edit of a rule changes, so that golden files can last."""
    return replace(profile(PROFILE), sha256="ef" * 32)


def audited(proto: Any, path: str) -> Report:
    """The audit of a model as if it had been read from `path`."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "model.onnx")
        with open(file, "wb") as stream:
            stream.write(proto.SerializeToString())
        report = audit_model(file, book())
    error = report.error
    if error is not None:
        error = InputError(error.code, error.where.replace(file, printable(path)), error.what, error.todo)
    model = None if report.model is None else replace(report.model, path=path)
    return replace(report, path=path, model=model, error=error)


def _named(text: str) -> Any:
    """The model with a name for every node but the last."""
    proto = model_from_text(_HEADER + text)
    for index, node in enumerate(proto.graph.node[:-1]):
        node.name = f"/backbone/stage{index // 2}/{node.op_type}"
    return proto


def compliant() -> Report:
    """Every node allowed."""
    return audited(_named(_ALLOWED), "models/allowed.onnx")


def forbidden() -> Report:
    """Two means are forbidden, the error function is unproven."""
    return audited(_named(_FORBIDDEN), "models/head.onnx")


def unproven() -> Report:
    """Nothing forbidden, two nodes unproven."""
    return audited(_named(_UNPROVEN), "models/unproven.onnx")


def nested() -> Report:
    """Findings in the branches of an If and in a model-local function."""
    return audited(_named(_NESTED), "models/nested.onnx")


def unreadable() -> Report:
    """A model that could not be read."""
    error = InputError("SC-PB-WIRE", "models/broken.onnx", "the file is cut off or damaged", "export or copy it again")
    return Report("models/broken.onnx", book(), None, None, error)


def deviation(finding: Finding, sha256: str, id_: str = "DEV-7") -> Deviation:
    """A valid record for one finding."""
    return Deviation(
        id=id_,
        rule=finding.rule,
        model_sha256=sha256,
        fingerprints=(finding.fingerprint,),
        rationale="The head is built and checked by the supplier.",
        risk="The builder refuses the engine.",
        mitigation="The supplier's consistency report SR-12 is attached to the release.",
        requested_by="R. Developer",
        approved_by="S. Assessor",
        approved_on=datetime.date(2026, 3, 2),
        expires_on=datetime.date(2027, 3, 1),
        ticket="SAFE-101",
        max_count=3,
    )


def _decided(report: Report, accepted: int, **more: Any) -> Report:
    """The report with deviations for its first findings."""
    assert report.audit is not None
    assert report.model is not None
    found = {
        finding.fingerprint: deviation(finding, report.model.sha256) for finding in report.audit.findings[:accepted]
    }
    return replace(report, decisions=Decisions(deviated=found, as_of=datetime.date(2026, 6, 1), **more))


def deviated() -> Report:
    """Compliant with deviations: each finding is covered."""
    report = unproven()
    assert report.audit is not None
    return replace(_decided(report, len(report.audit.findings)), path="models/deviated.onnx")


def mixed() -> Report:
    """One finding deviated, one record invalid, one finding known by a baseline, the others new."""
    report = forbidden()
    assert report.audit is not None
    invalid = InvalidDeviation("DEV-3", "reduce-mean", "it expired on 2026-01-31", "deviations.yaml:12")
    return replace(
        _decided(
            report,
            1,
            invalid=(invalid,),
            baseline="ab" * 32,
            debt=frozenset({report.audit.findings[1].fingerprint}),
            paid=2,
        ),
        path="models/mixed.onnx",
    )


def _confirmation(**more: Any) -> Confirmation:
    return Confirmation(package="tensorrt-rtx", version="1.4.0.76", library_sha256="cd" * 32, **more)


def confirmed() -> Report:
    """The vendor's scope check agrees."""
    report = replace(compliant(), path="models/confirmed.onnx")
    return replace(report, confirmation=_confirmation(checked=True, in_scope=True, layers=(("s", "ACTIVATION", "s"),)))


def refused() -> Report:
    """The vendor's scope check refuses two layers; we have no finding about one of them."""
    report = forbidden()
    assert report.audit is not None
    finding = report.audit.findings[0]
    refusals = (
        Refusal("node_of_r", "Reduce layers must not average", finding.location, (finding.rule,)),
        Refusal("(Unnamed Layer* 4)", "the layer is not supported in the safety scope", None),
    )
    confirmation = _confirmation(checked=True, in_scope=False, refusals=refusals)
    return replace(report, path="models/refused.onnx", confirmation=confirmation)


def unasked() -> Report:
    """The vendor's scope check was asked, but did not finish."""
    report = replace(compliant(), path="models/unasked.onnx")
    return replace(
        report, confirmation=_confirmation(checked=False, in_scope=None, reason="the shape of x is not known")
    )


def built() -> Report:
    """Compliant, with evidence of a build that leaves slots open."""
    build = BuildEvidence(
        backend="trtexec",
        succeeded=True,
        scope_checked=True,
        engine_sha256="12" * 32,
        log_sha256="34" * 32,
        tensorrt="8.6.11.4",
        gpu="Orin",
        flags_set=("kSAFETY_SCOPE", "kFP16"),
        flags_effective=("kSAFETY_SCOPE", "kFP16"),
        command="trtexec --onnx=built.onnx --restricted --fp16",
        seconds=12.5,
    )
    return replace(compliant(), path="models/built.onnx", build=build)


def failed_build() -> Report:
    """A build that failed and names a layer."""
    report = forbidden()
    assert report.audit is not None
    error = Refusal("r", "Error Code 4: safety scope violated", report.audit.findings[0].location)
    build = BuildEvidence(
        "tensorrt", False, True, "the builder refused the network", tensorrt="8.6.11", errors=(error,), refused=True
    )
    return replace(report, path="models/failed-build.onnx", build=build)


REPORTS: dict[str, Callable[[], Report]] = {
    part.__name__: part
    for part in (
        compliant, forbidden, unproven, nested, unreadable, deviated, mixed, confirmed, refused, unasked, built,
        failed_build,
    )
}  # fmt: skip
"""Every kind of report by name."""


def every() -> list[Report]:
    """One report of each kind, in a fixed order."""
    return [make() for make in REPORTS.values()]


def hostile_model(text: str) -> Report:
    """An audit of a model that has `text` for its names; unreadable where the model is refused."""
    spelled = text.encode("utf-8", "replace").decode() or "empty"
    proto = model_from_text(_HEADER + _NESTED)
    choice = proto.graph.node[0]
    calls = [attribute.g.node[0] for attribute in choice.attribute]
    for node in (choice, *calls, proto.functions[0].node[0]):
        node.name = spelled
    for node in calls:
        node.domain = node.op_type = spelled
    proto.functions[0].domain = proto.functions[0].name = proto.producer_name = spelled
    proto.opset_import.add(domain=spelled, version=1)
    proto.graph.node.add(name=spelled, domain=spelled, op_type=f"{spelled}?", input=["x"], output=[f"{spelled}!"])
    proto.graph.node.add(name=spelled, op_type="Erf", input=[f"{spelled}!"], output=[spelled])
    output = proto.graph.output.add()
    output.CopyFrom(proto.graph.output[0])
    output.name = spelled
    return audited(proto, text)


def hostile(text: str) -> Report:
    """A report that has `text` wherever a report has text from outside, even where no model could hold it."""
    report = mixed()
    assert report.audit is not None
    assert report.model is not None
    audit = report.audit
    found = audit.findings[0]
    location = replace(found.location, node=text, op_type=text, domain=text, outputs=(text,))
    evidence = tuple(part if part.fact == EXPORTER_FORM else replace(part, actual=text) for part in found.evidence)
    forced = replace(found, location=location, layers=(text,), evidence=evidence)
    place = SimpleNamespace(path=location.scope)
    forced_node = SimpleNamespace(location=location, scope=place, index=location.index)
    nodes = tuple(node._replace(node=forced_node) if node.location == found.location else node for node in audit.nodes)
    record = replace(
        deviation(found, report.model.sha256, text),
        rationale=text, risk=text, mitigation=text, requested_by=text, approved_by=text, ticket=text,
    )  # fmt: skip
    refusal = Refusal(text, text, location, (found.rule,))
    return replace(
        report,
        path=text,
        model=replace(report.model, path=text, producer=printable(text)),
        audit=replace(audit, nodes=nodes, findings=(forced, *audit.findings[1:])),
        decisions=replace(
            report.decisions,
            deviated={found.fingerprint: record},
            invalid=(InvalidDeviation(text, text, text, text),),
        ),
        confirmation=_confirmation(checked=True, in_scope=False, refusals=(refusal,), layers=((text, text, text),)),
        build=BuildEvidence("imported", False, False, text, gpu=text, tensorrt=text, command=text, errors=(refusal,)),
    )


FORMATS = tuple(RENDERERS["audit"])


def written(name: str, reports: Sequence[Report]) -> str:
    """The file of a format."""
    return plain(RENDERERS["audit"][name](reports))
