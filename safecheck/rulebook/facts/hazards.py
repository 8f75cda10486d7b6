"""Facts behind the parser's special cases and silent mistranslations (onnx-tensorrt importers, release by release)."""

from __future__ import annotations

from math import isfinite

from safecheck.ir import schemas
from safecheck.ir.signature import UNKNOWN, FactValue, Signature
from safecheck.ir.walk import domain_of
from safecheck.rulebook.facts.node import attribute, present, written

_INT32_MIN, _INT32_MAX = -(2**31), 2**31 - 1
_NUMBERS = ("FLOAT", "FLOATS")
# Positions whose clamping cannot change a result: slice bounds beyond any dimension, and Loop's "no limit" count.
_CLAMP_IS_HARMLESS = {"Slice": (1, 2), "Loop": (0,)}


def uneven_split(node: Signature) -> FactValue:
    """Whether a Split without sizes does not divide its axis evenly; UNKNOWN if the axis length is not known."""
    if node.op_type != "Split" or present(node, (1,)) is True or written(node, "split"):
        return False
    axis = attribute(node, "axis")
    data = node.inputs[0] if node.inputs else None
    if data is None or data.shape is None or type(axis) is not int or not -len(data.shape) <= axis < len(data.shape):
        return UNKNOWN
    length = data.shape[axis]
    if type(length) is not int or not node.outputs:
        return UNKNOWN
    return length % len(node.outputs) != 0


def int64_beyond_int32(node: Signature) -> FactValue:
    """Whether a constant INT64 input has an element that does not fit INT32; UNKNOWN if elements are not kept."""
    answer: FactValue = False
    for position, tensor in enumerate(node.inputs):
        if tensor is None or not tensor.constant or tensor.dtype != "INT64":
            continue
        if position in _CLAMP_IS_HARMLESS.get(node.op_type, ()):
            continue
        if tensor.values is None:
            answer = UNKNOWN
        elif any(type(element) is int and not _INT32_MIN <= element <= _INT32_MAX for element in tensor.values):
            return True
    return answer


def scan_output_without_trip_count(node: Signature) -> FactValue:
    """Whether a Loop has scan outputs but no trip count.

    Loop has M, cond and N carried inputs, and N carried outputs followed by the scan outputs.
    """
    if node.op_type != "Loop":
        return False
    return present(node, (0,)) is not True and len(node.outputs) > max(0, len(node.inputs) - 2)


def mixed_ranks(node: Signature) -> FactValue:
    """Whether the inputs, as far as given, have different numbers of dimensions."""
    ranks = {tensor.rank for tensor in node.inputs if tensor is not None}
    return UNKNOWN if UNKNOWN in ranks else len(ranks) > 1


def finite_parameters(node: Signature) -> FactValue:
    """Whether all numbers that steer the node are finite: its attributes, and the bounds of a Clip.

    UNKNOWN if a number is not known, such as the parameter of a function, or a constant bound is not kept.
    """
    answer: FactValue = True
    for name, value in node.attributes:
        numbers = value if isinstance(value, tuple) else (value,)
        if not all(isfinite(number) for number in numbers if isinstance(number, float)):
            return False
        if UNKNOWN in numbers and schemas.type_of(node.op_type, domain_of(node), node.opset, name) in _NUMBERS:
            answer = UNKNOWN
    for bound in node.inputs[1:] if node.op_type == "Clip" else ():
        if bound is None or not bound.constant:
            continue
        if bound.values is None:
            answer = UNKNOWN
        elif not all(isfinite(number) for number in bound.values if isinstance(number, float)):
            return False
    return answer


def odd_norm(node: Signature) -> FactValue:
    """Whether the exponent `p` is odd."""
    exponent = attribute(node, "p")
    return exponent % 2 == 1 if type(exponent) is int else UNKNOWN


def all_pads_zero(node: Signature) -> FactValue:
    """Whether a Pad adds nothing; UNKNOWN if the padding is not a kept constant."""
    if written(node, "pads"):
        pads = attribute(node, "pads")
        return not any(pads) if isinstance(pads, tuple) and UNKNOWN not in pads else UNKNOWN
    tensor = node.inputs[1] if len(node.inputs) > 1 else None
    if tensor is None or (not tensor.constant and tensor.values is None):
        return UNKNOWN if tensor is None else False
    return UNKNOWN if tensor.values is None else not any(tensor.values)


def memory_preserving_transpose(node: Signature) -> FactValue:
    """Whether a Transpose of a fixed shape moves only dimensions of size 1, so that memory order stays."""
    data = node.inputs[0] if node.inputs else None
    if data is None or data.shape is None:
        return UNKNOWN
    rank = len(data.shape)
    order = attribute(node, "perm") if written(node, "perm") else tuple(reversed(range(rank)))
    if not isinstance(order, tuple) or any(type(axis) is not int or not 0 <= axis < rank for axis in order):
        return UNKNOWN
    if data.dims is UNKNOWN:
        return False if any(isinstance(dim, str) for dim in data.shape) else UNKNOWN
    moved = [axis for axis in order if type(axis) is int and data.dims[axis] != 1]
    return moved == sorted(moved)


def residual_output_padding(node: Signature) -> FactValue:
    """Whether a ConvTranspose pads its output beyond what its end padding absorbs; UNKNOWN with output_shape."""
    if written(node, "output_shape"):
        return UNKNOWN
    if not written(node, "output_padding"):
        return False
    extra = attribute(node, "output_padding")
    pads = attribute(node, "pads") if written(node, "pads") else ()
    if not isinstance(extra, tuple) or not isinstance(pads, tuple):
        return UNKNOWN
    ends = pads[len(pads) // 2 :] or (0,) * len(extra)
    if len(ends) != len(extra) or UNKNOWN in (*extra, *ends):
        return UNKNOWN
    return any(type(more) is int and type(end) is int and more > end for more, end in zip(extra, ends, strict=True))
