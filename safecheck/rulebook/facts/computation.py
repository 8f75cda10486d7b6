"""Facts about how the file computes a shape that is fixed.

They are about the file as it is: a profile that assumes folding sees initializers, and then nothing computes anything.
"""

from __future__ import annotations

from safecheck.ir.signature import FactValue, Signature

# Inputs whose elements, not only their shape, set the shape of the result.
_SHAPE_OPERANDS = {
    "ConstantOfShape": (0,), "Expand": (1,), "OneHot": (1,), "Pad": (1,), "Range": (0, 1, 2), "Reshape": (1,),
    "Resize": (1, 2, 3), "Slice": (1, 2, 3, 4), "Split": (1,), "Squeeze": (1,), "Tile": (1,), "TopK": (1,),
    "Unsqueeze": (1,), "Upsample": (1,),
}  # fmt: skip
_MATRIX = ":matrix"


def _operators(node: Signature) -> set[str]:
    positions = _SHAPE_OPERANDS.get(node.op_type, ())
    tensors = [node.inputs[position] for position in positions if position < len(node.inputs)]
    return {name for tensor in tensors if tensor is not None for name in tensor.computed}


def shape_computed_by(node: Signature) -> FactValue:
    """Operators that compute the shape operands of the node from constants and fixed shapes; `nothing` if none does."""
    return tuple(sorted({name.removesuffix(_MATRIX) for name in _operators(node)})) or ("nothing",)


def shape_computed_by_matrix(node: Signature) -> FactValue:
    """Those operators that compute two or more dimensions on the way; `nothing` if none does."""
    names = {name.removesuffix(_MATRIX) for name in _operators(node) if name.endswith(_MATRIX)}
    return tuple(sorted(names)) or ("nothing",)
