"""Convolutions and pools: channels, groups, and windows that fit into their image."""

from __future__ import annotations

from collections.abc import Iterator

from safecheck.ir.validity.view import Operands, fixed, known_int, length, words


def _window_vectors(view: Operands, spatial: int) -> Iterator[str]:
    for name, entries in (("kernel_shape", 1), ("strides", 1), ("dilations", 1), ("pads", 2)):
        vector = view.numbers(name)
        if vector is None:
            continue
        if len(vector) != spatial * entries:
            yield f"{name} has {len(vector)} entries, but there are {spatial} spatial dimensions"
        if name != "pads" and min(vector, default=1) < 1:
            yield f"{name} holds {min(vector)}, but it must be at least 1"
    pads, auto = view.numbers("pads"), view.attribute("auto_pad")
    if auto in ("SAME_UPPER", "SAME_LOWER", "VALID") and pads is not None and any(pads):
        yield f"pads are {list(pads)} beside auto_pad {auto}, but they cannot be used together"


def _something_comes_out(view: Operands) -> Iterator[str]:
    """A window that does not fit into its image leaves nothing; inference then counts to nought or below."""
    data, result = view.shape(0), view.result()
    if data is None or result is None or 0 in data[:2]:
        return
    for axis, dim in enumerate(result[2:], 2):
        if dim == 0 or (isinstance(dim, str) and dim.startswith("-")):
            yield f"dimension {axis} of the output is {dim}, so the window does not fit into the image {words(data)}"


def _image_under_filter(view: Operands) -> Iterator[str]:
    """A filter larger than its padded image: inference rounds the size to 1 where a stride is above 1, nobody runs it.

    Pools are another matter: onnxruntime and TensorRT both run a window that is larger than its image.
    """
    data, filters = view.shape(0), fixed((view.shape(1) or ())[2:])
    if data is None or not filters or view.attribute("auto_pad") in ("SAME_UPPER", "SAME_LOWER"):
        return
    count = len(filters)
    pads = view.numbers("pads") or (0,) * (2 * count)
    dilations = view.numbers("dilations") or (1,) * count
    if len(pads) != 2 * count or len(dilations) != count:
        return  # said already
    for axis in range(count):
        size, reach = known_int(data, 2 + axis), dilations[axis] * (filters[axis] - 1) + 1
        padded = None if size is None else size + pads[axis] + pads[count + axis]
        if padded is not None and padded < reach:
            yield f"the filter reaches over {reach} along dimension {2 + axis}, but the padded image has {padded}"


def convolution(view: Operands) -> Iterator[str]:
    """Channels, groups, bias and window of a convolution or deconvolution fit data and weights."""
    data, weights, group = view.shape(0), view.shape(1), view.number("group")
    if data is None or weights is None:
        return
    if len(data) < 3 or len(weights) != len(data):
        yield f"X has rank {len(data)} and W rank {len(weights)}, but both must be equal and at least 3"
        return
    yield from _window_vectors(view, len(data) - 2)
    kernel, size = view.numbers("kernel_shape"), fixed(weights[2:])
    if kernel is not None and size is not None and kernel != size:
        yield f"kernel_shape is {words(kernel)}, but W has {words(size)}"
    if group is None:
        return
    if group < 1:
        yield f"group is {group}, but it must be at least 1"
        return
    channels, maps, per_group = known_int(data, 1), known_int(weights, 0), known_int(weights, 1)
    if view.node.op_type == "Conv":
        if channels is not None and per_group is not None and channels != per_group * group:
            yield f"X has {channels} channels, but W takes {per_group} for each of {group} groups"
        if maps is not None and maps % group:
            yield f"W makes {maps} maps, which {group} groups do not divide"
    else:
        if channels is not None and maps is not None and channels != maps:
            yield f"X has {channels} channels, but W takes {maps}"
        if maps is not None and maps % group:
            yield f"W takes {maps} channels, which {group} groups do not divide"
        maps = None if per_group is None else per_group * group
    yield from length(view, 2, "B", maps, "W makes maps, namely")
    if view.node.op_type == "Conv":
        yield from _image_under_filter(view)
    else:
        yield from _something_comes_out(view)


def pooling(view: Operands) -> Iterator[str]:
    """A pool has a window for each spatial dimension, and it fits into the image."""
    data = view.shape(0)
    if data is None:
        return
    if len(data) < 3:
        yield f"X has rank {len(data)}, but it must be at least 3"
        return
    yield from _window_vectors(view, len(data) - 2)
    yield from _something_comes_out(view)
