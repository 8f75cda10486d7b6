"""Facts about sliding windows: convolution, deconvolution and pooling layers.

Vectors have one entry per spatial dimension, padding has the begin entries first, then the end entries, as in ONNX.
A one-dimensional operator runs wrapped in a two-dimensional layer whose parameters nobody has read: UNKNOWN.
"""

from __future__ import annotations

from safecheck.ir.signature import UNKNOWN, FactValue, Layer, Unknown
from safecheck.rulebook.facts.node import attribute, written

_CONVOLUTIONS = ("Conv", "ConvTranspose")
_POOLINGS = ("AveragePool", "MaxPool", "LpPool")


def _spatial(layer: Layer) -> int | Unknown:
    if layer.node.op_type not in (*_CONVOLUTIONS, *_POOLINGS) or not layer.node.inputs:
        return UNKNOWN
    data = layer.node.inputs[0]
    if data is None or data.shape is None or len(data.shape) < 4:
        return UNKNOWN
    return len(data.shape) - 2


def spatial_rank(layer: Layer) -> FactValue:
    """Number of spatial dimensions of the layer."""
    return _spatial(layer)


def _vector(layer: Layer, name: str, entries: int, default: int) -> FactValue:
    spatial = _spatial(layer)
    if spatial is UNKNOWN:
        return UNKNOWN
    if not written(layer.node, name):
        return (default,) * (spatial * entries)
    value = attribute(layer.node, name)
    return value if isinstance(value, tuple) and len(value) == spatial * entries else UNKNOWN


def _weights(layer: Layer) -> tuple[int | str | None, ...] | None:
    tensor = layer.node.inputs[1] if len(layer.node.inputs) > 1 else None
    return None if tensor is None else tensor.shape


def kernel(layer: Layer) -> FactValue:
    """Kernel size of a convolution or deconvolution, from `kernel_shape` or the weights."""
    spatial = _spatial(layer)
    if spatial is UNKNOWN or layer.node.op_type not in _CONVOLUTIONS:
        return UNKNOWN
    shape = _weights(layer)
    from_weights = shape[2:] if shape is not None and len(shape) == spatial + 2 else None
    if written(layer.node, "kernel_shape"):
        size = attribute(layer.node, "kernel_shape")
        if not isinstance(size, tuple) or len(size) != spatial:
            return UNKNOWN
        return size if from_weights in (None, size) else UNKNOWN
    if from_weights is None:
        return UNKNOWN
    return tuple(dim if type(dim) is int else UNKNOWN for dim in from_weights)


def window(layer: Layer) -> FactValue:
    """Window size of a pooling layer."""
    spatial = _spatial(layer)
    size = attribute(layer.node, "kernel_shape")
    return size if layer.node.op_type in _POOLINGS and isinstance(size, tuple) and len(size) == spatial else UNKNOWN


def stride(layer: Layer) -> FactValue:
    """Stride."""
    return _vector(layer, "strides", 1, 1)


def dilation(layer: Layer) -> FactValue:
    """Dilation."""
    return _vector(layer, "dilations", 1, 1)


def padding(layer: Layer) -> FactValue:
    """Explicit padding, begin then end; UNKNOWN under SAME_UPPER and SAME_LOWER.

    The importers read `pads` also beside VALID, where ONNX means none (onnx-tensorrt getKernelParams).
    """
    if attribute(layer.node, "auto_pad") not in ("NOTSET", "VALID"):
        return UNKNOWN
    return _vector(layer, "pads", 2, 0)


def _numbers(row: FactValue) -> tuple[int, ...] | None:
    known = isinstance(row, tuple) and all(type(number) is int for number in row)
    return row if known else None  # type: ignore[return-value]


