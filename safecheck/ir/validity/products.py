"""Products of matrices and equations."""

from __future__ import annotations

from collections.abc import Iterator

from safecheck.ir.einsum import equation_error, operands_error
from safecheck.ir.validity.view import Operands, known_int, stretches, together


def gemm(view: Operands) -> Iterator[str]:
    """Two matrices whose inner dimensions agree, and an addend that stretches to the product."""
    left, right = view.shape(0), view.shape(1)
    for name, shape in (("A", left), ("B", right)):
        if shape is not None and len(shape) != 2 and view.node.opset >= 7:
            yield f"{name} has rank {len(shape)}, but it must be a matrix"
            return
    turned = [bool(view.number(name)) for name in ("transA", "transB")]
    inner = known_int(left, 0 if turned[0] else 1), known_int(right, 1 if turned[1] else 0)
    if None not in inner and inner[0] != inner[1]:
        yield f"A has {inner[0]} columns, but B has {inner[1]} rows"
    outer = (known_int(left, 1 if turned[0] else 0), known_int(right, 0 if turned[1] else 1))
    if view.shape(2) is not None:
        yield from stretches(view.shape(2), outer, "C", "the product")


def product(view: Operands) -> Iterator[str]:
    """MatMul: inner dimensions agree, the others stretch to a common shape."""
    left, right = view.shape(0), view.shape(1)
    if left is None or right is None:
        return
    if not left or not right:
        yield "an operand is a scalar, which has no product of matrices"
        return
    inner = known_int(left, -1), known_int(right, -2 if len(right) > 1 else -1)
    if None not in inner and inner[0] != inner[1]:
        yield f"A has {inner[0]} columns, but B has {inner[1]} rows"
    yield from together([left[:-2], right[:-2]])


def equation(view: Operands) -> Iterator[str]:
    """An equation of Einsum that is one, and operands that it describes."""
    equation = view.attribute("equation")
    if not isinstance(equation, str):
        return
    what = equation_error(equation)
    if what is None:
        what = operands_error(equation, [view.shape(position) for position in range(len(view.node.inputs))])
    if what is not None:
        yield f"the equation: {what}"
