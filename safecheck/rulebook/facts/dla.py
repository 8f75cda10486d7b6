"""Facts that the limits of the deep learning accelerator (DLA) ask about.

The batch size of DLA is the product of every dimension but the last three, which are C, H and W (TensorRT developer
guide, section "DLA Supported Layers and Restrictions"). Constants are parameters there, not tensors, and do not count;
neither do the shapes and bounds that a shuffle, resize or slice is told.
"""

from __future__ import annotations

from itertools import chain
from typing import TypeGuard

from safecheck.ir.signature import UNKNOWN, FactValue, Layer, Signature, Tensor, Unknown
from safecheck.rulebook.facts.movement import permutation
from safecheck.rulebook.facts.node import attribute, opset, written
from safecheck.rulebook.facts.window import dilation, in_channels, kernel

_Dim = int | str | None
_LARGEST_FLOAT = 3.4028234663852886e38
_INT8, _FP16 = 1, 2  # bytes per element


def _positive(value: object) -> TypeGuard[int]:
    return type(value) is int and value > 0


def _number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _input(node: Signature, position: int) -> Tensor | None:
    return node.inputs[position] if position < len(node.inputs) else None


def _computed(layer: Layer) -> list[Tensor]:
    return [tensor for tensor in _data(layer) if not tensor.constant]


def _data(layer: Layer) -> tuple[Tensor, ...]:
    told = 1 if layer.type in ("IShuffleLayer", "IResizeLayer", "ISliceLayer") else len(layer.inputs)
    return (*layer.inputs[:told], *layer.outputs)


# --- the convolution buffer -----------------------------------------------------------------------------------------


def conv_buffer_banks_int8(layer: Layer) -> FactValue:
    """Banks of the convolution buffer that a two-dimensional convolution needs at least in INT8."""
    return _banks(layer, _INT8)


def conv_buffer_banks_fp16(layer: Layer) -> FactValue:
    """Banks of the convolution buffer that a two-dimensional convolution needs at least in FP16."""
    return _banks(layer, _FP16)


def _banks(layer: Layer, element: int) -> FactValue:
    """Weights of one kernel plus the rows of data under it, each rounded up to whole banks.

    The developer guide of TensorRT 8.4, chapter "Working with DLA", gives this as pseudo code and refuses more than 16:

        weight banks = ceil(roundUp(C * R * S * element, 128) / 32768)
        data banks   = ceil(ceil(ceil(C * element / 32) * W / 4) * ((R - 1) * D + 1) / 256)

    with C channels and W columns of the input, R rows and S columns of the kernel, D the dilation of the rows, and
    `element` the bytes of an element (1 for INT8, 2 for FP16). The units follow from the numbers: weights are counted
    in bytes, in steps of 128, and a bank holds 32768 of them; data are counted in atoms of 32 bytes, four to an entry
    of 128 bytes, and 256 entries to a bank, which again are 32768 bytes. Padding, stride, height and the number of
    kernels do not enter. C is the channel count of the whole input, also with groups: the source says no more (a
    grouped kernel sees fewer channels).
    """
    data = _input(layer.node, 0)
    size, spread, channels = kernel(layer), dilation(layer), in_channels(layer)
    if layer.type != "IConvolutionLayer" or data is None or data.shape is None or len(data.shape) != 4:
        return UNKNOWN
    if not isinstance(size, tuple) or not isinstance(spread, tuple):
        return UNKNOWN
    rows, columns, step, width = size[0], size[1], spread[0], data.shape[3]
    if not (_positive(rows) and _positive(columns) and _positive(step) and _positive(channels) and _positive(width)):
        return UNKNOWN
    weights = _up(_up(channels * rows * columns * element, 128) * 128, 32768)
    entries = _up(_up(channels * element, 32) * width, 4)
    return weights + _up(entries * ((rows - 1) * step + 1), 256)


