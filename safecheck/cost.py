"""What a model costs: multiply-accumulate operations, counted from the ONNX graph alone."""

from __future__ import annotations

from math import prod

from safecheck.form import UNKNOWN, NodeForm, Tensor


def macs(node: NodeForm) -> int | None:
    """Multiply-accumulates of one node; 0 for operators that are not products; None if a shape is not known.

    Conv: output elements x input channels per group x kernel volume. ConvTranspose: input elements x output channels
    per group x kernel volume. MatMul and Gemm: output elements x inner length. Elementwise work is not counted, as in
    the published figures of the reference models.
    """
    if node.op_type in ("Conv", "ConvTranspose"):
        weights = _dims(node.inputs, 1)
        counted = _dims(node.outputs, 0) if node.op_type == "Conv" else _dims(node.inputs, 0)
        return None if weights is None or counted is None else prod(counted) * prod(weights[1:])
    if node.op_type in ("MatMul", "Gemm"):
        left, result = _dims(node.inputs, 0), _dims(node.outputs, 0)
        if left is None or result is None or not left:
            return None
        transposed = node.op_type == "Gemm" and ("transA", 1) in node.attributes
        return prod(result) * (left[0] if transposed else left[-1])
    if node.op_type == "Einsum":
        return _einsum(node)
    return 0


def _dims(tensors: tuple[Tensor | None, ...], position: int) -> tuple[int, ...] | None:
    tensor = tensors[position] if position < len(tensors) else None
    return None if tensor is None or tensor.dims is UNKNOWN else tensor.dims


def _einsum(node: NodeForm) -> int | None:
    """One multiply-accumulate per combination of all subscripts, for a product of two operands."""
    equation = dict(node.attributes).get("equation")
    shapes = [_dims(node.inputs, position) for position in range(len(node.inputs))]
    if not isinstance(equation, str) or "." in equation:
        return None
    subscripts = equation.replace(" ", "").split("->")[0].split(",")
    if len(subscripts) != len(shapes):
        return None
    sizes: dict[str, int] = {}
    for letters, shape in zip(subscripts, shapes, strict=True):
        if shape is None or len(letters) != len(shape):
            return None
        sizes.update(zip(letters, shape, strict=True))
    return prod(sizes.values()) if len(shapes) > 1 else 0
