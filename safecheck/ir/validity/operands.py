"""Whether the operands of a node fit each other and its attributes: what shape inference lets pass.

Each check is about one operator or a family of operators and follows the text of its specification. It says operand
and both facts, or nothing; what is not known is not held against anybody.
"""

from __future__ import annotations

from safecheck.ir.signature import Signature
from safecheck.ir.validity import channels, movement, products, recurrent, windows
from safecheck.ir.validity.view import Check, Operands
from safecheck.ir.walk import is_standard

_ARITHMETIC = (
    "Add", "And", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Div", "Equal", "Greater", "GreaterOrEqual",
    "Less", "LessOrEqual", "Max", "Mean", "Min", "Mod", "Mul", "Or", "Pow", "Sub", "Sum", "Where", "Xor",
)  # fmt: skip
_WITH_AXIS = (
    "ArgMax", "ArgMin", "Compress", "Flatten", "Hardmax", "LogSoftmax", "LpNormalization",
    "OneHot", "Softmax", "TopK",
)  # fmt: skip

_WITH_AXES = (
    "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean",
    "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare",
)  # fmt: skip

CHECKS: dict[str, tuple[Check, ...]] = {
    **dict.fromkeys(_ARITHMETIC, (channels.elementwise,)),
    **dict.fromkeys(_WITH_AXES, (movement.axes_in_range,)),
    **dict.fromkeys(_WITH_AXIS, (movement.axis_in_range,)),
    **dict.fromkeys(("Conv", "ConvTranspose"), (windows.convolution,)),
    **dict.fromkeys(("AveragePool", "LpPool", "MaxPool"), (windows.pooling,)),
    **dict.fromkeys(("DepthToSpace", "SpaceToDepth"), (movement.blocks,)),
    **dict.fromkeys(("GRU", "LSTM", "RNN"), (recurrent.recurrent,)),
    **dict.fromkeys(("DequantizeLinear", "QuantizeLinear"), (channels.quantised,)),
    **dict.fromkeys(("GatherND", "ScatterND"), (movement.indices,)),
    **dict.fromkeys(
        ("Scatter", "ScatterElements"),
        (movement.axis_in_range, movement.indices_along, movement.updates),
    ),
    **dict.fromkeys(("ArgMax", "ArgMin", "TopK"), (movement.axis_in_range, movement.extremes)),
    "BatchNormalization": (channels.channel_vectors(1, 2, 3, 4),),
    "Clip": (channels.bounds,),
    "Concat": (movement.axis_in_range, movement.joined),
    "Einsum": (products.equation,),
    "Gather": (movement.axis_in_range, movement.indices_along),
    "GatherElements": (movement.axis_in_range, movement.same_rank, movement.indices_along),
    "Gemm": (products.gemm,),
    "GroupNormalization": (channels.groups,),
    "InstanceNormalization": (channels.channel_vectors(1, 2),),
    "LayerNormalization": (movement.axis_in_range, channels.layer_norm),
    "RMSNormalization": (movement.axis_in_range, channels.layer_norm),
    "MatMul": (products.product,),
    "PRelu": (channels.slope,),
    "ConstantOfShape": (movement.vectors(0),),
    "CumSum": (movement.one_element(1, "axis"), movement.axis_operand),
    "Expand": (movement.vectors(1),),
    "If": (movement.one_element(0, "condition"),),
    "Loop": (movement.one_element(0, "trip count"), movement.one_element(1, "condition")),
    "Pad": (movement.vectors(1), movement.pads),
    "Reshape": (movement.vectors(1), movement.volume),
    "Resize": (movement.vectors(1, 2, 3), movement.factors),
    "Scan": (movement.scan_axes,),
    "Slice": (movement.vectors(1, 2, 3, 4),),
    "Split": (movement.axis_in_range, movement.vectors(1), movement.parts),
    "Squeeze": (movement.no_matrix, movement.axes_in_range),
    "Tile": (movement.vectors(1),),
    "Transpose": (movement.permutation,),
    "Trilu": (movement.one_element(1, "diagonal"),),
    "Unsqueeze": (movement.no_matrix, movement.axes_in_range),
    "Upsample": (movement.vectors(1), movement.factors),
}
"""Operator -> what has to hold between its operands, in the order in which it is asked."""


def misfit(node: Signature) -> str | None:
    """How operands contradict each other, in words; None if they do not."""
    checks = CHECKS.get(node.op_type) if is_standard(node) else None
    if checks is None:
        return None
    view = Operands(node)
    return next((what for check in checks for what in check(view)), None)
