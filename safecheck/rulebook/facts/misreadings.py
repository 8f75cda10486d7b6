"""Facts behind what importers compute otherwise than ONNX says, where that depends on sizes and numbers.

Found by executing the layers of the 8.6.0 parser beside ONNX, and by listing those of the 10.x parser. Every function
answers False where the node does not use what is misread, so that nothing unknown about it counts.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from math import ceil, floor, frexp, isfinite

from safecheck.ir.signature import UNKNOWN, FactValue, Signature, Tensor, Unknown
from safecheck.rulebook.facts.node import attribute, written

_POOLINGS = ("AveragePool", "LpPool", "MaxPool")
_OPSET_OF_HALVES = 11  # from here on ONNX gives the larger half of an odd padding to the begin, as importers do not
_LONGEST = 1 << 14
"""Elements along an axis up to which nearest neighbours are compared one by one."""


def _numbers(values: object, count: int) -> tuple[int, ...] | None:
    known = isinstance(values, tuple) and len(values) == count and all(type(value) is int for value in values)
    return values if known else None  # type: ignore[return-value]


def _vector(node: Signature, name: str, count: int, default: int) -> tuple[int, ...] | None:
    return _numbers(attribute(node, name), count) if written(node, name) else (default,) * count


def _shape(node: Signature, position: int) -> tuple[int | str | None, ...] | None:
    tensor = node.inputs[position] if position < len(node.inputs) else None
    return None if tensor is None else tensor.shape


# --- windows --------------------------------------------------------------------------------------------------------


def _round_up(node: Signature) -> list[tuple[int, int, int, int]] | Unknown | None:
    """Length, padding before, stride and what round-up adds past the last full window, per axis.

    None if the node does not round up, UNKNOWN if a number is not known.
    """
    if node.op_type not in _POOLINGS or not written(node, "ceil_mode") or attribute(node, "ceil_mode") == 0:
        return None
    mode, shape = attribute(node, "auto_pad"), _shape(node, 0)
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        return None
    if shape is None or len(shape) < 3 or mode not in ("NOTSET", "VALID"):
        return UNKNOWN
    spatial = len(shape) - 2
    sizes, kernel = _numbers(shape[2:], spatial), _vector(node, "kernel_shape", spatial, 1)
    strides, dilations = _vector(node, "strides", spatial, 1), _vector(node, "dilations", spatial, 1)
    pads = _vector(node, "pads", 2 * spatial, 0) if mode == "NOTSET" else (0,) * (2 * spatial)
    if sizes is None or kernel is None or strides is None or dilations is None or pads is None or 0 in strides:
        return UNKNOWN
    found = []
    for axis, (size, window, stride, dilation) in enumerate(zip(sizes, kernel, strides, dilations, strict=True)):
        before, after = pads[axis], pads[axis + spatial]
        room = size + before + after - ((window - 1) * dilation + 1)
        found.append((size, before, stride, room))
    return found


def last_window_outside(node: Signature) -> FactValue:
    """Whether round-up adds a pooling window that starts beyond the data and the padding before it.

    ONNX leaves such a window out ("sliding windows that would start in the right padded region are ignored"); the
    layer's round-up mode keeps it.
    """
    axes = _round_up(node)
    if axes is None or axes is UNKNOWN:
        return False if axes is None else UNKNOWN
    return any(-(-room // stride) * stride >= size + before for size, before, stride, room in axes)


def adds_window(node: Signature) -> FactValue:
    """Whether round-up makes the result of a pooling larger than round-down does."""
    axes = _round_up(node)
    if axes is None or axes is UNKNOWN:
        return False if axes is None else UNKNOWN
    return any(room % stride != 0 for _, _, stride, room in axes)


# --- deconvolution --------------------------------------------------------------------------------------------------


def deconvolution_misplaced(node: Signature) -> FactValue:
    """Whether importers shift the result of a ConvTranspose, or give it another size, than ONNX says.

    They split the padding that `output_shape` asks for as opset 1 says, the smaller half first, and with `auto_pad`
    they look neither at `output_shape` nor at `output_padding`. UNKNOWN below opset 11 where the halves differ: the
    text of these versions and what runtimes do contradict each other.
    """
    mode, told = attribute(node, "auto_pad"), written(node, "output_shape")
    if node.op_type != "ConvTranspose" or not (told or (written(node, "output_padding") and mode != "NOTSET")):
        return False
    data, weights = _shape(node, 0), _shape(node, 1)
    if data is None or weights is None or len(data) != len(weights) or mode not in _HALVES:
        return UNKNOWN
    spatial = len(data) - 2
    kernel, strides = _numbers(weights[2:], spatial), _vector(node, "strides", spatial, 1)
    dilations, extra = _vector(node, "dilations", spatial, 1), _vector(node, "output_padding", spatial, 0)
    sizes = _numbers(data[2:], spatial) if told else (1,) * spatial  # without a target nothing depends on them
    target = _vector(node, "output_shape", spatial, 0)
    if kernel is None or strides is None or dilations is None or extra is None or sizes is None or target is None:
        return UNKNOWN
    answers = [
        _misplaced(str(mode), stride, (width - 1) * dilation + 1, more, wanted - (size - 1) * stride if told else None)
        for stride, width, dilation, more, size, wanted in zip(
            strides, kernel, dilations, extra, sizes, target, strict=True
        )
    ]
    if told and mode == "NOTSET" and node.opset < _OPSET_OF_HALVES and True in answers:
        return UNKNOWN
    return True in answers


# Of the padding of an axis, what ONNX and what the layer puts before the data.
_HALVES: dict[object, tuple[Callable[[int], int], Callable[[int], int]]] = {
    "NOTSET": (lambda total: total - total // 2, lambda total: total // 2),
    "VALID": (lambda total: total - total // 2, lambda total: 0),
    "SAME_UPPER": (lambda total: total // 2, lambda total: total // 2),
    "SAME_LOWER": (lambda total: total - total // 2, lambda total: total - total // 2),
}


def _misplaced(mode: str, stride: int, reach: int, extra: int, wanted: int | None) -> bool:
    """About one axis; `wanted` is the length that is asked for, less what the strides between its elements take."""
    same = mode in ("SAME_UPPER", "SAME_LOWER")
    natural = stride if same else reach + extra
    length = natural if wanted is None else wanted
    of_layer = length if mode == "NOTSET" else stride if same else reach
    by_onnx, by_layer = _HALVES[mode]
    padding = max(reach + extra - length, 0)
    layer_padding = padding if mode == "NOTSET" else max(reach - of_layer, 0)
    return length != of_layer or by_onnx(padding) != by_layer(layer_padding)


# --- resize ---------------------------------------------------------------------------------------------------------


def resize_readings_differ(node: Signature) -> FactValue:
    """Whether a resize by scales depends on which of two texts is right about the coordinates.

    ONNX divides by the scale, TensorRT documents the ratio of the lengths. Both are one where length times scale is
    whole, as far as one unit in the last place of a scale tells; and where they are not, nearest neighbours may still
    be the same elements.
    """
    scales = _scales(node)
    if scales is None:
        return False
    if scales is UNKNOWN:
        return UNKNOWN
    shape, axes = _shape(node, 0), attribute(node, "axes") if written(node, "axes") else tuple(range(len(scales)))
    rank = 0 if shape is None else len(shape)
    answer: FactValue = False
    if not isinstance(axes, tuple) or len(axes) != len(scales):
        return UNKNOWN
    for axis, scale in zip(axes, scales, strict=True):
        if scale == floor(scale):
            continue
        size = shape[axis] if shape is not None and type(axis) is int and -rank <= axis < rank else None
        if type(size) is not int:
            answer = UNKNOWN
        elif not _whole(size, scale) and _neighbours_differ(node, size, scale):
            return True
    return answer


def _scales(node: Signature) -> tuple[float, ...] | Unknown | None:
    """The scales; None for a resize by sizes."""
    if node.op_type not in ("Resize", "Upsample") or node.opset < 7:
        return None
    position = 2 if node.op_type == "Resize" and node.opset >= 11 else 1
    tensor = node.inputs[position] if position < len(node.inputs) else None
    found: object = tensor.values if tensor is not None else attribute(node, "scales")
    if position == 2 and (tensor is None or _empty(tensor)):
        return None
    if not isinstance(found, tuple) or not all(isinstance(scale, int | float) for scale in found):
        return UNKNOWN
    return found if all(isfinite(scale) and scale > 0 for scale in found) else None  # no scales by any text


def _empty(tensor: Tensor) -> bool:
    return tensor.shape is not None and 0 in tensor.shape


def _single(number: float) -> float:
    """Rounded to FP32."""
    try:
        return float(struct.unpack("f", struct.pack("f", number))[0])
    except OverflowError:
        return number


def _whole(size: int, scale: float) -> bool:
    nearest = round(size * scale)
    unit = 2.0 ** (frexp(scale)[1] - 24)  # between neighbouring FP32 numbers of this magnitude
    return abs(nearest / size - scale) <= unit and floor(_single(size * scale)) == nearest if size else True


_COORDINATES: dict[str, Callable[[int, float], float]] = {
    "asymmetric": lambda place, scale: place / scale,
    "half_pixel": lambda place, scale: (place + 0.5) / scale - 0.5,
}
_ROUNDED: dict[str, Callable[[float], int]] = {
    "floor": floor,
    "ceil": ceil,
    "round_prefer_floor": lambda place: ceil(place - 0.5),
    "round_prefer_ceil": lambda place: floor(place + 0.5),
}


def _neighbours_differ(node: Signature, size: int, scale: float) -> bool:
    """Whether the two readings take another element somewhere; taken for granted where elements are mixed."""
    old = node.op_type == "Upsample" or node.opset < 11
    coordinates = "asymmetric" if old else attribute(node, "coordinate_transformation_mode")
    rounding = "floor" if old else attribute(node, "nearest_mode")
    place, rounded = _COORDINATES.get(str(coordinates)), _ROUNDED.get(str(rounding))
    length = floor(_single(size * scale))
    if attribute(node, "mode") != "nearest" or place is None or rounded is None or not 0 < length <= _LONGEST:
        return True
    by_scale = [min(max(rounded(place(at, scale)), 0), size - 1) for at in range(length)]
    by_ratio = [min(max(rounded(place(at, length / size)), 0), size - 1) for at in range(length)]
    return by_scale != by_ratio


# --- axes -----------------------------------------------------------------------------------------------------------


def vector_before_batches(node: Signature) -> FactValue:
    """Whether a MatMul has a vector on the left of a batch of matrices that is more than one.

    Importers add the axis of the vector next to the matrix and take the first axis away again.
    """
    left, right = _shape(node, 0), _shape(node, 1)
    if node.op_type != "MatMul" or (left is not None and len(left) != 1) or (right is not None and len(right) < 3):
        return False
    if left is None or right is None:
        return UNKNOWN
    batches = right[:-2]
    return (
        True
        if any(type(dim) is int and dim != 1 for dim in batches)
        else UNKNOWN
        if batches.count(1) < len(batches)
        else False
    )


def one_group_of_channels(node: Signature) -> FactValue:
    """Whether a GroupNormalization has one group of several channels."""
    groups = attribute(node, "num_groups")
    if node.op_type != "GroupNormalization" or (groups is not UNKNOWN and groups != 1):
        return False
    shape = _shape(node, 0)
    channels = shape[1] if shape is not None and len(shape) > 1 else None
    if channels == 1:
        return False
    return True if type(channels) is int and groups == 1 else UNKNOWN
