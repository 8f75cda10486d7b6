"""Products with constant weights become 1x1 convolutions, with the constant factors and addends around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from safecheck.rewrite.algebra import arrange
from safecheck.rewrite.algebra.linear import Step, after, along, before
from safecheck.rewrite.algebra.pointwise import WIDE, convolve, convolve_in_parts, rounded
from safecheck.rewrite.algebra.rounding import FLOATS, sums_agree
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.movement.factor import FactorError
from safecheck.rewrite.rule import Candidate, Claim, Match
from safecheck.rewrite.rules.contraction import Contraction, NoContractionError, contraction

_BATCH = 32
"""A first axis up to this long is taken for the batch; a longer one counts tokens or windows."""
_METHOD = (
    "both sides add the same products; factors and addends around them are multiplied into the weights and the bias"
)
_SPREADS = "taking parts of the channels with zeros and ones spreads infinities and NaN over the other parts"


class MatmulToConvolution:
    """MatMul, Gemm and Einsum of a computed and a constant operand."""

    name = "matmul-to-convolution"
    remedies = ("matmul-to-convolution", "fold-affine-into-convolution")

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """The product with the affine maps before and after it."""
        try:
            found = contraction(graph, node)
            if found is None:
                return None
            if graph.tensor(found.data).dtype not in FLOATS:
                raise NoContractionError(f"a convolution of {graph.tensor(found.data).dtype} does not exist")
            dims = graph.dims(found.data) or ()
            if not arrange.fits(dims) or not arrange.fits(graph.dims(node.output[0]) or ()):
                raise NoContractionError("the tensors are empty or too large")
            product, steps = _absorbed(graph, node, found)
            candidates = [
                candidate
                for write in (_single, _in_parts, _window)
                for candidate in write(graph, product)
            ]  # fmt: skip
        except (NoContractionError, FactorError) as failure:
            return Match((node,), reason=str(failure))
        return Match((node, *(step.node for step in steps)), tuple(candidates))


@dataclass(frozen=True)
class _Product:
    """result = data * weights + bias, with everything that was taken in."""

    data: str
    result: str
    dtype: str
    dims: tuple[int, ...]
    made: tuple[int, ...]
    found: Contraction
    weights: Any
    bias: Any | None
    sizes: Any
    """Per output channel, the sum of the magnitudes of the weights."""
    offsets: Any
    """Per output channel, the sum of the magnitudes of the addends."""
    terms: int
    """Roundings per term on either side."""


def _absorbed(graph: MutableGraph, node: Any, found: Contraction) -> tuple[_Product, list[Step]]:
    """Take in the affine maps around a product whose constants vary along the channels only.

    Raises:
        NoContractionError: the constants do not fit.
    """
    import numpy

    dims, made = graph.dims(found.data) or (), graph.dims(node.output[0]) or ()
    weights, terms = found.weights, found.weights.shape[0] + 4
    taken: list[Step] = []
    shift = numpy.zeros(weights.shape[1])
    magnitude = numpy.zeros(weights.shape[1])
    data = found.data
    for step in before(graph, data):
        scale, addend, size = (along(part, found.summed, dims) for part in _parts(step))
        if scale is None or addend is None or size is None:
            break
        shift = shift + addend @ weights
        magnitude = magnitude + size @ numpy.abs(weights)
        weights = scale[:, None] * weights
        terms += step.affine.roundings
        data, taken = step.data, [*taken, step]
    channels = _channel_axes(found, made)
    if found.bias is not None:
        bias = along(found.bias.reshape((1,) * (len(made) - found.bias.ndim) + found.bias.shape), channels, made)
        if bias is None:
            raise NoContractionError("the addend varies along an axis that is no output channel")
        shift, magnitude, terms = shift + bias, magnitude + numpy.abs(bias), terms + 2
    result = node.output[0]
    for step in after(graph, result):
        scale, addend, size = (along(part, channels, made) for part in _parts(step))
        if scale is None or addend is None or size is None:
            break
        weights, shift, magnitude = weights * scale, shift * scale + addend, magnitude * numpy.abs(scale) + size
        terms += step.affine.roundings
        result, taken = step.result, [*taken, step]
    dtype = graph.tensor(found.data).dtype or ""
    cast, bias = rounded(weights, dtype), rounded(shift, dtype)
    if cast is None or bias is None:
        raise NoContractionError(f"with what surrounds it the weights leave the range of {dtype}")
    given = bias if bool(magnitude.any()) else None
    sizes = numpy.abs(weights).sum(0)
    return _Product(data, result, dtype, dims, made, found, cast, given, sizes, magnitude, terms), taken


def _parts(step: Step) -> tuple[Any, Any, Any]:
    return step.affine.scale, step.affine.shift, step.affine.magnitude


def _channel_axes(found: Contraction, made: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of the result that are new, in the order of the weights."""
    free = len(found.order) - len(found.new)
    lead = len(made) - len(found.order)  # a constant with leading ones adds dimensions in front
    return tuple(lead + found.order.index(free + position) for position in range(len(found.new)))


