"""All node models that ONNX itself is tested with: every operator, with every attribute, in every opset it has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest

from safecheck.finding import Verdict
from safecheck.rulebook.load import DEFAULT, profile
from safecheck.usecases.audit import audit_model

STORED = Path(onnx.__file__).parent / "backend" / "test" / "data" / "node"


def node_models() -> Iterator[tuple[str, bytes]]:
    """Name and content of each; newer packages hold no files but what generates them."""
    files = sorted(STORED.glob("*/model.onnx"))
    if files:
        yield from ((file.parent.name, file.read_bytes()) for file in files)
        return
    from onnx.backend.test.case.node import collect_testcases

    yield from ((case.name, case.model.SerializeToString()) for case in collect_testcases(None))


def count(graph: onnx.GraphProto | onnx.FunctionProto) -> int:
    """Nodes of a graph and of the graphs in it."""
    inner = [
        part for node in graph.node for attribute in node.attribute
        for part in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs)
    ]  # fmt: skip
    return len(graph.node) + sum(count(part) for part in inner)


@pytest.mark.slow
def test_every_node_model_gets_its_verdicts(tmp_path: Path) -> None:
    book = profile(DEFAULT)
    file = tmp_path / "model.onnx"
    seen = 0
    problems = []
    for name, data in node_models():
        seen += 1
        file.write_bytes(data)
        try:
            report = audit_model(str(file), book)
        except Exception as error:  # what is looked for; all of them are of interest
            problems.append(f"{name}: {type(error).__name__}: {error}")
            continue
        if report.error is not None:
            problems.append(f"{name}: {report.error}")
            continue
        assert report.audit is not None
        model = onnx.ModelProto.FromString(data)
        nodes = count(model.graph) + sum(count(function) for function in model.functions)
        verdicts = [report.audit.count(verdict) for verdict in Verdict]
        if not sum(verdicts) == len(report.audit.nodes) == nodes:
            problems.append(f"{name}: {verdicts} of {nodes} nodes")
        bad = {
            (node.location.scope, node.location.index)
            for node in report.audit.nodes
            if node.verdict is not Verdict.ALLOWED
        }
        told = {(finding.location.scope, finding.location.index) for finding in report.audit.findings}
        told = {place for place in told if place[1] is not None}
        behind = sum(
            int(part.actual) for one in report.audit.findings for part in one.evidence if part.fact == "nodes behind it"
        )
        if not told <= bad or len(bad - told) != behind:
            problems.append(f"{name}: findings and verdicts differ")
    assert problems == []
    assert seen > 1500
