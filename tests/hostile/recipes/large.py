"""Rows 32 and 33: many nodes, many operands, many graphs one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from onnx import ModelProto, TensorProto, helper

from recipes.built import network
from recipes.case import BY_THE_RULES, Case, contents
from recipes.functions import in_a_row


def cases() -> Iterator[Case]:
    """Every sub-case."""
    relus = partial(map, lambda number: helper.make_node("Relu", ["x"], [f"v{number}"]))
    huge = {
        "a million inputs of one Concat": lambda: network(
            [helper.make_node("Concat", ["x"] * 10**6, ["y"], axis=0)], ["x"], ["y"]
        ),
        "a chain of 200,000 nodes": partial(_chain, 200_000),
        "a million nodes that lead nowhere": lambda: network(list(relus(range(10**6))), ["x"], ["v0"]),
        "2,000 nodes that take 2,000 each": partial(_bipartite, 2000),
    }
    yield from contents(32, huge, BY_THE_RULES, large=True)
    many = {
        "a chain of 20,000 nodes": partial(_chain, 20_000),
        "200 nodes that take 200 each": partial(_bipartite, 200),
    }
    yield from contents(32, many, BY_THE_RULES)
    yield from contents(33, {"ten thousand If one after the other": partial(_ifs, 10_000)}, BY_THE_RULES, large=True)
    yield from contents(33, {"a chain of a thousand functions": partial(in_a_row, 1000)}, BY_THE_RULES)


def _chain(count: int) -> bytes:
    nodes = [helper.make_node("Relu", [f"v{number}"], [f"v{number + 1}"]) for number in range(count)]
    return network(nodes, ["v0"], [f"v{count}"])


def _bipartite(side: int) -> bytes:
    """Every node of the second row takes every value of the first."""
    first = [helper.make_node("Relu", ["x"], [f"a{number}"]) for number in range(side)]
    every = [f"a{number}" for number in range(side)]
    second = [helper.make_node("Sum", every, [f"b{number}"]) for number in range(side)]
    return network(first + second, ["x"], ["b0"])


def _ifs(count: int) -> bytes:
    nodes = []
    for number in range(count):
        branches = {}
        for name in ("then_branch", "else_branch"):
            inner = helper.make_node("Relu", [f"v{number}"], [f"{name}{number}"])
            branches[name] = helper.make_graph(
                [inner], name, [], [helper.make_tensor_value_info(f"{name}{number}", 1, [1, 4])]
            )
        nodes.append(helper.make_node("If", ["c"], [f"v{number + 1}"], **branches))
    model = ModelProto.FromString(network(nodes, ["v0"], [f"v{count}"]))
    model.graph.input.append(helper.make_tensor_value_info("c", TensorProto.BOOL, []))
    return bytes(model.SerializeToString())