def _arranged(product: _Product) -> tuple[Any, tuple[int, ...]]:
    """The data as [batch, channels, height, width], and the free axes in the order in which they come."""
    dims, summed = product.dims, product.found.summed
    free = [axis for axis in range(len(dims)) if axis not in summed]
    batch = [axis for axis in free if axis == 0 and dims[0] <= _BATCH]
    rest = [axis for axis in free if axis not in batch]
    rest = [axis for axis in rest if axis > summed[0]] + [axis for axis in rest if axis < summed[0]]
    sizes = [dims[axis] for axis in rest] + [1, 1]
    shape = (prod(dims[axis] for axis in batch), product.weights.shape[0], sizes[0], prod(sizes[1:]))
    numbers = arrange.enumerated(dims).transpose([*batch, *summed, *rest]).reshape(shape)
    return numbers, (*batch, *rest)


def _places(product: _Product, axes: tuple[int, ...]) -> Any:
    """Where the elements of the convolution's result, [batch, new channels, places], belong in the product's result."""
    found, dims = product.found, product.dims
    batch = 1 if axes and axes[0] == 0 and dims[0] <= _BATCH else 0
    new = tuple(range(len(dims), len(dims) + len(found.new)))
    current = [*axes[:batch], *new, *axes[batch:]]
    wanted = [*sorted(axes), *new]
    sizes = [(*dims, *found.new)[axis] for axis in current]
    order = [current.index(wanted[position]) for position in found.order]
    return arrange.enumerated(sizes).transpose(order).reshape(product.made)


_Write = Callable[[Builder, str, tuple[int, int, int, int]], str]


def _written(graph: MutableGraph, product: _Product, write: _Write, **more: Any) -> Candidate:
    builder = Builder(graph, product.result)
    numbers, axes = _arranged(product)
    source, value, map_ = arrange.pull(builder, product.data, numbers)
    batch, channels, height, width = map_.shape
    made = write(builder, value, (batch, channels, height, width))
    shape = (batch, product.weights.shape[1], height, width)
    target, value, back = arrange.push(builder, made, product.result, _places(product, axes), shape)
    return Candidate(builder.replacement([source], {target: value}), _claim(product, source, map_, back, **more))


def _claim(product: _Product, source: str, map_: Any, back: Any, **more: Any) -> Claim:
    def magnitude(feed: Mapping[str, Any]) -> Any:
        import numpy

        data = numpy.abs(feed[source].reshape(-1)[map_].astype(numpy.float64))
        column = (1, -1, 1, 1)
        total = data.max(1, keepdims=True) * product.sizes.reshape(column) + product.offsets.reshape(column)
        return total.reshape(-1)[back]

    return sums_agree(product.dtype, product.terms, magnitude, _METHOD, **more)


def _single(graph: MutableGraph, product: _Product) -> list[Candidate]:
    return [_written(graph, product, lambda builder, value, _: convolve(builder, value, product.weights, product.bias))]


def _in_parts(graph: MutableGraph, product: _Product) -> list[Candidate]:
    """For more channels than a profile may take."""
    if max(product.weights.shape) <= WIDE:
        return []

    def write(builder: Builder, value: str, dims: tuple[int, int, int, int]) -> str:
        return convolve_in_parts(builder, value, dims, product.weights, product.bias)

    return [_written(graph, product, write, finite_only=True, caveats=(_SPREADS,))]


def _window(graph: MutableGraph, product: _Product) -> list[Candidate]:
    """The head of a network without global pooling: a convolution whose kernel covers the whole map."""
    numbers, _ = _arranged(product)
    builder = Builder(graph, product.result)
    source, _, map_ = arrange.pull(builder, product.data, numbers)
    dims = graph.dims(source) or ()
    if len(dims) != 4 or dims[2] * dims[3] == 1 or numbers.shape != (dims[0], prod(dims[1:]), 1, 1):
        return []
    if bool((map_.reshape(-1) != arrange.enumerated(dims).reshape(-1)).any()):
        return []
    builder = Builder(graph, product.result)
    made = builder.conv(source, product.weights.T.reshape(-1, *dims[1:]), product.bias)
    shape = (dims[0], product.weights.shape[1], 1, 1)
    _, axes = _arranged(product)
    target, value, back = arrange.push(builder, made, product.result, _places(product, axes), shape)
    return [Candidate(builder.replacement([source], {target: value}), _claim(product, source, map_, back))]
