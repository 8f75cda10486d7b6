"""Facts about layers that move or resample data: shuffle and resize."""

from __future__ import annotations

from safecheck.ir.signature import UNKNOWN, FactValue, Layer, Tensor
from safecheck.rulebook.facts.hazards import memory_preserving_transpose
from safecheck.rulebook.facts.node import attribute, constant, opset, present, written

_RESHAPES = ("Reshape", "Flatten", "Squeeze", "Unsqueeze")


def permutation(layer: Layer) -> FactValue:
    """Order of the input axes in the output; the identity for a layer that only reshapes.

    A Transpose that moves only unit dimensions of a fixed shape becomes a reshape (onnx-tensorrt importTranspose).
    """
    rank = layer.inputs[0].rank if layer.inputs else UNKNOWN
    if layer.type != "IShuffleLayer" or rank is UNKNOWN:
        return UNKNOWN
    if layer.node.op_type == "Transpose" and not layer.role and memory_preserving_transpose(layer.node) is not True:
        if not written(layer.node, "perm"):
            return tuple(reversed(range(rank)))
        order = attribute(layer.node, "perm")
        return (
            order if isinstance(order, tuple) and sorted(map(str, order)) == sorted(map(str, range(rank))) else UNKNOWN
        )
    if layer.role or layer.node.op_type in (*_RESHAPES, "Transpose"):
        return tuple(range(rank))
    return UNKNOWN


def reshape_target(layer: Layer) -> FactValue:
    """`constant` if the new dimensions are a parameter of the layer, `tensor` if they are a run-time input."""
    if layer.node.op_type != "Reshape" or layer.role:
        return "constant"
    return "constant" if constant(layer.node, (1,)) is True else "tensor"


def drops_unit_dims_only(layer: Layer) -> FactValue:
    """Whether the output is the input without some of its dimensions of size 1."""
    if not layer.inputs or not layer.outputs:
        return UNKNOWN
    before, after = layer.inputs[0].dims, layer.outputs[0].dims
    if before is UNKNOWN or after is UNKNOWN:
        return UNKNOWN
    return len(after) < len(before) and [dim for dim in before if dim != 1] == [dim for dim in after if dim != 1]


def resize_target(layer: Layer) -> FactValue:
    """What a resize is told: `constant-scales`, `computed-scales`, `constant-sizes` or `computed-sizes`."""
    node = layer.node
    if node.op_type not in ("Resize", "Upsample"):
        return UNKNOWN
    if node.op_type == "Upsample" or opset(node) == 10:
        known = constant(node, (1,)) if present(node, (1,)) is True else True
        return "constant-scales" if known else "computed-scales"
    if present(node, (3,)) is True:
        return "constant-sizes" if constant(node, (3,)) is True else "computed-sizes"
    if present(node, (2,)) is not True:
        return UNKNOWN
    return "constant-scales" if constant(node, (2,)) is True else "computed-scales"


def _shapes(layer: Layer) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    if not layer.inputs or not layer.outputs:
        return None
    before, after = layer.inputs[0].dims, layer.outputs[0].dims
    if before is UNKNOWN or after is UNKNOWN or len(before) != len(after):
        return None
    return before, after


def resized_axes(layer: Layer) -> FactValue:
    """`spatial` if batch and channel keep their size, else `all`."""
    scales = _scales(layer)
    if isinstance(scales, tuple) and UNKNOWN not in scales:
        return "spatial" if scales[:2] == (1.0, 1.0) else "all"
    shapes = _shapes(layer)
    if shapes is None:
        return UNKNOWN
    return "spatial" if shapes[0][:2] == shapes[1][:2] else "all"


def _scales(layer: Layer) -> FactValue:
    node = layer.node
    position = 2 if node.op_type == "Resize" and opset(node) != 10 else 1
    tensor: Tensor | None = node.inputs[position] if position < len(node.inputs) else None
    if tensor is None or not tensor.values:
        return UNKNOWN
    return tensor.values


def resize_mode(layer: Layer) -> FactValue:
    """`nearest`, `linear` or `cubic`; `bilinear` of old opsets is `linear`."""
    mode = attribute(layer.node, "mode")
    return "linear" if mode == "bilinear" else mode


def coordinate_transformation(layer: Layer) -> FactValue:
    """How output coordinates map to input coordinates; opset 10 and Upsample are `asymmetric`."""
    if layer.node.op_type == "Upsample" or opset(layer.node) == 10:
        return "asymmetric"
    return attribute(layer.node, "coordinate_transformation_mode")
