"""A fault in one rewrite is a reason to leave a node, and costs nothing else."""

from __future__ import annotations

from typing import Any

import onnx
import pytest

from safecheck.rewrite.driver import rewrite_all
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rule import FAILED, Match
from safecheck.rewrite.rules import REWRITES
from safecheck.rewrite.verdicts import Verdicts
from safecheck.rulebook.load import profile

MODEL = (
    '<ir_version: 8, opset_import: ["" : 17]> g (float[1,4,8,8] x) => (float[1,4,8,8] y) { s = Tanh(x) y = Floor(s) }'
)


class Faulty:
    name = "faulty"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        raise ZeroDivisionError("a secret of the model")


def test_a_fault_leaves_the_node_and_names_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safecheck.rewrite.driver.REWRITES", (Faulty(), *REWRITES))
    graph = MutableGraph(onnx.parser.parse_model(MODEL))
    steps = rewrite_all(graph, Verdicts(graph, profile("tensorrt-8.6-restricted")))
    (fault,) = {step.reason for step in steps if not step.applied and FAILED in step.reason}
    assert "ZeroDivisionError in test_faults.py:" in fault
    assert "secret" not in fault
    assert {step.name for step in steps if step.applied} == {"gelu-to-sigmoid"}
    assert "Tanh" not in {node.op_type for node in graph.nodes}


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_what_is_no_fault_of_the_rewrite_ends_the_run(
    monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def match(self: Faulty, graph: MutableGraph, node: Any) -> Match | None:
        raise error

    monkeypatch.setattr(Faulty, "match", match)
    monkeypatch.setattr("safecheck.rewrite.driver.REWRITES", (Faulty(),))
    graph = MutableGraph(onnx.parser.parse_model(MODEL))
    with pytest.raises(error):
        rewrite_all(graph, Verdicts(graph, profile("tensorrt-8.6-restricted")))
