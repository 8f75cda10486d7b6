"""Rows 25 to 46: the structure of graphs and functions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from onnx import AttributeProto, GraphProto, ModelProto, TensorProto, TypeProto, helper

from recipes.case import BY_THE_RULES, NEVER_A_PASS, UNREADABLE, Case, edited, of_bytes, of_text

CONV = "(float[1,2,9,9] x) => (y) { y = Conv<kernel_shape = [1, 1]>(x, w) }"
WEIGHTS = {"w": "float[2,2,1,1]"}


def cases() -> Iterator[Case]:
    """Every sub-case."""
    yield edited(25, "no graph", lambda model: model.ClearField("graph"), UNREADABLE, "SC-MODEL-NOTHING")
    yield edited(25, "no nodes", lambda model: model.graph.ClearField("node"), UNREADABLE, "SC-MODEL-")
    yield edited(25, "output is the input", _wired, UNREADABLE, "SC-MODEL-NOTHING")
    yield of_text(
        26,
        "three nodes",
        "(float[4] x) => (y) { a = Add(x, c) b = Sigmoid(a) c = Sigmoid(b) y = Sigmoid(c) }",
        UNREADABLE,
        "SC-MODEL-CYCLE",
    )
    yield edited(26, "itself", lambda model: _inputs(model, 1, ["y", "s"]), UNREADABLE, "SC-MODEL-CYCLE")
    yield of_text(
        26,
        "through a nested graph",
        _IF.replace("y = Sigmoid(t)", "y = Sigmoid(t) w = Sigmoid(y)").replace("a = Sigmoid(x)", "a = Sigmoid(w)"),
        UNREADABLE,
        "SC-MODEL-(CYCLE|ORDER)",
    )
    yield edited(27, "input of nothing", lambda model: _inputs(model, 0, ["nothing"]), UNREADABLE, "SC-MODEL-DANGLING")
    yield edited(
        27,
        "output of nothing",
        lambda model: setattr(model.graph.output[0], "name", "z"),
        UNREADABLE,
        "SC-MODEL-DANGLING",
    )
    yield edited(27, "used before it is defined", _swap, UNREADABLE, "SC-MODEL-ORDER")
    yield edited(28, "value twice", _again, UNREADABLE, "SC-MODEL-SSA")
    yield edited(
        28,
        "an output is an input",
        lambda model: model.graph.node[1].output.__setitem__(0, "x"),
        UNREADABLE,
        "SC-MODEL-(SSA|CYCLE)",
    )
    yield of_text(
        28,
        "a nested graph hides an outer value",
        _IF.replace("a = Sigmoid(x)", "x = Sigmoid(c2) a = Sigmoid(x)").replace("(bool c,", "(bool c, float[4] c2,"),
        NEVER_A_PASS,
    )
    yield from _names()
    yield from _attributes()
    yield from _large()
    yield from _identity()
    yield from _functions()
    yield from _hidden()
    yield from _odd_nodes()
    yield from _lies()


_IF = """(bool c, float[4] x) => (y) {
  t = If (c) <
    then_branch = g1 () => (float[4] a) { a = Sigmoid(x) },
    else_branch = g2 () => (float[4] b) { b = Sigmoid(x) }
  >
  y = Sigmoid(t) }"""


def _wired(model: Any) -> None:
    del model.graph.node[:]
    model.graph.output[0].name = "x"


def _inputs(model: Any, index: int, names: list[str]) -> None:
    model.graph.node[index].input[:] = names


def _swap(model: Any) -> None:
    first, second = (type(node).FromString(node.SerializeToString()) for node in model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([second, first])


def _again(model: Any) -> None:
    model.graph.node.extend([model.graph.node[0]])


def _names() -> Iterator[Case]:
    text = "(float[4,8,6,6] x) => (y) { a = ReduceMean(x) b = ReduceMean(a) y = ReduceMean(b) }"
    for name in ("same", "", "ReduceMean_1", "#1", "node 1", "1"):

        def rename(model: Any, name: str = name) -> None:
            for node in model.graph.node:
                node.name = name

        yield edited(29, f"all are called {name!r}", rename, NEVER_A_PASS, r"reduce-mean", text=text)


def _attributes() -> Iterator[Case]:
    def change(which: Any) -> Any:
        return lambda model: which(model.graph.node[0].attribute[0])

    def two(attribute: Any) -> None:
        attribute.i = 1
        attribute.f = 1.0

    def wrong(kind: int) -> Any:
        return lambda attribute: setattr(attribute, "type", kind)

    def ints(values: list[int]) -> Any:
        def give(attribute: Any) -> None:
            attribute.ints[:] = values

        return give

    yield edited(
        30,
        "twice",
        lambda model: model.graph.node[0].attribute.extend([model.graph.node[0].attribute[0]]),
        NEVER_A_PASS,
        "SC-(MODEL-ATTR|ONNX-SCHEMA)",
        text=CONV,
        weights=WEIGHTS,
    )
    yield edited(30, "two values", change(two), NEVER_A_PASS, "SC-(MODEL-ATTR|ONNX-SCHEMA)", text=CONV, weights=WEIGHTS)
    for name, kind in (("FLOAT", AttributeProto.FLOAT), ("GRAPH", AttributeProto.GRAPH), ("UNDEFINED", 0)):
        yield edited(
            30,
            f"type {name}",
            change(wrong(kind)),
            NEVER_A_PASS,
            "SC-(MODEL-ATTR|ONNX-SCHEMA)",
            text=CONV,
            weights=WEIGHTS,
        )
    yield edited(
        30,
        "reference outside of a function",
        change(lambda attribute: setattr(attribute, "ref_attr_name", "k")),
        NEVER_A_PASS,
        "SC-(MODEL-ATTR|ONNX-SCHEMA)",
        text=CONV,
        weights=WEIGHTS,
    )
    yield edited(
        30,
        "no name",
        change(lambda attribute: setattr(attribute, "name", "")),
        NEVER_A_PASS,
        text=CONV,
        weights=WEIGHTS,
    )
    for name, values in (
        ("empty", []),
        ("negative", [-1, -1]),
        ("zero", [0, 0]),
        ("a million", [1] * 10**6),
        ("smallest", [-(2**63)] * 2),
        ("largest", [2**63 - 1] * 2),
    ):
        for attribute in ("kernel_shape", "strides", "dilations", "pads"):

            def give(model: Any, attribute: str = attribute, values: list[int] = values) -> None:
                node = model.graph.node[0]
                del node.attribute[:]
                node.attribute.append(
                    helper.make_attribute(
                        attribute, values * (2 if attribute == "pads" else 1), attr_type=AttributeProto.INTS
                    )
                )

            codes = BY_THE_RULES if attribute == "pads" and name == "zero" else NEVER_A_PASS
            yield edited(31, f"{attribute} {name}", give, codes, text=CONV, weights=WEIGHTS)
    for group in (0, -1, 3, 2**63 - 1, -(2**63)):
        yield edited(
            31,
            f"group {group}",
            lambda model, group=group: model.graph.node[0].attribute.append(helper.make_attribute("group", group)),
            NEVER_A_PASS,
            text=CONV,
            weights=WEIGHTS,
        )
    for operator, name in (
        ("LeakyRelu", "alpha"),
        ("Elu", "alpha"),
        ("Selu", "gamma"),
        ("HardSigmoid", "beta"),
        ("ThresholdedRelu", "alpha"),
    ):
        for value in (math.nan, math.inf, -math.inf):

            def give_float(model: Any, operator: str = operator, name: str = name, value: float = value) -> None:
                model.graph.node[0].op_type = operator
                model.graph.node[0].attribute.append(helper.make_attribute(name, value))

            yield edited(31, f"{operator} {name} {value}", give_float, NEVER_A_PASS)


def _chain(count: int) -> bytes:
    nodes = [helper.make_node("Relu", [f"v{number}"], [f"v{number + 1}"]) for number in range(count)]
    return _network(nodes, ["v0"], [f"v{count}"])


def _network(nodes: list[Any], inputs: list[str], outputs: list[str], shape: tuple[int, ...] = (1, 4)) -> bytes:
    def value(name: str) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes, "g", [value(name) for name in inputs], [helper.make_tensor_value_info(name, 1, None) for name in outputs]
    )
    return bytes(
        helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()
    )


def _bipartite(side: int) -> bytes:
    """Every node of the second row takes every value of the first."""
    first = [helper.make_node("Relu", ["x"], [f"a{number}"]) for number in range(side)]
    every = [f"a{number}" for number in range(side)]
    second = [helper.make_node("Sum", every, [f"b{number}"]) for number in range(side)]
    return _network(first + second, ["x"], ["b0"])


def _large() -> Iterator[Case]:
    yield of_bytes(
        32,
        "a million inputs of one Concat",
        lambda: _network([helper.make_node("Concat", ["x"] * 10**6, ["y"], axis=0)], ["x"], ["y"]),
        BY_THE_RULES,
        large=True,
    )
    yield of_bytes(32, "a chain of 20,000 nodes", lambda: _chain(20_000), BY_THE_RULES)
    yield of_bytes(32, "a chain of 200,000 nodes", lambda: _chain(200_000), BY_THE_RULES, large=True)
    yield of_bytes(
        32,
        "a million nodes that lead nowhere",
        lambda: _network([helper.make_node("Relu", ["x"], [f"v{number}"]) for number in range(10**6)], ["x"], ["v0"]),
        BY_THE_RULES,
        large=True,
    )
    yield of_bytes(32, "200 nodes that take 200 each", lambda: _bipartite(200), BY_THE_RULES)
    yield of_bytes(32, "2,000 nodes that take 2,000 each", lambda: _bipartite(2000), BY_THE_RULES, large=True)
    yield of_bytes(33, "ten thousand If one after the other", lambda: _ifs(10_000), BY_THE_RULES, large=True)
    yield of_bytes(33, "a chain of a thousand functions", lambda: _functions_in_a_row(1000), BY_THE_RULES)


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
    model = ModelProto.FromString(_network(nodes, ["v0"], [f"v{count}"]))
    model.graph.input.append(helper.make_tensor_value_info("c", TensorProto.BOOL, []))
    return bytes(model.SerializeToString())


def _function(domain: str, name: str, body: list[tuple[str, str]], **more: Any) -> Any:
    """A function of one value that calls operators (domain, name) one after the other."""
    nodes = [helper.make_node(kind, [f"v{at}"], [f"v{at + 1}"], domain=where) for at, (where, kind) in enumerate(body)]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.x", 1)]
    return helper.make_function(domain, name, ["v0"], [f"v{len(body)}"], nodes, opsets, **more)


def _with_functions(functions: list[Any], call: tuple[str, str]) -> bytes:
    model = ModelProto.FromString(_network([helper.make_node(call[1], ["x"], ["y"], domain=call[0])], ["x"], ["y"]))
    model.functions.extend(functions)
    model.opset_import.append(helper.make_opsetid("com.x", 1))
    return bytes(model.SerializeToString())


def _functions_in_a_row(count: int) -> bytes:
    functions = [_function("com.x", "F0", [("", "Sigmoid")])]
    functions += [_function("com.x", f"F{number}", [("com.x", f"F{number - 1}")]) for number in range(1, count)]
    return _with_functions(functions, ("com.x", f"F{count - 1}"))


def _identity() -> Iterator[Case]:
    def opset(*pairs: tuple[str, int]) -> Any:
        def change(model: Any) -> None:
            del model.opset_import[:]
            for domain, version in pairs:
                model.opset_import.add(domain=domain, version=version)

        return change

    for name, pairs in {
        "none": (),
        "two versions": (("", 17), ("", 11)),
        "negative": (("", -1),),
        "zero": (("", 0),),
        "99999": (("", 99999),),
        "largest": (("", 2**63 - 1),),
        "two spellings": (("", 17), ("ai.onnx", 11)),
        "of another domain only": (("com.x", 1),),
    }.items():
        yield edited(34, name, opset(*pairs), NEVER_A_PASS, "SC-(MODEL|AMB)-OPSET")
    for version in (0, -1, 2**63 - 1, -(2**63)):
        yield edited(
            35,
            f"{version}",
            lambda model, version=version: setattr(model, "ir_version", version),
            UNREADABLE,
            "SC-MODEL-IR",
        )
    yield edited(35, "none", lambda model: model.ClearField("ir_version"), UNREADABLE, "SC-MODEL-IR")
    yield edited(
        35, "3, in which every initializer is an input", lambda model: setattr(model, "ir_version", 3), BY_THE_RULES
    )
    for imported in (True, False):

        def elsewhere(model: Any, imported: bool = imported) -> None:
            model.graph.node[0].domain = "com.x"
            if imported:
                model.opset_import.add(domain="com.x", version=1)

        yield edited(36, f"{'with' if imported else 'without'} import", elsewhere, NEVER_A_PASS)
    for domain in ("ai.onnx.ml", "AI.ONNX", " ", "ai.onnx ", "trt.plugins"):

        def inside(model: Any, domain: str = domain) -> None:
            model.graph.node[0].domain = domain
            model.opset_import.add(domain=domain, version=1)

        yield edited(36, f"domain {domain!r}", inside, NEVER_A_PASS)


def _functions() -> Iterator[Case]:
    for domain in ("", "ai.onnx"):
        yield of_bytes(
            37,
            f"Sigmoid in domain {domain!r}",
            lambda domain=domain: _with_functions([_function(domain, "Sigmoid", [("", "Erf")])], ("", "Sigmoid")),
            NEVER_A_PASS,
        )
    yield of_bytes(
        38,
        "Sigmoid that is Erf",
        lambda: _with_functions([_function("com.x", "Sigmoid", [("", "Erf")])], ("com.x", "Sigmoid")),
        NEVER_A_PASS,
    )
    yield of_bytes(
        38,
        "Relu that is ReduceMean",
        lambda: _with_functions([_function("com.x", "Relu", [("", "ReduceMean")])], ("com.x", "Relu")),
        NEVER_A_PASS,
    )
    yield of_bytes(
        39,
        "one name in two domains",
        lambda: _with_functions(
            [_function("com.x", "F", [("", "ReduceMean")]), _function("com.y", "F", [("", "Sigmoid")])], ("com.x", "F")
        ),
        NEVER_A_PASS,
    )

    def overloads() -> bytes:
        functions = [
            _function("com.x", "F", [("", kind)], overload=name)
            for name, kind in (("a", "Sigmoid"), ("b", "ReduceMean"))
        ]
        model = ModelProto.FromString(_with_functions(functions, ("com.x", "F")))
        model.graph.node[0].overload = "b"
        model.ir_version = 10
        return bytes(model.SerializeToString())

    yield of_bytes(39, "overloads", overloads, NEVER_A_PASS)
    yield of_bytes(
        39,
        "a function twice",
        lambda: _with_functions([_function("com.x", "F", [("", "Sigmoid")])] * 2, ("com.x", "F")),
        NEVER_A_PASS,
        "SC-AMB-FUNC",
    )
    yield of_bytes(
        40,
        "itself",
        lambda: _with_functions([_function("com.x", "F", [("com.x", "F")])], ("com.x", "F")),
        UNREADABLE,
        "SC-MODEL-FUNCCYCLE",
    )
    yield of_bytes(
        40,
        "two",
        lambda: _with_functions(
            [_function("com.x", "F", [("com.x", "G")]), _function("com.x", "G", [("com.x", "F")])], ("com.x", "F")
        ),
        UNREADABLE,
        "SC-MODEL-FUNCCYCLE.*F -> G -> F|G -> F -> G",
    )
    yield of_bytes(40, "through an If", _recursive_if, UNREADABLE, "SC-MODEL-FUNCCYCLE")
    yield of_bytes(
        40,
        "nobody calls it",
        lambda: _with_functions([_function("com.x", "F", [("com.x", "F")])], ("", "Sigmoid")),
        UNREADABLE,
        "SC-MODEL-FUNCCYCLE",
    )
    yield of_bytes(41, "ten times ten", lambda: _bomb(10, 10), UNREADABLE, "SC-LIM-EXPAND")
    yield of_bytes(41, "two, sixty deep", lambda: _bomb(60, 2), UNREADABLE, "SC-LIM-EXPAND")
    yield of_bytes(41, "calls of the main graph", many_calls, UNREADABLE, "SC-LIM-EXPAND")
    yield of_bytes(41, "behind an overload that is small", overload_bomb, UNREADABLE, "SC-LIM-EXPAND")
    for command in ("fix", "audit"):
        more = ("--dry-run",) if command == "fix" else ()
        yield of_bytes(
            41,
            f"{command} of calls in a nested graph",
            _nested_calls,
            UNREADABLE,
            "SC-LIM-EXPAND",
            (command, "m.onnx", *more),
        )


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
    model = ModelProto.FromString(_network(nodes, ["v0"], ["v1000"]))
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


_BAD_GRAPH = "g () => (float[4] r) { r = ReduceMean<keepdims = 1>(x) }"


def _hidden() -> Iterator[Case]:
    good = "g () => (float[4] q) { q = Sigmoid(x) }"
    both = f"then_branch = {_BAD_GRAPH.replace('g (', 'g1 (')}, else_branch = {good.replace('g (', 'g2 (')}"
    yield of_text(
        42,
        "in a branch",
        f"(bool c, float[4] x) => (y) {{ t = If (c) < {both} > y = Sigmoid(t) }}",
        NEVER_A_PASS,
        "ReduceMean|reduce",
    )
    yield of_text(
        42,
        "in a branch that is never taken",
        f"(float[4] x) => (y) <bool c = {{0}}> {{ t = If (c) < {both} > y = Sigmoid(t) }}",
        BY_THE_RULES,
    )
    loop = "body = b (int64 i, bool k, float[4] v) => (bool k2, float[4] w) { k2 = Identity(k) w = ReduceMean<keepdims = 1>(v) }"
    yield of_text(
        42,
        "in a Loop",
        f"(float[4] x) => (y) <int64 n = {{3}}, bool t = {{1}}> {{ y = Loop (n, t, x) < {loop} > }}",
        NEVER_A_PASS,
    )
    scan = "body = b (float[4] s, float[4] v) => (float[4] s2, float[4] w) { s2 = Identity(s) w = ReduceMean<keepdims = 1>(v) }"
    yield of_text(
        42,
        "in a Scan",
        f"(float[4] x, float[3,4] z) => (y, float[3,4] u) {{ y, u = Scan <num_scan_inputs = 1, {scan}> (x, z) }}",
        NEVER_A_PASS,
    )
    yield of_bytes(
        42,
        "in a function",
        lambda: _with_functions([_function("com.x", "F", [("", "Sigmoid"), ("", "ReduceMean")])], ("com.x", "F")),
        NEVER_A_PASS,
    )
    yield of_text(42, "leading nowhere", "(float[4,8,6,6] x) => (y) { z = ReduceMean(x) y = Sigmoid(x) }", NEVER_A_PASS)

    def trained(model: Any) -> None:
        model.training_info.add().algorithm.node.add(op_type="ReduceMean", input=["x"], output=["q"])

    yield edited(42, "in a training graph", trained, NEVER_A_PASS, "SC-MODEL-TRAINING")
    yield edited(
        42,
        "a constant that leads nowhere",
        lambda model: model.graph.node.append(helper.make_node("Constant", [], ["k"], value_strings=["a"])),
        NEVER_A_PASS,
    )


def _odd_nodes() -> Iterator[Case]:
    yield edited(
        43,
        "Constant without output",
        lambda model: model.graph.node.append(helper.make_node("Constant", [], [], value_float=1.0)),
        NEVER_A_PASS,
    )
    yield edited(43, "no operator", lambda model: model.graph.node[0].ClearField("op_type"), NEVER_A_PASS)
    yield edited(43, "output without a name", lambda model: model.graph.node[1].output.append(""), NEVER_A_PASS)
    yield edited(
        43,
        "the only output has no name",
        lambda model: model.graph.node.append(helper.make_node("Sigmoid", ["x"], [""])),
        NEVER_A_PASS,
    )
    yield edited(
        43,
        "more outputs than it has",
        lambda model: model.graph.node[0].output.extend(["p", "q"]),
        NEVER_A_PASS,
        "SC-ONNX-SCHEMA|SC-MODEL-NODE",
    )
    yield edited(
        43, "no output", lambda model: model.graph.node.append(helper.make_node("Sigmoid", ["x"], [])), NEVER_A_PASS
    )
    yield edited(43, "more inputs than it has", lambda model: _inputs(model, 0, ["x", "x", "x"]), NEVER_A_PASS)


def _lies() -> Iterator[Case]:
    def dims(*sizes: Any) -> Any:
        def change(model: Any) -> None:
            shape = model.graph.input[0].type.tensor_type.shape
            del shape.dim[:]
            for size in sizes:
                added = shape.dim.add()
                if isinstance(size, str):
                    added.dim_param = size
                elif size is not None:
                    added.dim_value = size

        return change

    conv = "(float[1,4096,9,9] x) => (float[1,4096,9,9] y) { y = Softmax<axis = 1>(x) }"

    def output(model: Any) -> None:
        model.graph.output[0].type.CopyFrom(helper.make_tensor_type_proto(1, [1, 16, 9, 9]))

    yield edited(44, "shape of an output", output, NEVER_A_PASS, text=conv)
    yield edited(
        44,
        "type of an output",
        lambda model: model.graph.output[0].type.CopyFrom(helper.make_tensor_type_proto(7, [4, 8, 6, 6])),
        NEVER_A_PASS,
    )

    def inner(model: Any) -> None:
        model.graph.value_info.append(helper.make_tensor_value_info("s", TensorProto.FLOAT, [1, 1, 1, 1]))

    yield edited(44, "shape of a value", inner, BY_THE_RULES)
    for name, sizes, codes in (
        ("unknown", (None,) * 4, NEVER_A_PASS),
        ("symbolic", ("n", "c", "h", "w"), NEVER_A_PASS),
        ("negative", (-1, 8, 6, 6), NEVER_A_PASS),
        ("largest", (2**63 - 1, 8, 6, 6), NEVER_A_PASS),
        ("smallest", (-(2**63), 8, 6, 6), NEVER_A_PASS),
        ("none", (), NEVER_A_PASS),
    ):
        yield edited(45, name, dims(*sizes), codes if sizes else BY_THE_RULES)
    yield edited(45, "no shape", lambda model: model.graph.input[0].type.tensor_type.ClearField("shape"), NEVER_A_PASS)
    yield edited(45, "no type", lambda model: model.graph.input[0].ClearField("type"), NEVER_A_PASS)
    yield edited(45, "a type that is none", lambda model: model.graph.input[0].CopyFrom(_sequence()), NEVER_A_PASS)
    tensor = helper.make_tensor("w", TensorProto.FLOAT, [2, 2, 1, 1], [0.0] * 4)
    yield edited(
        46,
        "twice",
        lambda model: model.graph.initializer.append(tensor),
        UNREADABLE,
        "SC-MODEL-SSA",
        text=CONV,
        weights=WEIGHTS,
    )
    yield edited(
        46,
        "is what a node computes",
        lambda model: model.graph.initializer.append(helper.make_tensor("s", 1, [4, 8, 6, 6], [0.0] * 1152)),
        UNREADABLE,
        "SC-MODEL-SSA",
    )
    yield edited(
        46, "an input twice", lambda model: model.graph.input.append(model.graph.input[0]), UNREADABLE, "SC-MODEL-SSA"
    )
    yield edited(
        46,
        "an input of another shape",
        lambda model: model.graph.input.append(helper.make_tensor_value_info("w", 1, [5, 5, 1, 1])),
        NEVER_A_PASS,
        text=CONV,
        weights=WEIGHTS,
    )
    yield edited(
        46,
        "an input of another type",
        lambda model: model.graph.input.append(helper.make_tensor_value_info("w", 7, [2, 2, 1, 1])),
        NEVER_A_PASS,
        text=CONV,
        weights=WEIGHTS,
    )


def _sequence() -> Any:
    kind = TypeProto()
    kind.sequence_type.elem_type.tensor_type.elem_type = 1
    return helper.make_value_info("x", kind)
