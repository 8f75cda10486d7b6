"""Facts that the safety-scope check of TensorRT 10.x asks for.

That check looks at the layers of a parsed network. It differs from what `facts.window` and `facts.tensors` answer in
three ways: a one-dimensional window counts as a two-dimensional one with a unit axis, padding by SAME is a mode and
not a number, and a layer between an operator's own tensors has the types of these.
"""

from __future__ import annotations

from collections.abc import Callable

from safecheck.ir.signature import UNKNOWN, FactValue, Layer, Signature, Tensor, Unknown, Value
from safecheck.rulebook.facts.node import attribute

_CONVOLUTIONS = ("Conv", "ConvTranspose")
_POOLINGS = ("AveragePool", "MaxPool", "LpPool")
_INTEGERS = frozenset({"INT32", "INT64", "BOOL"})


def _of_node(node: Signature) -> tuple[Tensor, ...]:
    return tuple(tensor for tensor in (*node.inputs, *node.outputs) if tensor is not None)


def _of_layer(layer: Layer) -> tuple[Tensor, ...]:
    return (*layer.inputs, *layer.outputs)


def element_types(layer: Layer) -> FactValue:
    """ONNX element types that occur in the layer, each once.

    A tensor nothing is known about lies between the operator's own tensors and has one of their types.
    """
    tensors = _of_layer(layer)
    types = {tensor.dtype for tensor in tensors}
    if not tensors or None in types:
        of_node = {tensor.dtype for tensor in _of_node(layer.node)}
        types = {*types, None} if None in of_node else (types | of_node) - {None}
    known = sorted(dtype for dtype in types if dtype is not None)
    return (*known, *((UNKNOWN,) if None in types else ())) or UNKNOWN


def data_type(layer: Layer) -> FactValue:
    """Element type of the layer's first input.

    Where nothing is known about it, it lies between the operator's own tensors and has the floating-point or INT8 type
    that these share; if all of them are integers, the type of the operator's first input.
    """
    if not layer.inputs:
        return UNKNOWN
    if layer.inputs[0].dtype is not None:
        return layer.inputs[0].dtype
    types = {tensor.dtype for tensor in _of_node(layer.node)} - _INTEGERS
    first = layer.node.inputs[0] if layer.node.inputs else None
    if not types and first is not None and first.dtype is not None:
        return first.dtype
    (only,) = types if len(types) == 1 else (None,)
    return UNKNOWN if only is None else only


def result_type(layer: Layer) -> FactValue:
    """Element type of the layer's first output."""
    return UNKNOWN if not layer.outputs or layer.outputs[0].dtype is None else layer.outputs[0].dtype


def fixed_shapes(layer: Layer) -> FactValue:
    """Whether every shape of the operator is known before the network runs.

    False for a symbolic dimension; UNKNOWN where a dimension is not known, as behind an operator whose result has a
    shape that depends on data. What the file declares about its inner shapes does not count: they are inferred.
    """
    answer: FactValue = True
    for tensor in _of_node(layer.node):
        if tensor.shape is None or None in tensor.shape:
            answer = UNKNOWN
        elif any(isinstance(dim, str) for dim in tensor.shape):
            return False
    return answer


def largest_dimension(layer: Layer) -> FactValue:
    """The largest dimension of the operator's tensors; UNKNOWN if one of the dimensions is."""
    dims = [tensor.dims for tensor in _of_node(layer.node)]
    return (
        max((dim for shape in dims if shape is not UNKNOWN for dim in shape), default=0)
        if UNKNOWN not in dims
        else UNKNOWN
    )


def data_rank(layer: Layer) -> FactValue:
    """Rank of the layer's first input."""
    return layer.inputs[0].rank if layer.inputs else UNKNOWN


def _spatial(layer: Layer) -> int | Unknown:
    node = layer.node
    data = node.inputs[0] if node.inputs else None
    if node.op_type not in (*_CONVOLUTIONS, *_POOLINGS) or data is None or data.shape is None or len(data.shape) < 3:
        return UNKNOWN
    return len(data.shape) - 2


def _widened(values: tuple[Value | Unknown, ...], spatial: int, unit: int) -> FactValue:
    """Per axis, with the unit axis of a one-dimensional window."""
    if spatial != 1:
        return values
    return tuple(part for value in values for part in (value, unit))


def _vector(layer: Layer, name: str, entries: int, default: int) -> FactValue:
    spatial = _spatial(layer)
    if spatial is UNKNOWN:
        return UNKNOWN
    written = attribute(layer.node, name)
    if not any(key == name for key, _ in layer.node.attributes):
        written = (default,) * (spatial * entries)
    if not isinstance(written, tuple) or len(written) != spatial * entries:
        return UNKNOWN
    return _widened(written, spatial, default)


def filter_size(layer: Layer) -> FactValue:
    """Kernel of a convolution or deconvolution, window of a pooling layer."""
    spatial = _spatial(layer)
    if spatial is UNKNOWN:
        return UNKNOWN
    written = attribute(layer.node, "kernel_shape")
    if layer.node.op_type in _POOLINGS:
        known = isinstance(written, tuple) and len(written) == spatial
        return _widened(written, spatial, 1) if known and isinstance(written, tuple) else UNKNOWN
    weights = layer.node.inputs[1] if len(layer.node.inputs) > 1 else None
    if weights is None or weights.shape is None or len(weights.shape) != spatial + 2:
        return UNKNOWN
    size = tuple(dim if type(dim) is int else UNKNOWN for dim in weights.shape[2:])
    if isinstance(written, tuple) and written != size:
        return UNKNOWN
    return _widened(size, spatial, 1)


