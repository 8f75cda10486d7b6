"""Products of two computed tensors as elementwise products of repeated ones, and a sum by a 1x1 convolution.

With the summed axis in the channels, both operands are repeated to [batch, summed, rows, columns]: a linear resize of
one pixel repeats it, or a convolution with ones does. Their product is summed over the channels by a convolution whose
weights are all `scale`. That takes as many elements as there are multiplications, so the channels are taken in parts
where a tensor would be larger than the graph allows (`MutableGraph.largest`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from safecheck.ir.protos import numpy_type
from safecheck.rewrite.algebra import arrange
from safecheck.rewrite.algebra.bilinear import Bilinear, NoBilinearError, Operand, bilinear
from safecheck.rewrite.algebra.pointwise import WIDE, add_all
from safecheck.rewrite.algebra.repeat import enlarged
from safecheck.rewrite.algebra.rounding import FLOATS, sums_agree
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.movement.factor import FactorError
from safecheck.rewrite.rule import Candidate, Claim, Match

_METHOD = "both sides add the same products in another order; a resize repeats a pixel to within three roundings"
_SPREADS = "an infinity or NaN spreads over the rows, columns and summed entries that are computed together with it"
_ROUNDINGS = 12
"""Per term: three for each of two resizes, one for the product, the scale on both sides, and an addend."""

_Dims = tuple[int, int, int, int]
_Repeat = Callable[[Builder, str, _Dims, int, int], str]
"""(builder, value, its dimensions, axis 2 or 3, how often) -> the value repeated along that axis of length 1."""


class ActivationProductToConvolution:
    """MatMul, Gemm and Einsum of two computed operands."""

    name = "activation-product-to-convolution"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer the product with one of two ways to repeat and either arrangement of rows and columns."""
        try:
            found = bilinear(graph, node)
            if found is None:
                return None
            if graph.tensor(node.output[0]).dtype not in FLOATS:
                raise NoBilinearError(f"a convolution of {graph.tensor(node.output[0]).dtype} does not exist")
            if not all(arrange.fits(operand.dims) for operand in (found.left, found.right, found.result)):
                raise NoBilinearError("the tensors are empty or too large")
            candidates = [
                candidate
                for repeat in ((_resized, _multiplied) if graph.opset >= 11 else (_multiplied,))
                for product in ((found, found.turned) if graph.opset < 11 or repeat is _resized else (found,))
                if (candidate := _candidate(graph, product, repeat)) is not None
            ]
        except (NoBilinearError, FactorError) as failure:
            return Match((node,), reason=str(failure))
        reason = "" if candidates else "the constant addend varies along rows and columns, or is too long"
        return Match((node,), tuple(candidates), reason)


@dataclass(frozen=True)
class _Sizes:
    """Extents of the program's tensor [batch, summed, rows, columns]."""

    batch: int
    summed: int
    rows: int
    columns: int


