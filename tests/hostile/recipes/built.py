"""Networks that recipes build node by node."""

from __future__ import annotations

from typing import Any

from onnx import TensorProto, helper


def network(nodes: list[Any], inputs: list[str], outputs: list[str], shape: tuple[int, ...] = (1, 4)) -> bytes:
    """The bytes of a model of these nodes."""

    def value(name: str) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes, "g", [value(name) for name in inputs], [helper.make_tensor_value_info(name, 1, None) for name in outputs]
    )
    return bytes(
        helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()
    )
