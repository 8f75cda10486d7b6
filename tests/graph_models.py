"""Models for graphs: nested graphs, a local function, several edges between two nodes, and names that are syntax."""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper

NAMES = (
    'a"];b->c[label="',
    "back\\slash\\",
    "\\",
    "two\nlines\r\n\x00\x1b[31m",
    "</y:NodeLabel><x>&amp;&#65;]]>",
    'n0"]:::forbidden\nclick n0 "javascript:alert(1)"',
    "`md` **x** #quot; %% -->|x| end subgraph",
    "12:then_branch:0",
    "\u202egnp.\u2028\ufeffexe",
    "a:b/3:c",
    "é字 \U0001f600",
    "{a|<b>c}",
)
"""Every name is syntax in one of the formats."""


def nested() -> onnx.ModelProto:
    """A mean that a function calls, an If whose branches use a value from outside, and a product of one value twice."""
    value = helper.make_tensor_value_info
    shape = [1, 4, 8, 8]
    branches = {
        f"{name}_branch": helper.make_graph(
            [
                helper.make_node(kind, ["relu"], [f"{name}_mid"], name=f"{name}_first"),
                helper.make_node("Mul", [f"{name}_mid", "relu"], [f"{name}_out"], name=f"{name}_second"),
            ],
            name,
            [],
            [value(f"{name}_out", TensorProto.FLOAT, shape)],
        )
        for name, kind in (("then", "Sigmoid"), ("else", "Tanh"))
    }
    mean = helper.make_function(
        "local", "Pooled", ["a"], ["c"],
        [
            helper.make_node("Relu", ["a"], ["b"], name="in_function"),
            helper.make_node("ReduceMean", ["b"], ["c"], name="mean", axes=[2, 3]),
        ],
        [helper.make_opsetid("", 17)],
    )  # fmt: skip
    nodes = [
        helper.make_node("Relu", ["x"], ["relu"], name="relu"),
        helper.make_node("If", ["choice"], ["chosen"], name="if", **branches),
        helper.make_node("Mul", ["chosen", "chosen"], ["square"], name="square"),
        helper.make_node("Pooled", ["square"], ["y"], name="call", domain="local"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [value("x", TensorProto.FLOAT, shape), value("choice", TensorProto.BOOL, [])],
        [value("y", TensorProto.FLOAT, None)],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    model = helper.make_model(graph, opset_imports=opsets, functions=[mean])
    model.ir_version = 8
    return model


def named_like_syntax() -> onnx.ModelProto:
    """A chain of activations and means; every name of a node, a value and a dimension is one of `NAMES`."""
    nodes, last = [], NAMES[0] + "in"
    for number, name in enumerate(NAMES):
        kind = ("Relu", "Sigmoid", "ReduceMax")[number % 3]
        options = {"axes": [1], "keepdims": 1} if kind == "ReduceMax" else {}
        nodes.append(helper.make_node(kind, [last], [name + "out"], name=name, **options))
        last = name + "out"
    dims = [NAMES[3], 4, NAMES[0], 8]
    graph = helper.make_graph(
        nodes,
        NAMES[4],
        [helper.make_tensor_value_info(NAMES[0] + "in", TensorProto.FLOAT, dims)],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


def nested_under(name: str) -> onnx.ModelProto:
    """An operator of a domain of its own that holds a graph in an attribute of this name, and that one another."""
    value = helper.make_tensor_value_info

    def held(depth: int) -> onnx.GraphProto:
        nodes = [helper.make_node("Relu", ["x"], [f"r{depth}"], name=f"inner {depth}")]
        if depth:
            nodes.append(helper.make_node("Hold", ["x"], [f"h{depth}"], domain="own", **{name: held(depth - 1)}))
        return helper.make_graph(nodes, "held", [], [value(f"r{depth}", TensorProto.FLOAT, [1, 4])])

    node = helper.make_node("Hold", ["x"], ["y"], domain="own", **{name: held(1)})
    graph = helper.make_graph(
        [node], "g", [value("x", TensorProto.FLOAT, [1, 4])], [value("y", TensorProto.FLOAT, [1, 4])]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("own", 1)])
    model.ir_version = 8
    return model