def effective_padding(layer: Layer) -> FactValue:
    """Padding that takes effect, begin then end: as written, or as the SAME modes come out at these sizes."""
    mode, data = attribute(layer.node, "auto_pad"), layer.node.inputs[0] if layer.node.inputs else None
    if mode not in ("SAME_UPPER", "SAME_LOWER") or _spatial(layer) is UNKNOWN:
        return padding(layer)
    sizes = _numbers(UNKNOWN if data is None or data.dims is UNKNOWN else data.dims[2:])
    filters = _numbers(window(layer) if layer.node.op_type in _POOLINGS else kernel(layer))
    steps, spreads = _numbers(stride(layer)), _numbers(dilation(layer))
    if sizes is None or filters is None or steps is None or spreads is None or 0 in steps:
        return UNKNOWN
    totals = []
    for size, width, step, spread in zip(sizes, filters, steps, spreads, strict=True):
        covered = step if layer.node.op_type == "ConvTranspose" else size - (-(-size // step) - 1) * step
        totals.append(max((width - 1) * spread + 1 - covered, 0))
    smaller, larger = tuple(total // 2 for total in totals), tuple(total - total // 2 for total in totals)
    return smaller + larger if mode == "SAME_UPPER" else larger + smaller


def padding_symmetric(layer: Layer) -> FactValue:
    """Whether begin and end padding are equal in every dimension."""
    pads = padding(layer)
    if not isinstance(pads, tuple):
        return UNKNOWN
    half = len(pads) // 2
    return pads[:half] == pads[half:]


def padding_within_kernel(layer: Layer) -> FactValue:
    """Whether begin and end padding are smaller than the kernel in every dimension."""
    pads, size = effective_padding(layer), kernel(layer)
    if not isinstance(pads, tuple) or not isinstance(size, tuple):
        return UNKNOWN
    pairs = list(zip(pads, (*size, *size), strict=True))
    if any(type(pad) is not int or type(length) is not int for pad, length in pairs):
        return UNKNOWN
    return all(pad < length for pad, length in pairs if type(pad) is int and type(length) is int)


def rounding(layer: Layer) -> FactValue:
    """`up` if `ceil_mode` selects a round-up padding mode, else `down`."""
    if not written(layer.node, "ceil_mode"):
        return "down"  # also in opsets without the attribute
    mode = attribute(layer.node, "ceil_mode")
    return UNKNOWN if mode is UNKNOWN else "up" if mode == 1 else "down"


def window_covers_input(layer: Layer) -> FactValue:
    """Whether an unpadded pooling window is as large as the whole map, so that the stride has no effect."""
    size, pads = window(layer), padding(layer)
    data = layer.node.inputs[0] if layer.node.inputs else None
    if data is None or data.dims is UNKNOWN or not isinstance(size, tuple) or not isinstance(pads, tuple):
        return UNKNOWN
    return data.dims[2:] == size and not any(pads)


def groups(layer: Layer) -> FactValue:
    """Number of groups of a convolution or deconvolution."""
    return attribute(layer.node, "group") if layer.node.op_type in _CONVOLUTIONS else UNKNOWN


def in_channels(layer: Layer) -> FactValue:
    """Channels of the input map."""
    data = layer.node.inputs[0] if layer.node.inputs else None
    if data is None or data.shape is None or len(data.shape) < 2 or type(data.shape[1]) is not int:
        return UNKNOWN
    return data.shape[1]


def out_channels(layer: Layer) -> FactValue:
    """Channels of the output map: weights are (M, C/g, ...) for Conv and (C, M/g, ...) for ConvTranspose."""
    shape, count = _weights(layer), groups(layer)
    if layer.node.op_type not in _CONVOLUTIONS or shape is None or len(shape) < 2 or type(count) is not int:
        return UNKNOWN
    channels = shape[0] if layer.node.op_type == "Conv" else shape[1]
    if type(channels) is not int:
        return UNKNOWN
    return channels if layer.node.op_type == "Conv" else channels * count


def grouping(layer: Layer) -> FactValue:
    """`none` (one group), `depthwise` (as many groups as input and output channels) or `grouped`."""
    count, inside, outside = groups(layer), in_channels(layer), out_channels(layer)
    if count is UNKNOWN or (count != 1 and UNKNOWN in (inside, outside)):
        return UNKNOWN
    if count == 1:
        return "none"
    return "depthwise" if count == inside == outside else "grouped"


def weights(layer: Layer) -> FactValue:
    """`constant` if kernel and bias are weights of the layer, `tensor` if one of them is a layer input."""
    given = [tensor for tensor in layer.node.inputs[1:3] if tensor is not None]
    if layer.node.op_type not in _CONVOLUTIONS or not given:
        return UNKNOWN
    return "constant" if all(tensor.constant for tensor in given) else "tensor"
