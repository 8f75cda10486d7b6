"""Constant factors and addends go into the convolution before or behind them, or become one of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from safecheck.rewrite.algebra import arrange
from safecheck.rewrite.algebra.kernels import Convolution, convolution, reach
from safecheck.rewrite.algebra.linear import Affine, Step, after, along, before, read
from safecheck.rewrite.algebra.plane import UNSIGNED_ZERO, seen
from safecheck.rewrite.algebra.pointwise import rounded
from safecheck.rewrite.algebra.rounding import sums_agree
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.movement.factor import FactorError
from safecheck.rewrite.rule import Candidate, Claim, Match

_FOLDED = "both sides add the same products; the constants are multiplied into the weights and added to the bias"
_OWN = "x * scale + shift as a depthwise 1x1 convolution"
_RANGE = "as weights the constants leave the range of the type"


class FoldAffineIntoConvolution:
    """Add, Sub, Mul, Div, Neg and BatchNormalization with constants."""

    name = "fold-affine-into-convolution"
    remedies = ("fold-affine-into-convolution",)

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """The longest chain around the node whose constants vary along the same axes."""
        step = read(graph, node)
        if step is None:
            return None
        chain = _chain(graph, step)
        nodes = (node, *(part.node for part in chain.steps if part.node is not node))
        try:
            candidates = [*_into_producer(graph, chain), *_into_consumer(graph, chain), *_alone(graph, chain)]
        except FactorError as failure:
            return Match(nodes, reason=str(failure))
        return Match(nodes, tuple(candidates), "" if candidates else _RANGE)


@dataclass(frozen=True)
class _Chain:
    """Affine maps one after the other."""

    steps: tuple[Step, ...]
    affine: Affine
    axes: tuple[int, ...]
    """The axes along which the constants vary."""
    dims: tuple[int, ...]
    dtype: str

    @property
    def data(self) -> str:
        """What goes in."""
        return self.steps[0].data

    @property
    def result(self) -> str:
        """What comes out."""
        return self.steps[-1].result

    def channels(self, axes: tuple[int, ...]) -> tuple[Any, Any, Any] | None:
        """Scale, shift and magnitude along some axes, flat; None if they vary along others."""
        affine = self.affine
        found = [along(array, axes, self.dims) for array in (affine.scale, affine.shift, affine.magnitude)]
        return None if any(array is None for array in found) else (found[0], found[1], found[2])


def _chain(graph: MutableGraph, step: Step) -> _Chain:
    axes = step.affine.axes
    steps = [step]
    for earlier in before(graph, step.data):
        if earlier.affine.axes not in (axes, ()) and axes:
            break
        axes = axes or earlier.affine.axes
        steps.insert(0, earlier)
    for later in after(graph, step.result):
        if later.affine.axes not in (axes, ()) and axes:
            break
        axes = axes or later.affine.axes
        steps.append(later)
    affine = steps[0].affine
    for part in steps[1:]:
        affine = affine.then(part.affine)
    dims = graph.dims(step.data) or ()
    return _Chain(tuple(steps), affine, axes, dims, graph.tensor(step.data).dtype or "")


def _into_producer(graph: MutableGraph, chain: _Chain) -> Iterator[Candidate]:
    maker = graph.producer(chain.data)
    found = None if maker is None else convolution(graph, maker)
    channels = chain.channels((1,)) if len(chain.dims) > 2 else None
    if (
        found is None
        or found.stored
        or channels is None
        or graph.is_output(chain.data)
        or len(graph.consumers(chain.data)) != 1
    ):
        return
    import numpy

    scale, shift, magnitude = channels
    weights = found.from_groups(found.by_group * scale.reshape(found.group, -1, 1, 1))
    sizes = numpy.abs(found.by_group).sum((2, 3)).reshape(-1) * numpy.abs(scale)
    offsets = numpy.abs(found.bias * scale) + magnitude
    yield from _folded(graph, chain, found, (weights, found.bias * scale + shift), (sizes, offsets), chain.result)


def _into_consumer(graph: MutableGraph, chain: _Chain) -> Iterator[Candidate]:
    readers = graph.consumers(chain.result)
    if graph.is_output(chain.result) or len(readers) != 1 or readers[0].input[0] != chain.result:
        return
    found = convolution(graph, readers[0])
    channels = chain.channels((1,)) if len(chain.dims) > 2 else None
    if found is None or found.stored or channels is None:
        return
    import numpy

    scale, shift, magnitude = (array.reshape(found.group, 1, -1, 1) for array in channels)
    borders = any(found.pads) or found.transposed
    if borders and bool(magnitude.any()):
        return  # the zeros of the padding would be shifted as well
    grouped = found.by_group
    addend = (grouped * shift).sum((2, 3)).reshape(-1)
    sizes = (numpy.abs(grouped) * numpy.abs(scale)).sum((2, 3)).reshape(-1)
    offsets = numpy.abs(found.bias) + (numpy.abs(grouped) * magnitude).sum((2, 3)).reshape(-1)
    weights = found.from_groups(grouped * scale)
    yield from _folded(graph, chain, found, (weights, found.bias + addend), (sizes, offsets), found.result)


def _folded(
    graph: MutableGraph,
    chain: _Chain,
    found: Convolution,
    constants: tuple[Any, Any],
    sizes: tuple[Any, Any],
    result: str,
) -> Iterator[Candidate]:
    weights, bias = (rounded(array, chain.dtype) for array in constants)
    if weights is None or bias is None:
        return
    data = found.data if result == chain.result else chain.data
    builder = Builder(graph, result)
    made = found.write(builder, weights, bias if bool(sizes[1].any()) else None, data)
    claim = sums_agree(chain.dtype, found.terms + chain.affine.roundings + 4, reach(data, *sizes), _FOLDED)
    yield Candidate(builder.replacement([data], {result: made}), claim)


def _alone(graph: MutableGraph, chain: _Chain) -> Iterator[Candidate]:
    """A depthwise convolution over the axes along which the constants vary."""
    channels = chain.channels(chain.axes)
    if channels is None or not arrange.fits(chain.dims):
        return
    axes, numbers = _arranged(chain)
    if chain.axes != axes:
        channels = chain.channels(axes) or channels
    import numpy

    wide = numpy.broadcast_to
    scale, shift, magnitude = (wide(array, (numbers.shape[1],)) for array in channels)
    weights, bias = rounded(scale, chain.dtype), rounded(shift, chain.dtype)
    if weights is None or bias is None:
        return
    builder = Builder(graph, chain.result)
    source, value, map_ = arrange.pull(builder, chain.data, numbers)
    offset = bias if bool(magnitude.any()) else None
    made = builder.conv(value, weights.reshape(-1, 1, 1, 1), offset, group=len(weights))
    places = numpy.argsort(numbers.reshape(-1)).reshape(chain.dims)
    target, value, back = arrange.push(builder, made, chain.result, places, map_.shape)
    claim = _claim(chain, source, (map_, back), scale, magnitude)
    yield Candidate(builder.replacement([source], {target: value}), claim)


def _arranged(chain: _Chain) -> tuple[tuple[int, ...], Any]:
    """The axes that become channels, and the data as [batch, channels, height, width]."""
    dims, axes = chain.dims, chain.axes
    numbers = arrange.enumerated(dims)
    if not axes:
        return (), numbers.reshape(seen(dims))  # one factor for all: the tensor as it lies
    batch = [0] if 0 not in axes else []
    free = [axis for axis in range(len(dims)) if axis not in axes and axis not in batch]
    free = [axis for axis in free if axis > axes[0]] + [axis for axis in free if axis < axes[0]]
    sizes = [dims[axis] for axis in free] + [1, 1]
    shape = (prod(dims[axis] for axis in batch), prod(dims[axis] for axis in axes), sizes[0], prod(sizes[1:]))
    return axes, numbers.transpose([*batch, *axes, *free]).reshape(shape)


def _claim(chain: _Chain, source: str, maps: tuple[Any, Any], scale: Any, magnitude: Any) -> Claim:
    """A single product or sum is rounded the same way by a convolution; more are bounded."""
    if chain.affine.single:
        return Claim(
            "exact", f"{_OWN}: one rounding on either side, of the same value", finite_only=True,
            caveats=(UNSIGNED_ZERO,),
        )  # fmt: skip
    map_, back = maps

    def terms(feed: Mapping[str, Any]) -> Any:
        import numpy

        column = (1, -1, 1, 1)
        data = numpy.abs(feed[source].reshape(-1)[map_].astype(numpy.float64))
        total = data * numpy.abs(scale).reshape(column) + magnitude.reshape(column)
        return total.reshape(-1)[back]

    return sums_agree(chain.dtype, chain.affine.roundings + 4, terms, _OWN, finite_only=True, caveats=(UNSIGNED_ZERO,))
