"""Rows 42 and 43: what is forbidden where nobody looks, and nodes that are none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from onnx import helper

from recipes.case import BY_THE_RULES, NEVER_A_PASS, Case, changed, contents, written
from recipes.functions import forbidden_inside
from recipes.structure import reading

_GOOD, _BAD = "() => (float[4] q) { q = Sigmoid(x) }", "() => (float[4] r) { r = ReduceMean<keepdims = 1>(x) }"
_BOTH = f"then_branch = g1 {_BAD}, else_branch = g2 {_GOOD}"
_LOOP = "body = b (int64 i, bool k, float[4] v) => (bool k2, float[4] w) { k2 = Identity(k) w = ReduceMean<keepdims = 1>(v) }"
_SCAN = "body = b (float[4] s, float[4] v) => (float[4] s2, float[4] w) { s2 = Identity(s) w = ReduceMean<keepdims = 1>(v) }"
_HIDDEN = {
    "in a Loop": f"(float[4] x) => (y) <int64 n = {{3}}, bool t = {{1}}> {{ y = Loop (n, t, x) < {_LOOP} > }}",
    "in a Scan": (
        f"(float[4] x, float[3,4] z) => (y, float[3,4] u) {{ y, u = Scan <num_scan_inputs = 1, {_SCAN}> (x, z) }}"
    ),
    "leading nowhere": "(float[4,8,6,6] x) => (y) { z = ReduceMean(x) y = Sigmoid(x) }",
}


def cases() -> Iterator[Case]:
    """Every sub-case."""
    taken = f"(bool c, float[4] x) => (y) {{ t = If (c) < {_BOTH} > y = Sigmoid(t) }}"
    never = f"(float[4] x) => (y) <bool c = {{0}}> {{ t = If (c) < {_BOTH} > y = Sigmoid(t) }}"
    yield from written(42, {"in a branch": taken}, NEVER_A_PASS, "ReduceMean|reduce")
    yield from written(42, {"in a branch that is never taken": never}, BY_THE_RULES)
    yield from written(42, _HIDDEN, NEVER_A_PASS)
    yield from contents(42, {"in a function": forbidden_inside}, NEVER_A_PASS)
    yield from changed(42, {"in a training graph": _trained}, NEVER_A_PASS, "SC-MODEL-TRAINING")
    constant = {"a constant that leads nowhere": _added("Constant", [], ["k"], value_strings=["a"])}
    yield from changed(42, constant, NEVER_A_PASS)
    odd: dict[str, Callable[[Any], object]] = {
        "Constant without output": _added("Constant", [], [], value_float=1.0),
        "no operator": lambda model: model.graph.node[0].ClearField("op_type"),
        "output without a name": lambda model: model.graph.node[1].output.append(""),
        "the only output has no name": _added("Sigmoid", ["x"], [""]),
        "no output": _added("Sigmoid", ["x"], []),
        "more inputs than it has": reading(0, "x", "x", "x"),
    }
    yield from changed(43, odd, NEVER_A_PASS)
    more = {"more outputs than it has": lambda model: model.graph.node[0].output.extend(["p", "q"])}
    yield from changed(43, more, NEVER_A_PASS, "SC-ONNX-SCHEMA|SC-MODEL-NODE")


def _added(*node: Any, **attributes: Any) -> Callable[[Any], object]:
    return lambda model: model.graph.node.append(helper.make_node(*node, **attributes))


def _trained(model: Any) -> None:
    model.training_info.add().algorithm.node.add(op_type="ReduceMean", input=["x"], output=["q"])
