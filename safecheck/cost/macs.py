"""What a node costs: multiply-accumulates, counted from its form alone, and the room that tensors take."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from math import prod
from typing import NamedTuple

from safecheck.intake.dtypes import BY_NAME, FLOATS
from safecheck.ir.signature import UNKNOWN, Signature, Tensor
from safecheck.ir.walk import is_standard


class Precision(StrEnum):
    """The type in which every floating-point tensor of a network is held."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"

    @property
    def width(self) -> int:
        """Bytes of an element."""
        return _WIDTHS[self]


_WIDTHS = {Precision.FP32: 4, Precision.FP16: 2, Precision.INT8: 1}
_UNSIZED = frozenset({"FLOAT6E2M3", "FLOAT6E3M2", "INT2", "UINT2"})
"""Types that the model of memory knows nothing of."""


class Volume(NamedTuple):
    """The size of tensors whose floating-point elements change their width with the precision."""

    floats: int = 0
    """Floating-point elements."""
    other: int = 0
    """Bytes of everything else, which keeps the type it has in the file."""

    def bytes(self, precision: Precision) -> int:
        """Size in bytes."""
        return self.floats * precision.width + self.other


def volume(tensor: Tensor) -> Volume | None:
    """The size of a tensor; None if its type or a dimension is not known."""
    dims = tensor.dims
    if dims is UNKNOWN or tensor.dtype is None:
        return None
    if tensor.dtype in FLOATS:
        return Volume(prod(dims), 0)
    size = None if tensor.dtype in _UNSIZED else BY_NAME[tensor.dtype].size(prod(dims))
    return None if size is None else Volume(0, size)


def total(sizes: Iterable[Volume]) -> Volume:
    """The sum of sizes."""
    floats = other = 0
    for size in sizes:
        floats += size.floats
        other += size.other
    return Volume(floats, other)


def is_settled(tensor: Tensor) -> bool:
    """Whether a tensor is known before the network runs, in the forms of the file as it is and in those of the folded.

    Only the verdict on a file depends on whether somebody folds it; what the network costs does not.
    """
    return tensor.constant or bool(tensor.computed)


def macs(node: Signature) -> int | None:
    """Multiply-accumulates of one node; 0 for operators that are not products; None if they cannot be told.

    Counted is what the published figures of reference models count: convolutions (output elements x input channels per
    group x kernel volume; transposed ones by their input elements), matrix products (output elements x inner length),
    the two products of an attention operator, and the gates of recurrent operators. Elementwise work, reductions and
    normalisation are not counted. Operators of other domains than ai.onnx may do anything, so None.
    """
    if not is_standard(node):
        return None
    count = _COUNTED.get(node.op_type)
    return 0 if count is None else count(node)


def _dims(tensors: tuple[Tensor | None, ...], position: int) -> tuple[int, ...] | None:
    tensor = tensors[position] if position < len(tensors) else None
    return None if tensor is None or tensor.dims is UNKNOWN else tensor.dims


def _convolution(weights_at: int, transposed: bool = False) -> Callable[[Signature], int | None]:
    def count(node: Signature) -> int | None:
        weights = _dims(node.inputs, weights_at)
        counted = _dims(node.inputs, 0) if transposed else _dims(node.outputs, 0)
        return None if weights is None or counted is None else prod(counted) * prod(weights[1:])

    return count


def _product(node: Signature) -> int | None:
    left, result = _dims(node.inputs, 0), _dims(node.outputs, 0)
    if not left or result is None:
        return None
    transposed = node.op_type == "Gemm" and dict(node.attributes).get("transA", 0) != 0
    return prod(result) * (left[0] if transposed else left[-1])