def _candidate(graph: MutableGraph, product: Bilinear, repeat: _Repeat) -> Candidate | None:
    """The program with the rows and columns of the product; None where its addend does not fit in."""
    builder = Builder(graph, product.result.name)
    dtype = graph.tensor(product.result.name).dtype or ""
    sizes = _Sizes(
        *(product.extent(letters) for letters in (product.batch, product.summed, product.rows, product.columns))
    )
    left = _entered(builder, product, product.left, product.rows)
    right = _entered(builder, product, product.right, product.columns)
    parts = _parts(sizes, graph.largest // numpy_type(dtype).itemsize)
    made = _multiplied_and_summed(builder, (left.value, right.value), sizes, (product.scale, parts), repeat)
    addend = None
    if product.addend is not None:
        addend = _added(builder, made, product, sizes, repeat)
        if addend is None:
            return None
        made = addend.value
    places = Operand("", product.result.dims, product.batch + product.rows + product.columns)
    sizes_of = [product.extent(letter) for letter in places.letters]
    order = [places.letters.index(letter) for letter in product.result.letters]
    numbers = arrange.enumerated(sizes_of).transpose(order).reshape(product.result.dims)
    shape = (sizes.batch, 1, sizes.rows, sizes.columns)
    target, value, back = arrange.push(builder, made, product.result.name, numbers, shape)
    sources = [left.source, right.source, *([addend.source] if addend and addend.source else [])]
    claim = _claim(product, dtype, (left, right), addend, back)
    return Candidate(builder.replacement(list(dict.fromkeys(sources)), {target: value}), claim)


@dataclass(frozen=True)
class _Entered:
    """An operand as [batch, summed, rows, 1] or [batch, summed, 1, columns], and where its elements come from."""

    source: str
    value: str
    map_: Any
    """Element numbers of the source as [batch, alone, summed, free]."""


def _entered(builder: Builder, product: Bilinear, operand: Operand, free: str) -> _Entered:
    """Arrange an operand and sum over what only it has."""
    import numpy

    alone, is_left = product.alone(operand), operand is product.left
    groups = product.batch, alone, product.summed, free
    numbers = operand.arranged(*groups)
    batch, lone, summed, length = numbers.shape
    spatial = (length, 1) if is_left else (1, length)
    source, value, map_ = arrange.pull_as(builder, operand.name, numbers.reshape(batch, lone * summed, *spatial))
    if lone > 1:
        kind = numpy_type(builder.graph.tensor(operand.name).dtype or "")
        weights = numpy.tile(numpy.eye(summed, dtype=kind), (1, lone))
        value = builder.conv(value, weights[:, :, None, None])
    return _Entered(source, value, map_.reshape(numbers.shape))


def _parts(sizes: _Sizes, most: int) -> list[int]:
    """How many of the summed entries are taken at once, so that no tensor has more than `most` elements."""
    whole = sizes.batch * sizes.rows * sizes.columns
    count = -(-sizes.summed // max(1, most // whole))
    return [sizes.summed // count + (part < sizes.summed % count) for part in range(count)]


def _multiplied_and_summed(
    builder: Builder, operands: tuple[str, str], sizes: _Sizes, how: tuple[float, list[int]], repeat: _Repeat
) -> str:
    """The program between the arranged operands and the result [batch, 1, rows, columns]."""
    import numpy

    scale, parts = how
    kind = numpy_type(builder.graph.tensor(builder.hint).dtype or "")
    pieces, first = [], 0
    for count in parts:
        rows, columns = operands
        if count < sizes.summed:
            chosen = numpy.eye(sizes.summed, dtype=kind)[first : first + count, :, None, None]
            rows, columns = (builder.conv(value, chosen) for value in operands)
            first += count
        rows = repeat(builder, rows, (sizes.batch, count, sizes.rows, 1), 3, sizes.columns)
        columns = repeat(builder, columns, (sizes.batch, count, 1, sizes.columns), 2, sizes.rows)
        value = builder.add("Mul", [rows, columns])
        pieces.append(_summed(builder, value, (sizes.batch, count, sizes.rows, sizes.columns), scale, kind))
    return add_all(builder, pieces)


def _summed(builder: Builder, value: str, dims: _Dims, scale: float, kind: Any) -> str:
    """The sum over the channels times `scale`, in several steps where there are more than a convolution may have."""
    import numpy

    batch, channels, height, width = dims
    if channels == 1 and scale == 1:
        return value
    while channels > WIDE:
        inner = next((size for size in range(WIDE, 1, -1) if channels % size == 0), None)
        if inner is None:
            raise NoBilinearError(f"it sums {channels} entries, a number without a divisor of at most {WIDE}")
        outer = channels // inner
        seen = builder.reshape(value, (batch, inner, outer * height, width))
        value = builder.conv(seen, numpy.ones((1, inner, 1, 1), kind))
        channels = outer
        value = builder.reshape(value, (batch, channels, height, width))
    return builder.conv(value, numpy.full((1, channels, 1, 1), scale, kind))


def _added(builder: Builder, made: str, product: Bilinear, sizes: _Sizes, repeat: _Repeat) -> _Entered | None:
    """The sum [1, 1, rows, columns] with an addend, and the addend's element numbers; None for some constants."""
    import numpy

    addend, scale = product.addend, product.addend_scale
    if addend is None:
        return None
    dims = sizes.batch, 1, sizes.rows, sizes.columns
    along = [letters for letters in (product.rows, product.columns) if letters and letters in addend.letters]
    numbers = addend.arranged("", *(letters if letters in along else "" for letters in (product.rows, product.columns)))
    numbers = numbers[None]
    constant = builder.graph.constant(addend.name)
    kind = numpy_type(builder.graph.tensor(builder.hint).dtype or "")
    if constant is not None:
        if product.columns in along or sizes.rows > WIDE:
            return None
        bias = numpy.broadcast_to((scale * constant.astype(numpy.float64)).reshape(-1), (sizes.rows,)).astype(kind)
        value = builder.reshape(made, (1, sizes.rows, sizes.columns, 1))
        value = builder.conv(value, numpy.ones((sizes.rows, 1, 1, 1), kind), bias, group=sizes.rows)
        return _Entered("", builder.reshape(value, dims), numpy.abs(scale * constant.astype(numpy.float64)).max())
    source, value, map_ = arrange.pull_as(builder, addend.name, numbers)
    if scale != 1:
        value = builder.conv(value, numpy.full((1, 1, 1, 1), scale, kind))
    if numbers.shape[2] < sizes.rows:
        value = repeat(builder, value, (1, 1, 1, numbers.shape[3]), 2, sizes.rows)
    if numbers.shape[3] < sizes.columns:
        value = repeat(builder, value, (1, 1, sizes.rows, 1), 3, sizes.columns)
    return _Entered(source, builder.add("Add", [made, value]), map_)


def _resized(builder: Builder, value: str, dims: _Dims, axis: int, count: int) -> str:
    """One pixel becomes many: a linear resize interpolates between equals."""
    if count == 1:
        return value
    return enlarged(builder, value, [count if position == axis else 1 for position in range(4)])


def _multiplied(builder: Builder, value: str, dims: _Dims, axis: int, count: int) -> str:
    """Repeat by a convolution from one channel to many; the channels before are counted to the batch."""
    import numpy

    if count == 1:
        return value
    batch, channels, height, width = dims
    kind = numpy_type(builder.graph.tensor(builder.hint).dtype or "")
    value = builder.reshape(value, (batch * channels, 1, height * width, 1))
    value = builder.conv(value, numpy.ones((count, 1, 1, 1), kind))
    value = builder.reshape(value, (batch, channels, count, height * width))
    return value if axis == 2 else builder.transpose(value, (0, 1, 3, 2))


def _claim(product: Bilinear, dtype: str, operands: Sequence[_Entered], addend: _Entered | None, back: Any) -> Claim:
    def magnitude(feed: Mapping[str, Any]) -> Any:
        import numpy

        left, right = (
            numpy.abs(feed[part.source].astype(numpy.float64)).reshape(-1)[part.map_].sum(1) for part in operands
        )
        total = abs(product.scale) * (left.swapaxes(1, 2) @ right)
        if addend is not None and addend.source:
            added = numpy.abs(feed[addend.source].astype(numpy.float64)).reshape(-1)[addend.map_]
            total = total + abs(product.addend_scale) * added[:, 0]
        elif addend is not None:
            total = total + addend.map_
        return total.reshape(-1)[back]

    lone = sum(product.extent(product.alone(operand)) for operand in (product.left, product.right))
    terms = product.extent(product.summed) + lone + _ROUNDINGS
    return sums_agree(dtype, terms, magnitude, _METHOD, finite_only=True, caveats=(_SPREADS,))
