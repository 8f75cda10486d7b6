"""Which nodes compute a constant, and what they compute if it is small.

A node whose inputs are all constants can be folded before the build; the parser itself never does it. A node that
depends on constants and fixed shapes only (Shape and what follows it) computes a constant too, but is not folded
here: it would have to be folded in the file first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf, isfinite, prod
from typing import Any

from safecheck.finding import Scalar
from safecheck.intake.dtypes import INTEGERS
from safecheck.intake.onnx_library import messages
from safecheck.ir import schemas
from safecheck.ir.protos import numpy_type, standalone, value_info
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
HANDS_ON = frozenset({"Dropout"})
"""Operators through which weights pass as they are: every importer read returns its input, weights or tensor."""
OF_SHAPE_ONLY = frozenset({"Shape", "Size"})
# Operators that take time and memory in proportion to elements read and written. Of the others a small result says
# nothing about the way to it: an Einsum of fifty letters, a convolution with a dilation of 2^40.
_EVALUATED = frozenset(
    {
        "Abs", "Acos", "Acosh", "Add", "And", "ArgMax", "ArgMin", "Asin", "Asinh", "Atan", "Atanh", "BitShift",
        "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "Cast", "CastLike", "Ceil", "Clip", "Concat",
        "ConstantOfShape", "Cos", "Cosh", "CumSum", "Div", "Elu", "Equal", "Erf", "Exp", "Expand", "EyeLike", "Floor",
        "Gather", "GatherElements", "GatherND", "Gelu", "Gemm", "Greater", "GreaterOrEqual", "HardSigmoid", "HardSwish",
        "Hardmax", "IsInf", "IsNaN", "LeakyRelu", "Less", "LessOrEqual", "Log", "LogSoftmax", "MatMul", "Max", "Mean",
        "Min", "Mod", "Mul", "Neg", "NonZero", "Not", "OneHot", "Or", "PRelu", "Pad", "Pow", "Range", "Reciprocal",
        "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd",
        "ReduceSum", "ReduceSumSquare", "Relu", "Round", "ScatterElements", "ScatterND", "Selu", "Shape", "Sigmoid",
        "Sign", "Sin", "Sinh", "Size", "Slice", "Softmax", "Softplus", "Softsign", "Split", "Sqrt", "Sub", "Sum", "Tan",
        "Tanh", "ThresholdedRelu", "Tile", "TopK", "Transpose", "Trilu", "Unique", "Where", "Xor",
    }
)  # fmt: skip
_KEEPS_ELEMENTS = frozenset({"Dropout", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten"})


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
    if output.dims is UNKNOWN:
        return None
    if 0 in output.dims:  # however large the other dimensions are on the way
        return ()
    if node.op_type in _KEEPS_ELEMENTS and inputs[0] is not None:
        found = inputs[0].values
    else:
        found = _evaluate(node, inputs, opset, position) if _is_short(node, given) else None
    return found if found is not None and len(found) == prod(output.dims) else None  # a shape may be that of a lie


def _is_short(node: Any, given: Iterable[Tensor | None]) -> bool:
    """Whether the way to a small result from small operands is short."""
    if node.op_type == "Range":
        bounds = [tensor.values[0] for tensor in given if tensor is not None and tensor.values]
        return len(bounds) == len(node.input) and _steps(*bounds) <= MAX_INTEGERS
    if node.op_type == "Pad":  # some are negative, and cut off what others have added
        counts = [value for tensor in given if tensor is not None for value in tensor.values or ()]
        return all(abs(value) <= MAX_INTEGERS for value in counts if type(value) is int)
    return node.op_type in _EVALUATED


def _steps(start: Any, limit: Any, delta: Any) -> float:
    """How many elements a Range has, in numbers that do not overflow."""
    return (limit - start) / delta if delta and all(map(isfinite, (start, limit, delta))) else inf


def _few(tensor: Tensor) -> bool:
    dims = tensor.dims
    if dims is UNKNOWN:
        return False
    return prod(dims) <= (MAX_INTEGERS if tensor.dtype in INTEGERS else MAX_FLOATS)


def _evaluate(node: Any, inputs: list[Tensor | None], opset: int, position: int) -> tuple[Scalar, ...] | None:
    import numpy

    given = {name: tensor for name, tensor in zip(node.input, inputs, strict=True) if tensor is not None}
    feeds = {
        name: numpy.array(tensor.values, numpy_type(tensor.dtype or "")).reshape(_dims(tensor))
        for name, tensor in given.items()
    }
    types = [value_info(name, Tensor(tensor.dtype, None)) for name, tensor in given.items()]
    found = evaluate(node, types, feeds, [messages().OperatorSetIdProto(version=opset)]).get(node.output[position])
    return None if found is None else tuple(numpy.asarray(found).reshape(-1).tolist())


def evaluate(node: Any, inputs: Iterable[Any], feeds: Mapping[str, Any], opsets: Iterable[Any]) -> dict[str, Any]:
    """What ONNX's reference implementation computes, by name; nothing if it cannot evaluate this form of the operator.

    `inputs` are ValueInfoProtos, `feeds` their arrays. Slow to import, so only models with such nodes pay for it.
    """
    from onnx.reference import ReferenceEvaluator

    outputs = [messages().ValueInfoProto(name=name) for name in node.output if name]
    model = standalone([node], inputs, outputs, (), opsets, 0)
    try:
        results: Any = ReferenceEvaluator(model).run(None, dict(feeds))
    except Exception:  # whatever an implementation in Python may raise
        return {}
    return dict(zip((output.name for output in outputs), results, strict=True))


def _dims(tensor: Tensor) -> tuple[int, ...]:
    return () if tensor.dims is UNKNOWN else tensor.dims
