"""Rows 37 to 41: functions of a model that are called like operators, call themselves, or grow without end."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from onnx import GraphProto, ModelProto, TensorProto, helper

from recipes.built import network
from recipes.case import NEVER_A_PASS, UNREADABLE, Case, contents

_F = ("com.x", "F")


def cases() -> Iterator[Case]:
    """Every sub-case."""
    built_in = {
        f"Sigmoid in domain {domain!r}": partial(_with, ("", "Sigmoid"), (domain, "Sigmoid", [("", "Erf")]))
        for domain in ("", "ai.onnx")
    }
    yield from contents(37, built_in, NEVER_A_PASS)
    named = {
        "Sigmoid that is Erf": partial(_with, ("com.x", "Sigmoid"), ("com.x", "Sigmoid", [("", "Erf")])),
        "Relu that is ReduceMean": partial(_with, ("com.x", "Relu"), ("com.x", "Relu", [("", "ReduceMean")])),
    }
    yield from contents(38, named, NEVER_A_PASS)
    sigmoid, circle = (*_F, [("", "Sigmoid")]), (*_F, [_F])
    several = {
        "one name in two domains": partial(_with, _F, (*_F, [("", "ReduceMean")]), ("com.y", "F", [("", "Sigmoid")])),
        "overloads": _overloads,
    }
    yield from contents(39, several, NEVER_A_PASS)
    yield from contents(39, {"a function twice": partial(_with, _F, sigmoid, sigmoid)}, NEVER_A_PASS, "SC-AMB-FUNC")
    circles = {
        "itself": partial(_with, _F, circle),
        "through an If": _recursive_if,
        "nobody calls it": partial(_with, ("", "Sigmoid"), circle),
    }
    yield from contents(40, circles, UNREADABLE, "SC-MODEL-FUNCCYCLE")
    two = {"two": partial(_with, _F, (*_F, [("com.x", "G")]), ("com.x", "G", [_F]))}
    yield from contents(40, two, UNREADABLE, "SC-MODEL-FUNCCYCLE.*F -> G -> F|G -> F -> G")
    bombs = {
        "ten times ten": partial(_bomb, 10, 10),
        "two, sixty deep": partial(_bomb, 60, 2),
        "calls of the main graph": many_calls,
        "behind an overload that is small": overload_bomb,
    }
    yield from contents(41, bombs, UNREADABLE, "SC-LIM-EXPAND")
    for command in (("fix", "m.onnx", "--dry-run"), ("audit", "m.onnx")):
        nested = {f"{command[0]} of calls in a nested graph": _nested_calls}
        yield from contents(41, nested, UNREADABLE, "SC-LIM-EXPAND", command=command)


def _with(call: tuple[str, str], *functions: tuple[str, str, list[tuple[str, str]]]) -> bytes:
    return _with_functions([_function(*one) for one in functions], call)


def _function(domain: str, name: str, body: list[tuple[str, str]], **more: Any) -> Any:
    """A function of one value that calls operators (domain, name) one after the other."""
    nodes = [helper.make_node(kind, [f"v{at}"], [f"v{at + 1}"], domain=where) for at, (where, kind) in enumerate(body)]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.x", 1)]
    return helper.make_function(domain, name, ["v0"], [f"v{len(body)}"], nodes, opsets, **more)


def _with_functions(functions: list[Any], call: tuple[str, str]) -> bytes:
    model = ModelProto.FromString(network([helper.make_node(call[1], ["x"], ["y"], domain=call[0])], ["x"], ["y"]))
    model.functions.extend(functions)
    model.opset_import.append(helper.make_opsetid("com.x", 1))
    return bytes(model.SerializeToString())


def in_a_row(count: int) -> bytes:
    """So many functions, each of which calls the one before."""
    functions = [_function("com.x", "F0", [("", "Sigmoid")])]
    functions += [_function("com.x", f"F{number}", [("com.x", f"F{number - 1}")]) for number in range(1, count)]
    return _with_functions(functions, ("com.x", f"F{count - 1}"))


def _overloads() -> bytes:
    functions = [
        _function("com.x", "F", [("", kind)], overload=name) for name, kind in (("a", "Sigmoid"), ("b", "ReduceMean"))
    ]
    model = ModelProto.FromString(_with_functions(functions, _F))
    model.graph.node[0].overload = "b"
    model.ir_version = 10
    return bytes(model.SerializeToString())


def forbidden_inside() -> bytes:
    """A forbidden operator that only a function has."""
    return _with(_F, (*_F, [("", "Sigmoid"), ("", "ReduceMean")]))


def _recursive_if() -> bytes:
    call = helper.make_node("F", ["v0"], ["a"], domain="com.x")
    other = helper.make_node("Sigmoid", ["v0"], ["b"])
    branches = {
        name: helper.make_graph([node], name, [], [helper.make_tensor_value_info(node.output[0], 1, None)])
        for name, node in (("then_branch", call), ("else_branch", other))
    }
    nodes = [
        helper.make_node("ReduceMax", ["v0"], ["m"], keepdims=0),
        helper.make_node("Cast", ["m"], ["c"], to=9),
        helper.make_node("If", ["c"], ["r"], **branches),
    ]
    function = helper.make_function(
        "com.x", "F", ["v0"], ["r"], nodes, [helper.make_opsetid("", 17), helper.make_opsetid("com.x", 1)]
    )
    return _with_functions([function], ("com.x", "F"))


def _bomb(depth: int, width: int) -> bytes:
    functions = [_function("com.x", "F0", [("", "Sigmoid")])]
    functions += [_function("com.x", f"F{level}", [("com.x", f"F{level - 1}")] * width) for level in range(1, depth)]
    return _with_functions(functions, ("com.x", f"F{depth - 1}"))


def many_calls() -> bytes:
    """Each function is allowed, but a thousand calls of one are not."""
    functions = [_function("com.x", "F0", [("", "Sigmoid")] * 10)]
    functions += [_function("com.x", f"F{level}", [("com.x", f"F{level - 1}")] * 10) for level in range(1, 5)]
    nodes = [helper.make_node("F4", [f"v{at}"], [f"v{at + 1}"], domain="com.x") for at in range(1000)]
    model = ModelProto.FromString(network(nodes, ["v0"], ["v1000"]))
    model.functions.extend(functions)
    model.opset_import.append(helper.make_opsetid("com.x", 1))
    return bytes(model.SerializeToString())


def _nested_calls() -> bytes:
    model = ModelProto.FromString(many_calls())
    inner = GraphProto()
    inner.CopyFrom(model.graph)
    del inner.input[:]
    other = helper.make_graph(
        [helper.make_node("Relu", ["v0"], ["o"])], "e", [], [helper.make_tensor_value_info("o", 1, [1, 4])]
    )
    del model.graph.node[:]
    model.graph.node.append(helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=other))
    model.graph.input.append(helper.make_tensor_value_info("c", TensorProto.BOOL, []))
    model.graph.output[0].name = "y"
    return bytes(model.SerializeToString())


def overload_bomb() -> bytes:
    """Many calls, each beside an overload that is small."""
    model = ModelProto.FromString(_bomb(10, 10))
    decoys = []
    for function in model.functions:
        decoy = type(function)()
        decoy.CopyFrom(function)
        decoy.overload = "small"
        del decoy.node[:]
        decoy.node.append(helper.make_node("Sigmoid", ["v0"], [function.output[0]]))
        decoys.append(decoy)
    model.functions.extend(decoys)
    model.ir_version = 10
    return bytes(model.SerializeToString())
