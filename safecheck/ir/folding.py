"""Which nodes compute a constant, and what they compute if it is small.

A node whose inputs are all constants can be folded before the build; the parser itself never does it. A node that
depends on constants and fixed shapes only (Shape and what follows it) computes a constant too, but is not folded
here: it would have to be folded in the file first.
"""

from __future__ import annotations

from math import prod
from typing import Any

from safecheck.finding import Scalar
from safecheck.intake.dtypes import INTEGERS, dtype_number
from safecheck.ir import schemas
from safecheck.ir.signature import MAX_FLOATS, MAX_INTEGERS, UNKNOWN, Tensor
from safecheck.ir.walk import is_standard

# Random operators differ from run to run; quantisation of constants is explicit precision information for TensorRT;
# control flow holds graphs of its own.
_NEVER = frozenset(
    {
        "Bernoulli", "DequantizeLinear", "DynamicQuantizeLinear", "If", "Loop", "Multinomial", "QuantizeLinear",
        "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Scan", "SequenceMap",
    }
)  # fmt: skip
OF_SHAPE_ONLY = frozenset({"Shape", "Size"})
_KEEPS_ELEMENTS = frozenset({"Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten"})


def foldable(node: Any, opset: int) -> bool:
    """Whether the operator is a pure ONNX function of its inputs."""
    return (
        is_standard(node) and node.op_type not in _NEVER and bool(node.input) and schemas.known(node.op_type, "", opset)
    )


def reads_shape_only(node: Any, data: Tensor | None) -> bool:
    """Whether the node looks only at the dimensions of its input, and all of them are fixed."""
    return node.op_type in OF_SHAPE_ONLY and data is not None and data.dims is not UNKNOWN


def shape_elements(node: Any, data: Tensor | None) -> tuple[Scalar, ...] | None:
    """What Shape or Size of a tensor with fixed dimensions computes."""
    if data is None or data.dims is UNKNOWN:
        return None
    if node.op_type == "Size":
        return (prod(data.dims),)
    bounds = {attribute.name: int(attribute.i) for attribute in node.attribute}
    return data.dims[bounds.get("start", 0) : bounds.get("end", len(data.dims))]


def elements(
    node: Any, inputs: list[Tensor | None], output: Tensor, opset: int, position: int = 0
) -> tuple[Scalar, ...] | None:
    """The elements of an output of a folded node, if they are few and the elements of its inputs are known."""
    given = [tensor for name, tensor in zip(node.input, inputs, strict=True) if name]
    if any(tensor is None or tensor.values is None for tensor in given) or not _few(output):
        return None
    if node.op_type in _KEEPS_ELEMENTS and inputs[0] is not None:
        return inputs[0].values
    return _evaluate(node, inputs, opset, position)


def _few(tensor: Tensor) -> bool:
    dims = tensor.dims
    if dims is UNKNOWN:
        return False
    return prod(dims) <= (MAX_INTEGERS if tensor.dtype in INTEGERS else MAX_FLOATS)


def _evaluate(node: Any, inputs: list[Tensor | None], opset: int, position: int) -> tuple[Scalar, ...] | None:
    """Ask ONNX's reference implementation. Slow to import, so only models with such nodes pay for it."""
    import numpy
    import onnx.helper  # noqa: TID251 - the reference implementation needs the whole package
    import onnx.reference  # noqa: TID251

    given = [(name, tensor) for name, tensor in zip(node.input, inputs, strict=True) if tensor is not None]
    feeds = {
        name: numpy.array(tensor.values, onnx.helper.tensor_dtype_to_np_dtype(dtype_number(tensor.dtype))).reshape(
            _dims(tensor)
        )
        for name, tensor in given
    }
    graph = onnx.helper.make_graph(
        [onnx.NodeProto.FromString(node.SerializeToString())],
        "fold",
        [onnx.helper.make_tensor_value_info(name, dtype_number(tensor.dtype), None) for name, tensor in given],
        [onnx.ValueInfoProto(name=node.output[position])],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])
    try:
        results: Any = onnx.reference.ReferenceEvaluator(model).run(None, feeds)
    except Exception:  # an operator form the reference cannot evaluate: the value stays unknown
        return None
    return tuple(numpy.asarray(results[0]).reshape(-1).tolist())


def _dims(tensor: Tensor) -> tuple[int, ...]:
    return () if tensor.dims is UNKNOWN else tensor.dims
