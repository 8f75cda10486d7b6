"""Operators that move data: axes, orders, volumes and parts."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from safecheck.ir.signature import UNKNOWN
from safecheck.ir.validity.view import Check, Operands, fixed, known_int, words


def axis_in_range(view: Operands) -> Iterator[str]:
    """The axis is one of the data; Flatten may cut behind the last, OneHot add one there."""
    data, axis = view.shape(0), view.number("axis")
    if data is None or axis is None:
        return
    beyond = 1 if view.node.op_type in ("Flatten", "OneHot") else 0
    if view.node.op_type in ("Hardmax", "LogSoftmax", "Softmax") and view.node.opset < 11:
        beyond = 1  # the data is flattened there
    if view.node.op_type in ("ArgMax", "ArgMin", "Gather") and not data:
        beyond = 1
    if not -len(data) - (view.node.op_type == "OneHot") <= axis < len(data) + beyond:
        yield f"axis is {axis}, but the data has rank {len(data)}"


def axes_in_range(view: Operands) -> Iterator[str]:
    """Every axis is one of the data, or of the result for Unsqueeze, where each is named once."""
    data = view.shape(0)
    named = view.values(1) if len(view.node.inputs) > 1 else view.attribute("axes")
    if data is None or not isinstance(named, tuple):
        return
    axes = [axis for axis in named if type(axis) is int]
    widens = view.node.op_type == "Unsqueeze"
    rank = len(data) + (len(axes) if widens else 0)
    outside = [axis for axis in axes if not -rank <= axis < rank]
    if outside and (rank or view.node.op_type == "Squeeze"):
        yield f"axes holds {outside[0]}, but there are {rank} dimensions"
    elif widens and len({axis % rank for axis in axes}) < len(axes):
        yield f"axes is {axes}, which names a dimension twice"


def extremes(view: Operands) -> Iterator[str]:
    """Along the axis there are as many elements as are asked for; without any there is no largest one."""
    axis = view.number("axis")
    length = None if axis is None else known_int(view.shape(0), axis)
    found = view.values(1) if view.node.op_type == "TopK" else (1,)
    if view.node.op_type == "TopK" and view.node.opset < 10 and (written := view.number("k")) is not None:
        found = (written,)
    if length is not None and found is not None and found and found[0] > length:
        yield f"dimension {axis} has {length} elements, which are fewer than {found[0]}"


def permutation(view: Operands) -> Iterator[str]:
    """Transpose names every axis once; an exporter counts from the end, and every reader follows it."""
    data, perm = view.shape(0), view.numbers("perm")
    if data is None or perm is None:
        return
    if len(perm) != len(data) or {axis % len(data) for axis in perm} != set(range(len(data))):
        yield f"perm is {list(perm)}, which is no order of {len(data)} dimensions"


def volume(view: Operands) -> Iterator[str]:
    """Reshape to a written target keeps the number of elements; of a computed one `computed_volume` speaks."""
    data, target = fixed(view.shape(0)), view.values(1) if view.node.opset >= 5 else view.numbers("shape")
    if data is None or target is None:
        return
    result = target if min(target, default=1) >= 0 else None
    if result is not None and not view.number("allowzero"):
        if any(value == 0 and position >= len(data) for position, value in enumerate(target)):
            yield f"the target {list(target)} copies a dimension that the data of rank {len(data)} does not have"
            return
        result = tuple(value or data[position] for position, value in enumerate(target))
    if target.count(-1) > 1:
        yield f"the target {list(target)} leaves more than one dimension open"
    elif target.count(-1) == 1 and not view.number("allowzero"):
        rest = [data[i] if value == 0 and i < len(data) else value for i, value in enumerate(target) if value != -1]
        if prod(rest) and prod(data) % prod(rest):
            yield f"the data has {prod(data)} elements, which the target {list(target)} does not divide"
    elif result is not None:
        yield from _same_volume(data, result)


def computed_volume(view: Operands) -> Iterator[str]:
    """Reshape to what inference makes of a computed target keeps the number of elements."""
    data, result = fixed(view.shape(0)), fixed(view.result())
    if data is not None and result is not None and view.values(1) is None:
        yield from _same_volume(data, result)


def _same_volume(data: tuple[int, ...], result: tuple[int, ...]) -> Iterator[str]:
    if prod(data) != prod(result):
        yield f"the data has {prod(data)} elements, but the result {words(result)} has {prod(result)}"


def joined(view: Operands) -> Iterator[str]:
    """Operands of Concat differ along its axis only."""
    axis, shapes = view.number("axis"), [view.shape(position) for position in range(len(view.node.inputs))]
    known = [shape for shape in shapes if shape is not None]
    if len({len(shape) for shape in known}) > 1:
        yield f"operands {' and '.join(map(words, known[:4]))} have different ranks"
        return
    if axis is None or not known or not -len(known[0]) <= axis < len(known[0]):
        return
    along = axis % len(known[0])
    for position, dims in enumerate(zip(*known, strict=True)):
        if position != along and len({dim for dim in dims if type(dim) is int}) > 1:
            yield f"operands {' and '.join(map(words, known[:4]))} differ outside of axis {along}"
            return


def parts(view: Operands) -> Iterator[str]:
    """Sizes of Split add up to what is split, one for each output."""
    count = view.number("num_outputs")
    if count is not None and count != len(view.node.outputs):
        yield f"num_outputs is {count}, but the node has {len(view.node.outputs)}"
    sizes = view.values(1) if view.node.opset >= 13 else view.numbers("split")
    axis = view.number("axis") if view.attribute("axis") is not UNKNOWN else 0
    if sizes is None or axis is None:
        return
    if len(sizes) != len(view.node.outputs):
        yield f"there are {len(sizes)} sizes, but {len(view.node.outputs)} outputs"
    elif (length := known_int(view.shape(0), axis)) is not None and sum(sizes) != length:
        yield f"the sizes {list(sizes)} add up to {sum(sizes)}, but dimension {axis} has {length}"


def blocks(view: Operands) -> Iterator[str]:
    """Blocks divide the dimensions that they are cut from."""
    data, size = view.shape(0), view.number("blocksize")
    if data is None or size is None:
        return
    if len(data) != 4 or size < 1:
        yield f"the data has rank {len(data)} and blocksize is {size}, but they must be 4 and at least 1"
        return
    parts = ((1, size * size),) if view.node.op_type == "DepthToSpace" else ((2, size), (3, size))
    for axis, part in parts:
        if (dim := known_int(data, axis)) is not None and dim % part:
            yield f"dimension {axis} is {dim}, which {part} does not divide"


def scan_axes(view: Operands) -> Iterator[str]:
    """Scan has an axis for each of its scanned inputs, and it is one of that input."""
    count = view.number("num_scan_inputs")
    axes = view.numbers("scan_input_axes")
    if count is None or axes is None:
        return
    if len(axes) != count:
        yield f"scan_input_axes has {len(axes)} entries, but there are {count} scan inputs"
    for axis, position in zip(axes, range(len(view.node.inputs) - count, len(view.node.inputs)), strict=False):
        shape = view.shape(position)
        if shape is not None and not -len(shape) <= axis < len(shape):
            yield f"scan_input_axes holds {axis}, but input {position} has rank {len(shape)}"


def vectors(*positions: int) -> Check:
    """Operands at these positions, which say where or how much, are vectors."""

    def check(view: Operands) -> Iterator[str]:
        for position in positions:
            shape = view.shape(position)
            if shape is not None and len(shape) != 1:
                yield f"input {position} has rank {len(shape)}, but it must be a vector"

    return check


def factors(view: Operands) -> Iterator[str]:
    """A map that is resized keeps elements: factors and sizes are above 0."""
    regions = view.node.op_type == "Resize" and view.node.opset >= 11
    given = [view.tensor(position) for position in ((2, 3) if regions else (1,))]
    numbers = [tensor.values for tensor in given if tensor is not None and tensor.values]
    written = view.attribute("scales")
    numbers += [written] if isinstance(written, tuple) else []  # type: ignore[list-item]
    for found in numbers:
        smallest = min((number for number in found if isinstance(number, int | float)), default=1)
        if not smallest > 0:
            yield f"a factor or size is {smallest}, but it must be above 0"


def one_element(position: int, name: str) -> Check:
    """The operand at this position is a single number or truth value."""

    def check(view: Operands) -> Iterator[str]:
        shape = fixed(view.shape(position))
        if shape is not None and prod(shape) != 1:
            yield f"the {name} has {prod(shape)} elements, but it must have one"

    return check


def axis_operand(view: Operands) -> Iterator[str]:
    """The axis of CumSum is one of the data."""
    data, axis = view.shape(0), view.values(1)
    if data is not None and axis and not -len(data) <= axis[0] < len(data):
        yield f"axis is {axis[0]}, but the data has rank {len(data)}"


def indices(view: Operands) -> Iterator[str]:
    """Indices of places are at least a vector, which names one place; the first dimensions of the data have it."""
    data, shape, found = view.shape(0), view.shape(1), view.reach(1)
    if shape == ():
        yield "the indices are a scalar, but they must be at least a vector"
    if data is None or not shape or not found or type(depth := shape[-1]) is not int or not depth:
        return
    if len(found) % depth:
        return  # the extent of all columns together
    first = view.number("batch_dims") or 0
    for position, index in enumerate(found):
        axis = first + position % depth
        if (length := known_int(data, axis)) is not None and not -length <= index < length:
            yield f"the indices hold {index}, but dimension {axis} has {length}"
            return


def indices_along(view: Operands) -> Iterator[str]:
    """Gather and its kin: every index is one of the axis."""
    axis, found = view.number("axis"), view.reach(1)
    length = None if axis is None else known_int(view.shape(0), axis)
    if length is not None and found is not None:
        for index in found:
            if not -length <= index < length:
                yield f"the indices hold {index}, but dimension {axis} has {length}"
                return


def same_rank(view: Operands) -> Iterator[str]:
    """Indices of GatherElements have the rank of the data, and reach no further outside of the axis."""
    data, places, axis = view.shape(0), view.shape(1), view.number("axis")
    if data is None or places is None or axis is None:
        return
    if len(places) != len(data):
        yield f"the indices have rank {len(places)}, but the data has rank {len(data)}"
        return
    for position, (found, most) in enumerate(zip(places, data, strict=True)):
        if position != axis % len(data) and type(found) is int and type(most) is int and found > most:
            yield f"dimension {position} of the indices is {found}, but the data has {most}"
            return


def updates(view: Operands) -> Iterator[str]:
    """Every update has its index."""
    places, new = view.shape(1), view.shape(2)
    if places is None or new is None:
        return
    pairs = zip(places, new, strict=False)
    if len(places) != len(new) or any(type(a) is int and type(b) is int and a != b for a, b in pairs):
        yield f"the updates are {words(new)}, but the indices {words(places)}"


def no_matrix(view: Operands) -> Iterator[str]:
    """Axes are a vector; a scalar is taken for one axis by every reader."""
    axes = view.shape(1)
    if axes is not None and len(axes) > 1:
        yield f"the axes have rank {len(axes)}, but they must be a vector"


def pads(view: Operands) -> Iterator[str]:
    """There is a length before and behind every dimension, or every one of the axes."""
    written = view.numbers("pads") or view.numbers("paddings")
    axes, data = view.shape(3), view.shape(0)
    found = known_int(view.shape(1), 0) if written is None else len(written)
    count = known_int(axes, 0) if axes is not None else None if data is None else len(data)
    if found is not None and count is not None and found != 2 * count:
        yield f"there are {found} pads, but {count} dimensions to pad ask for {2 * count}"
