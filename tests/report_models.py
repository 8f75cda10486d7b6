"""Models that put a report to the test: hostile names, and ten thousand nodes."""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper

HOSTILE = (
    "</script><script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=1>",
    "\u202egnp.exe",
    "\x1b[31mred",
    "{{ 7*7 }}&amp;'\"",
)


def hostile() -> onnx.ModelProto:
    """A mean, which is forbidden, under every hostile name there is room for."""
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 8, 8])
    nodes, last = [], "x"
    for number, name in enumerate(HOSTILE):
        output = f"{name}{number}"
        nodes.append(helper.make_node("ReduceMean", [last], [output], name=name, axes=[2, 3], keepdims=1))
        last = output
    graph = helper.make_graph(
        nodes, HOSTILE[0], [value], [helper.make_tensor_value_info(last, TensorProto.FLOAT, None)]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name=HOSTILE[1])
    model.ir_version = 8
    return model


def large(count: int = 10_000) -> onnx.ModelProto:
    """Ten thousand nodes, most of them not allowed: means, transposes of rank 3 and activations in turns."""
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 16, 64])
    kinds = (("Transpose", {"perm": [0, 2, 1]}), ("Softmax", {"axis": -1}), ("Relu", {}), ("ReduceMean", {"axes": [0]}))
    nodes, last = [], "x"
    for number in range(count):
        op_type, attributes = kinds[number % len(kinds)]
        output = f"/stages.{number // 1000}/blocks.{number // 50}/{op_type}_output_{number}"
        nodes.append(helper.make_node(op_type, [last], [output], name=f"{output}/node", **attributes))
        last = output
    graph = helper.make_graph(nodes, "large", [value], [helper.make_tensor_value_info(last, TensorProto.FLOAT, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model