def _einsum(node: Signature) -> int | None:
    """A multiply-accumulate per combination of the subscripts that are kept or summed over both operands.

    Nothing summed over both is an elementwise product. More than two operands are multiplied in an order that the
    operator leaves open, so None.
    """
    equation = dict(node.attributes).get("equation")
    if not isinstance(equation, str):
        return None
    given, arrow, kept = equation.replace(" ", "").partition("->")
    subscripts = given.split(",")
    shapes = [_dims(node.inputs, position) for position in range(len(node.inputs))]
    if len(subscripts) != len(shapes) or len(shapes) > 2:
        return None
    sizes: dict[str, int] = {}
    for letters, shape in zip(subscripts, shapes, strict=True):
        if shape is None or not _label(letters, shape, sizes):
            return None
    if len(shapes) < 2:
        return 0
    left, right = (set(letters) for letters in subscripts)
    if not arrow:
        kept = "..." + "".join(letter for letter in left | right if given.count(letter) == 1)
    summed = (left & right) - set(kept) - {"."}
    return prod(size for letter, size in sizes.items() if letter in summed or _is_kept(letter, kept)) if summed else 0


def _label(letters: str, shape: tuple[int, ...], sizes: dict[str, int]) -> bool:
    """Note the size of every subscript, the axes of an ellipsis as numbers counted from its end."""
    before, ellipsis, after = letters.partition("...")
    free = len(shape) - len(before) - len(after)
    if free < 0 or (free and not ellipsis) or "." in before + after:
        return False
    names = [*before, *(str(number) for number in range(free, 0, -1)), *after]
    for name, size in zip(names, shape, strict=True):
        sizes[name] = max(size, sizes.get(name, 1))  # an axis of one is stretched
    return True


def _is_kept(name: str, kept: str) -> bool:
    return "..." in kept if name.isdigit() else name in kept


def _attention(node: Signature) -> int | None:
    """Queries x keys x (length of a key + length of a value), for every head and example."""
    query, key, value = (_dims(node.inputs, position) for position in range(3))
    if query is None or key is None or value is None or not len(query) == len(key) == len(value):
        return None
    past = node.inputs[4] if len(node.inputs) > 4 else None
    before = 0
    if past is not None:
        if past.dims is UNKNOWN or len(past.dims) != 4:
            return None
        before = past.dims[2]
    if len(query) == 4:
        return prod(query[:3]) * (key[2] + before) * (query[3] + value[3])
    attributes = dict(node.attributes)
    heads, key_heads = attributes.get("q_num_heads"), attributes.get("kv_num_heads")
    if len(query) != 3 or not isinstance(heads, int) or not isinstance(key_heads, int) or key_heads < 1:
        return None
    return prod(query[:2]) * (key[1] + before) * (query[2] + heads * (value[2] // key_heads))


def _recurrent(node: Signature) -> int | None:
    """Every step multiplies its input and its state with the weights of all gates."""
    data, weights, recurrence = (_dims(node.inputs, position) for position in range(3))
    if data is None or weights is None or recurrence is None or len(data) != 3:
        return None
    return prod(data[:2]) * (prod(weights) + prod(recurrence))


def _unknown(node: Signature) -> None:
    """Products whose number does not follow from the shapes in a way that anybody has agreed on."""


_COUNTED: dict[str, Callable[[Signature], int | None]] = {
    "Attention": _attention,
    "CausalConvWithState": _unknown,
    "Conv": _convolution(1),
    "ConvInteger": _convolution(1),
    "ConvTranspose": _convolution(1, transposed=True),
    "DeformConv": _convolution(1),
    "Einsum": _einsum,
    "GRU": _recurrent,
    "Gemm": _product,
    "LSTM": _recurrent,
    "LinearAttention": _unknown,
    "MatMul": _product,
    "MatMulInteger": _product,
    "QLinearConv": _convolution(3),
    "QLinearMatMul": _product,
    "RNN": _recurrent,
}


def product_weights(node: Signature) -> int:
    """Elements of the constant operands of a product. No exporter and no folding changes their sum over a network."""
    if node.op_type not in PRODUCTS:
        return 0
    operands = [tensor for tensor in node.inputs[:2] if tensor is not None and is_settled(tensor)]
    return sum(prod(tensor.dims) for tensor in operands if tensor.dims is not UNKNOWN)


PRODUCTS = frozenset(_COUNTED)
"""Operators whose multiply-accumulates are counted."""
