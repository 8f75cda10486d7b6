"""The index of a mutable graph after any changes is the one that its nodes give, and a change costs what it touches."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from safecheck.ir.signature import Tensor
from safecheck.rewrite.canonicalize.run import normalise
from safecheck.rewrite.driver import rewrite_all
from safecheck.rewrite.graph import MutableGraph, Node
from safecheck.rewrite.memo import NodeMemo
from safecheck.rewrite.replacement import Replacement
from safecheck.rewrite.verdicts import Verdicts
from safecheck.rulebook.load import profile

DIMS = (1, 4, 6, 6)


def graph_from(nodes: list[onnx.NodeProto], output: str, weights: dict[str, Any] | None = None) -> MutableGraph:
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, DIMS)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in (weights or {}).items()],
    )
    return MutableGraph(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8))


def chain(op_types: tuple[str, ...], length: int) -> MutableGraph:
    names = ["x", *(f"v{number}" for number in range(length))]
    nodes = []
    for number in range(length):
        op_type = op_types[number % len(op_types)]
        given = {"Clip": ["low", "high"], "Mul": ["factor"], "Add": ["x"]}.get(op_type, [])
        nodes.append(helper.make_node(op_type, [names[number], *given], [names[number + 1]]))
    weights = {
        "low": np.float32(0.5),
        "high": np.float32(2),
        "factor": np.arange(1, 5, dtype=np.float32).reshape(1, 4, 1, 1),
    }
    used = {name for node in nodes for name in node.input}
    return graph_from(nodes, names[-1], {name: array for name, array in weights.items() if name in used})


def inputs(graph: MutableGraph) -> list[str]:
    return [value.name for value in graph.proto.graph.input]


def assert_consistent(graph: MutableGraph) -> None:
    """What the graph says about values is what its nodes say, looked at one by one."""
    places = [node.place for node in graph.nodes]
    assert places == sorted(set(places))
    makers = {name: node for node in graph.nodes for name in node.output}
    readers: dict[str, list[Node]] = {}
    known = {*inputs(graph), *graph.initializers}
    for node in graph.nodes:
        assert (list(node.input), list(node.output)) == (list(node.proto.input), list(node.proto.output))
        assert known.issuperset(node.reads)
        known.update(node.output)
        for name in node.reads:
            readers.setdefault(name, []).append(node)
    for name in known:
        assert graph.producer(name) is makers.get(name)
        assert list(graph.consumers(name)) == readers.get(name, [])
    onnx.checker.check_model(graph.model(), full_check=True)


def depends(graph: MutableGraph, name: str, on: str) -> bool:
    maker = graph.producer(name)
    return name == on or (maker is not None and any(depends(graph, source, on) for source in maker.input))


@pytest.mark.parametrize("seed", range(12))
def test_the_index_follows_any_changes(seed: int) -> None:
    draw = random.Random(seed)
    names, nodes = ["x"], []
    for number in range(14):
        nodes.append(helper.make_node("Add", [draw.choice(names), draw.choice(names[-3:])], [f"v{number}"]))
        names.append(f"v{number}")
    graph = graph_from(nodes, names[-1])
    for _ in range(25):
        if not graph.nodes:
            break
        target = draw.choice([node.output[0] for node in graph.nodes])
        values = [*inputs(graph), *(node.output[0] for node in graph.nodes)]
        free = [name for name in values if not depends(graph, name, target)]
        source, other = draw.choice(free), draw.choice(free)
        if draw.random() < 0.3 and not graph.is_interface(target, source):
            graph.apply(Replacement((source,), (), aliases={target: source}), {})
        elif draw.random() < 0.2:
            node = graph.producer(target)
            assert node is not None
            middle = graph.fresh("middle")
            graph.splice(
                node,
                [helper.make_node(node.op_type, node.input, [middle]), helper.make_node("Neg", [middle], [target])],
            )
        else:
            inner, second = graph.fresh(target), graph.fresh(target)
            made = (
                helper.make_node("Mul", [source, other], [inner]),
                helper.make_node("Sub", [inner, other], [second]),
                helper.make_node("Add", [second, inner], [target]),
            )
            types = dict.fromkeys((inner, second, target), Tensor("FLOAT", DIMS))
            assert [node.op_type for node in graph.apply(Replacement((source, other), (target,), made), types)] == [
                "Mul", "Sub", "Add",
            ]  # fmt: skip
        assert_consistent(graph)
    graph.drop_unused()
    assert_consistent(graph)
    needed = set(graph.outputs).union(*(node.reads for node in graph.nodes))
    assert all(needed.intersection(node.output) for node in graph.nodes)


def test_a_maker_that_comes_later_is_put_in_front_of_its_first_reader() -> None:
    graph = graph_from(
        [
            helper.make_node("Abs", ["x"], ["early"]),
            helper.make_node("Neg", ["x"], ["first"]),
            helper.make_node("Exp", ["first"], ["late"]),
            helper.make_node("Add", ["early", "late"], ["y"]),
        ],
        "y",
    )
    new = helper.make_node("Relu", ["late"], ["early"])
    graph.apply(Replacement(("late",), ("early",), (new,)), {"early": Tensor("FLOAT", DIMS)})
    assert [node.op_type for node in graph.nodes] == ["Neg", "Exp", "Relu", "Add"]
    assert_consistent(graph)


def test_places_never_run_out() -> None:
    """More nodes in a row than places can be halved."""
    graph = graph_from([helper.make_node("Abs", ["x"], ["y0"]), helper.make_node("Neg", ["y0"], ["end"])], "end")
    for number in range(200):
        last = graph.producer("end")
        assert last is not None
        graph.splice(
            last,
            [
                helper.make_node("Abs", last.input, [f"y{number + 1}"]),
                helper.make_node("Neg", [f"y{number + 1}"], ["end"]),
            ],
        )
    assert [node.op_type for node in graph.nodes] == ["Abs"] * 201 + ["Neg"]
    assert_consistent(graph)


def test_an_answer_about_a_node_is_asked_again_when_its_surroundings_change() -> None:
    graph = graph_from([helper.make_node(kind, [f"v{at}" if at else "x"], [f"v{at + 1}"]) for at, kind in enumerate(
        ("Abs", "Exp", "Neg", "Cos", "Sin", "Tan"))], "v6")  # fmt: skip
    asked: list[str] = []
    memo: NodeMemo[None] = NodeMemo()

    def ask(about: Node) -> Callable[[], None]:
        return lambda: asked.append(about.op_type)

    for node in [*graph.nodes, *graph.nodes]:
        memo.of(node, ask(node))
    assert asked == ["Abs", "Exp", "Neg", "Cos", "Sin", "Tan"]
    asked.clear()
    new = helper.make_node("Relu", ["v2"], ["v3"])
    graph.apply(Replacement(("v2",), ("v3",), (new,)), {"v3": Tensor("FLOAT", DIMS)})
    for node in graph.nodes:
        memo.of(node, ask(node))
    assert asked == ["Exp", "Relu", "Cos"]


def test_memos_belong_to_one_graph() -> None:
    one, other = (graph_from([helper.make_node("Abs", ["x"], ["y"])], "y") for _ in range(2))

    class Kept(dict[str, int]):
        pass

    one.memo(Kept)["y"] = 1
    assert one.memo(Kept) == {"y": 1}
    assert other.memo(Kept) == {}


def calls(graph: MutableGraph, target: str) -> tuple[int, int]:
    """How many Python functions are called to normalise a graph and to plan its rewrites, and how much was changed."""
    count = 0

    def counted(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(counted)
    try:
        gone = normalise(graph)
        steps = rewrite_all(graph, Verdicts(graph, profile(target)), proving=False)
    finally:
        sys.setprofile(None)
    return count, sum(step.applied for step in steps) + sum(map(len, gone.values()))


@pytest.mark.slow
@pytest.mark.parametrize("target", ["tensorrt-8.6-restricted", "tensorrt-10-safety"])
@pytest.mark.parametrize(
    "op_types",
    [
        ("Identity", "Relu"),
        ("Clip", "Relu"),
        ("HardSwish",),
        ("GlobalAveragePool", "Add"),
        ("Mul", "Relu"),
        ("Abs",),
        ("Erf", "Add"),
    ],
)
def test_a_rewrite_costs_the_same_in_models_of_any_size(op_types: tuple[str, ...], target: str) -> None:
    """A count of calls does not depend on the machine; what does not grow is taken off by differences."""
    calls(chain(op_types, 4), target)  # imports
    (one, _), (two, changed), (four, twice) = (calls(chain(op_types, length), target) for length in (20, 40, 80))
    assert twice >= 1.8 * changed
    assert (four - two) / (two - one) < 2.3
