"""Rows 25 to 29: graphs that are none, circles, values that are nowhere or twice, names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from recipes.case import NEVER_A_PASS, UNREADABLE, Case, changed, written

_IF = """(bool c, float[4] x) => (y) {
  t = If (c) <
    then_branch = g1 () => (float[4] a) { a = Sigmoid(x) },
    else_branch = g2 () => (float[4] b) { b = Sigmoid(x) }
  >
  y = Sigmoid(t) }"""
_CIRCLE = "(float[4] x) => (y) { a = Add(x, c) b = Sigmoid(a) c = Sigmoid(b) y = Sigmoid(c) }"
_NESTED = _IF.replace("y = Sigmoid(t)", "y = Sigmoid(t) w = Sigmoid(y)").replace("a = Sigmoid(x)", "a = Sigmoid(w)")
_HIDING = _IF.replace("a = Sigmoid(x)", "x = Sigmoid(c2) a = Sigmoid(x)").replace("(bool c,", "(bool c, float[4] c2,")
_MEANS = "(float[4,8,6,6] x) => (y) { a = ReduceMean(x) b = ReduceMean(a) y = ReduceMean(b) }"


def cases() -> Iterator[Case]:
    """Every sub-case."""
    yield from changed(25, {"no graph": lambda model: model.ClearField("graph")}, UNREADABLE, "SC-MODEL-NOTHING")
    yield from changed(25, {"no nodes": lambda model: model.graph.ClearField("node")}, UNREADABLE, "SC-MODEL-")
    yield from changed(25, {"output is the input": _wired}, UNREADABLE, "SC-MODEL-NOTHING")
    yield from written(26, {"three nodes": _CIRCLE}, UNREADABLE, "SC-MODEL-CYCLE")
    yield from changed(26, {"itself": reading(1, "y", "s")}, UNREADABLE, "SC-MODEL-CYCLE")
    yield from written(26, {"through a nested graph": _NESTED}, UNREADABLE, "SC-MODEL-(CYCLE|ORDER)")
    dangling: dict[str, Callable[[Any], object]] = {
        "input of nothing": reading(0, "nothing"),
        "output of nothing": lambda model: setattr(model.graph.output[0], "name", "z"),
    }
    yield from changed(27, dangling, UNREADABLE, "SC-MODEL-DANGLING")
    yield from changed(27, {"used before it is defined": _swap}, UNREADABLE, "SC-MODEL-ORDER")
    yield from changed(28, {"value twice": _again}, UNREADABLE, "SC-MODEL-SSA")
    is_input = {"an output is an input": lambda model: model.graph.node[1].output.__setitem__(0, "x")}
    yield from changed(28, is_input, UNREADABLE, "SC-MODEL-(SSA|CYCLE)")
    yield from written(28, {"a nested graph hides an outer value": _HIDING}, NEVER_A_PASS)
    names = {
        f"all are called {name!r}": partial(_rename, name) for name in ("same", "", "ReduceMean_1", "#1", "node 1", "1")
    }
    yield from changed(29, names, NEVER_A_PASS, r"reduce-mean", text=_MEANS)


def _wired(model: Any) -> None:
    del model.graph.node[:]
    model.graph.output[0].name = "x"


def reading(index: int, *names: str) -> Callable[[Any], object]:
    """Let a node read other values."""
    return lambda model: model.graph.node[index].input.__setitem__(slice(None), names)


def _swap(model: Any) -> None:
    first, second = (type(node).FromString(node.SerializeToString()) for node in model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([second, first])


def _again(model: Any) -> None:
    model.graph.node.extend([model.graph.node[0]])


def _rename(name: str, model: Any) -> None:
    for node in model.graph.node:
        node.name = name