def filter_stride(layer: Layer) -> FactValue:
    """Stride of a window layer."""
    return _vector(layer, "strides", 1, 1)


def filter_dilation(layer: Layer) -> FactValue:
    """Dilation of a window layer."""
    return _vector(layer, "dilations", 1, 1)


def filter_padding(layer: Layer) -> FactValue:
    """Padding of a window layer as numbers, begin then end; zeros where SAME sets it.

    Beside VALID, which means no padding in ONNX, the importer reads pads all the same.
    """
    spatial = _spatial(layer)
    mode = attribute(layer.node, "auto_pad")
    if spatial is UNKNOWN:
        return UNKNOWN
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        return (0,) * (2 * max(spatial, 2))
    if mode not in ("NOTSET", "VALID"):
        return UNKNOWN
    if any(name == "output_shape" for name, _ in layer.node.attributes):
        return _padding_for_output(layer, spatial)
    return _vector(layer, "pads", 2, 0)


def _padding_for_output(layer: Layer, spatial: int) -> FactValue:
    """What the parser makes of output_shape: half of what is too much, rounded down, before and the rest after.

    If one element is missing, there is no padding; if more are, the padding before is negative.
    """
    data = layer.node.inputs[0]
    sizes = data.dims[2:] if data is not None and data.dims is not UNKNOWN else UNKNOWN
    wanted = attribute(layer.node, "output_shape")
    vectors = [sizes, wanted, filter_size(layer), filter_stride(layer), filter_dilation(layer)]
    vectors.append(_vector(layer, "output_padding", 1, 0))
    rows = [_numbers(vector) for vector in vectors]
    if spatial < 2 or any(row is None or len(row) != spatial for row in rows):
        return UNKNOWN
    before, after = [], []
    for size, target, kernel, stride, dilation, more in zip(*[row for row in rows if row is not None], strict=True):
        surplus = stride * (size - 1) + more + (kernel - 1) * dilation + 1 - target
        before.append(int(surplus / 2))
        after.append(max(surplus - before[-1], 0))
    return (*before, *after)


def _numbers(vector: FactValue) -> tuple[int, ...] | None:
    if not isinstance(vector, tuple) or not all(type(member) is int for member in vector):
        return None
    return vector  # type: ignore[return-value]


def _pairs(layer: Layer, left: FactValue, right: FactValue) -> list[tuple[int, int]] | None:
    if not isinstance(left, tuple) or not isinstance(right, tuple) or not right or len(left) % len(right):
        return None
    pairs = list(zip(left, right * (len(left) // len(right)), strict=True))
    if not all(type(one) is int and type(other) is int for one, other in pairs):
        return None
    return pairs  # type: ignore[return-value]


def _every(pairs: list[tuple[int, int]] | None, holds: Callable[[int, int], bool]) -> FactValue:
    return UNKNOWN if pairs is None else all(holds(one, other) for one, other in pairs)


def padding_within_filter(layer: Layer) -> FactValue:
    """Whether no padding is larger than (kernel - 1) x dilation of its dimension."""
    reach = _pairs(layer, filter_size(layer), filter_dilation(layer))
    if reach is None:
        return UNKNOWN
    limits: FactValue = tuple((size - 1) * dilation for size, dilation in reach)
    return _every(_pairs(layer, filter_padding(layer), limits), lambda pad, limit: pad <= limit)


def filter_within_image(layer: Layer) -> FactValue:
    """Whether the dilated filter is no larger than the image in any dimension, padding not counted."""
    data = layer.node.inputs[0] if layer.node.inputs else None
    spatial = _spatial(layer)
    if spatial is UNKNOWN or data is None or data.dims is UNKNOWN:
        return UNKNOWN
    reach = _pairs(layer, filter_size(layer), filter_dilation(layer))
    image = _widened(data.dims[2:], spatial, 1)
    if reach is None:
        return UNKNOWN
    filters: FactValue = tuple((size - 1) * dilation + 1 for size, dilation in reach)
    return _every(_pairs(layer, filters, image), lambda size, length: size <= length)


def padding_within_window(layer: Layer) -> FactValue:
    """Whether every padding is smaller than the window in its dimension."""
    return _every(_pairs(layer, filter_padding(layer), filter_size(layer)), lambda pad, size: pad < size)


def stride_within_filter(layer: Layer) -> FactValue:
    """Whether no stride is larger than the kernel in its dimension."""
    return _every(_pairs(layer, filter_stride(layer), filter_size(layer)), lambda stride, size: stride <= size)


def resizes_last_two_only(layer: Layer) -> FactValue:
    """Whether all dimensions but the last two keep their size."""
    if not layer.inputs or not layer.outputs:
        return UNKNOWN
    before, after = layer.inputs[0].shape, layer.outputs[0].shape
    if before is None or after is None or len(before) != len(after):
        return UNKNOWN
    outer = list(zip(before[:-2], after[:-2], strict=True))
    if any(type(old) is not int or type(new) is not int for old, new in outer):
        return UNKNOWN
    return all(old == new for old, new in outer)
