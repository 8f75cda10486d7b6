"""Hold the verdicts of the profile against those of the real check."""

from __future__ import annotations

import dataclasses
import gzip
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import onnx
from scope_check import Answer, Ask, Scope
from scope_models import Case

from safecheck.finding import ModelVerdict, Verdict
from safecheck.rulebook.load import profile
from safecheck.rulebook.profile import Profile
from safecheck.usecases.audit import audit_model

PROFILE = "tensorrt-10-safety"
REFUSED_WHERE_IT_IS_NOT_MISREAD = "mistranslation-matmul-vector"
"""The axis that is wrongly taken away has more than one element, so that the parser stops."""


class Outcome(Enum):
    """How two verdicts on one model stand to each other."""

    AGREE = "agree"
    UNPROVEN = "we-unproven"
    TOO_STRICT = "too strict"
    DANGEROUS = "dangerous"
    INVALID = "no ONNX"
    """ONNX forbids the model, so that whatever the check says of its layers is about no network."""
    UNDECIDED = "undecided"
    """The check did not answer, and we do not say that the model is compliant: it skipped validation, or the parser
    refused the model."""


class Compared(NamedTuple):
    """One model, both sides."""

    case: Case
    outcome: Outcome
    answer: Answer
    ours: str
    why: str

    def __str__(self) -> str:
        return f"{self.outcome.value}: {self.case}\n  check: {self.answer}\n  ours: {self.ours}: {self.why}"


@cache
def scope_profile() -> Profile:
    """The profile without the mistranslations, which the check knows nothing of."""
    whole = profile(PROFILE)
    kept = tuple(
        rule
        for rule in whole.rules
        if not rule.operators or rule.id.startswith("scope10-") or rule.id == REFUSED_WHERE_IT_IS_NOT_MISREAD
    )
    return dataclasses.replace(whole, rules=kept)


def compare(ask: Ask, case: Case) -> Compared:
    """Ask both about a model, as it is."""
    answer = ask(case.model)
    asked = case._replace(model=b"")  # zero-filled weights would add up
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        file.write_bytes(case.model)
        report = audit_model(str(file), scope_profile())
    audit = report.audit
    if audit is None:
        outcome = Outcome.UNPROVEN if answer.scope.decided else Outcome.UNDECIDED
        if report.error is not None and report.error.code.startswith("SC-ONNX-"):
            outcome = Outcome.INVALID
        return Compared(asked, outcome, answer, "not read", str(report.error))
    why = "; ".join(f"{finding.location.node}: {finding.rule} {finding.layers}" for finding in audit.findings[:4])
    cleared = {
        node.location.node or f"node_of_{node.location.outputs[0]}"
        for node in audit.nodes
        if node.verdict is Verdict.ALLOWED and node.location.outputs
    }
    named = Counter(node.location.node for node in audit.nodes)
    cleared = {name for name in cleared if named[name] < 2}
    outcome = _outcome(answer, audit.verdict, bool(cleared & answer.nodes))
    if outcome is Outcome.DANGEROUS:
        why += f" refused and allowed: {sorted(cleared & answer.nodes)[:5]}"
    return Compared(asked, outcome, answer, audit.verdict.name, why)


def _outcome(answer: Answer, ours: ModelVerdict, clears_refused_node: bool) -> Outcome:
    if answer.scope is Scope.REFUSED:
        if clears_refused_node or ours is ModelVerdict.COMPLIANT:
            return Outcome.DANGEROUS
        return Outcome.AGREE if ours is ModelVerdict.NON_COMPLIANT else Outcome.UNPROVEN
    if answer.scope is Scope.INSIDE:
        if ours is ModelVerdict.COMPLIANT:
            return Outcome.AGREE
        return Outcome.TOO_STRICT if ours is ModelVerdict.NON_COMPLIANT else Outcome.UNPROVEN
    # A model that does not even become a network builds no more than one that is out of scope.
    return Outcome.DANGEROUS if ours is ModelVerdict.COMPLIANT else Outcome.UNDECIDED


def backend_cases() -> list[Case]:
    """ONNX's own node models."""
    from onnx.backend.test.case.node import collect_testcases

    cases = collect_testcases(None)  # type: ignore[arg-type]
    return [Case("onnx backend", case.name, case.model.SerializeToString()) for case in cases if case.model is not None]


def corpus_cases(folder: Path) -> Iterator[Case]:
    """Exported models of a folder, their weights replaced by zeros; one at a time, for they are large."""
    for file in sorted(folder.rglob("*.onnx*")):
        if _is_model(file):
            yield Case("corpus", file.name, filled(file))


def _is_model(file: Path) -> bool:
    return file.name.endswith((".onnx", ".onnx.gz"))


def filled(file: Path) -> bytes:
    raw = file.read_bytes()
    model = onnx.ModelProto.FromString(gzip.decompress(raw) if file.suffix == ".gz" else raw)
    for tensor in _tensors(model.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or not _has_data(tensor):
            size = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
            for dim in tensor.dims:
                size *= dim
            del tensor.external_data[:]
            tensor.data_location = onnx.TensorProto.DEFAULT
            tensor.raw_data = bytes(size)
    return bytes(model.SerializeToString())


def _has_data(tensor: Any) -> bool:
    fields = ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data", "string_data")
    return any(len(getattr(tensor, field)) for field in fields)


def _tensors(graph: Any) -> Iterable[Any]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _tensors(attribute.g)


def table(compared: Iterable[Compared]) -> dict[str, Counter[str]]:
    """Counts per family, with a line for all of them."""
    counts: dict[str, Counter[str]] = {}
    for one in compared:
        for family in (one.case.family, "total"):
            counts.setdefault(family, Counter())[one.outcome.value] += 1
    return {name: counts[name] for name in sorted(counts, key=lambda name: (name == "total", name))}