def _up(amount: int, unit: int) -> int:
    """How many units hold the amount."""
    return -(-amount // unit)


# --- tensors as DLA sees them ---------------------------------------------------------------------------------------


def batch_sizes(layer: Layer) -> FactValue:
    """Batch size of each computed tensor: the product of all dimensions but the last three; 1 without such tensors."""
    return tuple(_batch(tensor.shape) for tensor in _computed(layer)) or (1,)


def _batch(shape: tuple[_Dim, ...] | None) -> int | Unknown:
    if shape is None:
        return UNKNOWN
    product = 1
    for dim in shape[:-3]:
        if type(dim) is not int:
            return UNKNOWN
        product *= dim
    return product


def chw_sizes(layer: Layer) -> FactValue:
    """The last three dimensions of every computed tensor, one after the other; 1 without such dimensions."""
    return tuple(chain.from_iterable(map(_chw, _computed(layer)))) or (1,)


def _chw(tensor: Tensor) -> tuple[int | Unknown, ...]:
    if tensor.shape is None:
        return (UNKNOWN,)
    return tuple(dim if type(dim) is int else UNKNOWN for dim in tensor.shape[-3:])


def data_types(layer: Layer) -> FactValue:
    """Element types of all tensors of the layer but the shapes and bounds that a shuffle, resize or slice is told."""
    return tuple(UNKNOWN if tensor.dtype is None else tensor.dtype for tensor in _data(layer)) or UNKNOWN


def data_ranks(layer: Layer) -> FactValue:
    """Ranks of all tensors of the layer but the shapes and bounds that a shuffle, resize or slice is told."""
    return tuple(tensor.rank for tensor in _data(layer)) or UNKNOWN


def keeps_batch(layer: Layer) -> FactValue:
    """Whether the first dimension is the same in all computed tensors, and stays the first one in a Transpose."""
    order = permutation(layer) if layer.node.op_type == "Transpose" else (0,)
    if isinstance(order, tuple) and order and order[0] != 0 and order[0] is not UNKNOWN:
        return False
    firsts = [tensor.shape[0] if tensor.shape else None for tensor in _computed(layer)]
    if len({dim for dim in firsts if type(dim) is int}) > 1:
        return False
    known = bool(firsts) and all(type(dim) is int for dim in firsts)
    return True if known and isinstance(order, tuple) and order and order[0] == 0 else UNKNOWN


def keeps_shape(layer: Layer) -> FactValue:
    """Whether the output has the shape of the input, so that a reshape does nothing."""
    if not layer.inputs or not layer.outputs:
        return UNKNOWN
    before, after = layer.inputs[0].shape, layer.outputs[0].shape
    if before is None or after is None:
        return UNKNOWN
    if len(before) != len(after):
        return False
    pairs = list(zip(before, after, strict=True))
    if any(type(one) is int and type(other) is int and one != other for one, other in pairs):
        return False
    return True if all(type(one) is int and type(other) is int for one, other in pairs) else UNKNOWN


def operand_count(layer: Layer) -> FactValue:
    """Number of tensors that enter the layer."""
    return len(layer.inputs)


def static_shape_arithmetic(node: Signature) -> FactValue:
    """Whether the node computes something that depends on nothing but constants and fixed shapes."""
    return node.static_shapes_only


# --- parameters of single layers ------------------------------------------------------------------------------------


def clip_lower(node: Signature) -> FactValue:
    """Lower bound of a Clip; the smallest FP32 number without one."""
    return _bound(node, "min", 1, -_LARGEST_FLOAT)


def clip_upper(node: Signature) -> FactValue:
    """Upper bound of a Clip; the largest FP32 number without one."""
    return _bound(node, "max", 2, _LARGEST_FLOAT)


def _bound(node: Signature, name: str, position: int, without: float) -> FactValue:
    """The bounds are attributes below opset 11 and inputs from then on."""
    release = opset(node)
    if node.op_type != "Clip" or type(release) is not int:
        return UNKNOWN
    if release < 11:
        value = attribute(node, name) if written(node, name) is True else without
        return value if _number(value) else UNKNOWN
    tensor = _input(node, position)
    if tensor is None:
        return without
    if tensor.values is None or len(tensor.values) != 1 or not _number(tensor.values[0]):
        return UNKNOWN
    return tensor.values[0]


def concat_axis(layer: Layer) -> FactValue:
    """Axis of a concatenation counted from the end: -3 is the channel axis of DLA."""
    if layer.type != "IConcatenationLayer" or layer.node.op_type != "Concat" or layer.role or not layer.inputs:
        return UNKNOWN
    return _from_the_end(attribute(layer.node, "axis"), layer.inputs[0])


def _from_the_end(axis: object, tensor: Tensor) -> int | Unknown:
    rank = tensor.rank
    if type(axis) is not int or rank is UNKNOWN or not -rank <= axis < rank:
        return UNKNOWN
    return axis - rank if axis >= 0 else axis


def slice_mode(layer: Layer) -> FactValue:
    """What a slice reads beyond its input: `kSTRICT_BOUNDS` unless the parser asks for another mode."""
    if layer.type != "ISliceLayer":
        return UNKNOWN
    return layer.kind or "kSTRICT_BOUNDS"


def slice_bounds(layer: Layer) -> FactValue:
    """`constant` if the bounds of a Slice or Split are parameters of the layer, `computed` if they come from nodes."""
    node = layer.node
    if layer.type != "ISliceLayer" or layer.role or node.op_type not in ("Slice", "Split"):
        return UNKNOWN
    if any(tensor is not None and not tensor.constant for tensor in node.inputs[1:]):
        return "computed"
    return "constant" if len(layer.inputs) == 1 else UNKNOWN  # with unknown dimensions the parser computes sizes


def slice_steps(layer: Layer) -> FactValue:
    """Steps of a Slice; 1 for a Split and where none are given."""
    node = layer.node
    if layer.type != "ISliceLayer" or layer.role or node.op_type not in ("Slice", "Split"):
        return UNKNOWN
    steps = _input(node, 4) if node.op_type == "Slice" else None
    if steps is None:
        return (1,)
    return UNKNOWN if steps.values is None else steps.values or UNKNOWN


def resize_scales(layer: Layer) -> FactValue:
    """Constant scales of a Resize or Upsample, one per dimension."""
    node = layer.node
    if node.op_type not in ("Resize", "Upsample"):
        return UNKNOWN
    tensor = _input(node, 2 if node.op_type == "Resize" and opset(node) != 10 else 1)
    values: object = tensor.values if tensor is not None else attribute(node, "scales")
    return values if isinstance(values, tuple) and values and all(map(_number, values)) else UNKNOWN


def resize_spatial_scales(layer: Layer) -> FactValue:
    """Constant scales of a Resize or Upsample along height and width."""
    scales = resize_scales(layer)
    return scales[2:] or UNKNOWN if isinstance(scales, tuple) else UNKNOWN


def nearest_mode(layer: Layer) -> FactValue:
    """How a nearest-neighbour resize rounds; opset 10 and Upsample round down."""
    node = layer.node
    if node.op_type == "Upsample" or (node.op_type == "Resize" and opset(node) == 10):
        return "floor"
    return attribute(node, "nearest_mode") if node.op_type == "Resize" else UNKNOWN


def softmax_axis(layer: Layer) -> FactValue:
    """Axis of a softmax counted from the end; UNKNOWN below opset 13, where the parser reshapes around the layer."""
    release = opset(layer.node)
    if layer.type != "ISoftMaxLayer" or not layer.inputs or type(release) is not int or release < 13:
        return UNKNOWN
    if layer.node.op_type not in ("Softmax", "LogSoftmax"):
        return UNKNOWN
    return _from_the_end(attribute(layer.node, "axis"), layer.inputs[0])


def _softmax_shape(layer: Layer) -> tuple[tuple[_Dim, ...], int] | None:
    axis = softmax_axis(layer)
    shape = layer.inputs[0].shape if layer.inputs else None
    return (shape, axis) if shape is not None and type(axis) is int else None


def softmax_length(layer: Layer) -> FactValue:
    """Length of the axis of a softmax."""
    found = _softmax_shape(layer)
    length = found[0][found[1]] if found is not None else None
    return length if type(length) is int else UNKNOWN


def softmax_alone(layer: Layer) -> FactValue:
    """Whether every one of C, H and W but the axis of a softmax is 1, which lets Orin compute it accurately."""
    found = _softmax_shape(layer)
    if found is None:
        return UNKNOWN
    shape, axis = found
    others = [shape[place] for place in range(-min(3, len(shape)), 0) if place != axis]
    if any(type(dim) is int and dim != 1 for dim in others):
        return False
    return True if all(type(dim) is int for dim in others) else UNKNOWN
