"""The larger of two elements that matrices of zeros and ones pick: a + max(b - a, 0), which is a itself, or b."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from safecheck.rewrite.algebra.axis_map import multiply
from safecheck.rewrite.movement.program import Writer


def larger(writer: Writer, dims: Sequence[int], first: Any, second: Any) -> None:
    """Leave the larger of what two matrices (in, out) pick along the second of four dimensions."""
    writer.view(dims)
    value = writer.value
    multiply(writer, dims, first)
    left, writer.value, writer.dims = writer.value, value, tuple(dims)
    multiply(writer, dims, second - first)
    gap = writer.builder.add("Relu", [writer.value])
    writer.value = writer.builder.add("Add", [left, gap])
