"""Convolutions with constant weights: what a node says, with padding written out, and how to write one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from safecheck.ir.walk import is_standard
from safecheck.rewrite.algebra.quantised import Stored, stored
from safecheck.rewrite.algebra.rounding import FLOATS, Magnitude
from safecheck.rewrite.algebra.windows import pads_of
from safecheck.rewrite.attributes import integer, integers, text
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph


@dataclass(frozen=True)
class Convolution:
    """A Conv node, or a ConvTranspose, whose weights are (in, out / group, kernel...)."""

    node: Any
    data: str
    dtype: str
    weights: Any
    """float64, as they are stored."""
    bias: Any
    """float64, one per output channel; zeros if there is none."""
    group: int
    strides: tuple[int, ...]
    pads: tuple[int, ...]
    """Before every spatial axis, then behind every one."""
    dilations: tuple[int, ...]
    stored: Stored | None = None
    """How the weights are stored, where that is as whole numbers."""

    @property
    def transposed(self) -> bool:
        """Whether it is a ConvTranspose."""
        return str(self.node.op_type) == "ConvTranspose"

    @property
    def result(self) -> str:
        """What the node makes."""
        return str(self.node.output[0])

    @property
    def kernel(self) -> tuple[int, ...]:
        """Extent of the weights along the spatial axes."""
        return tuple(self.weights.shape[2:])

    @property
    def by_group(self) -> Any:
        """The weights as (group, out / group, in / group, taps)."""
        shape = (self.group, self.weights.shape[0] // self.group, self.weights.shape[1], -1)
        split = self.weights.reshape(shape)
        return split.swapaxes(1, 2) if self.transposed else split

    def from_groups(self, weights: Any) -> Any:
        """The reverse of `by_group`, with the kernel of this convolution."""
        return (weights.swapaxes(1, 2) if self.transposed else weights).reshape(self.weights.shape)

    @property
    def terms(self) -> int:
        """At most so many products make one element of the result."""
        return int(self.by_group.shape[2]) * prod(self.kernel)

    def write(self, builder: Builder, weights: Any, bias: Any | None, value: str | None = None, **changed: Any) -> str:
        """A convolution like this one, with other weights and whatever else is changed."""
        given = {
            "strides": self.strides,
            "pads": self.pads,
            "dilations": self.dilations,
            "group": self.group,
            **changed,
        }
        plain = {"strides": 1, "pads": 0, "dilations": 1}
        left = {name: entry for name, entry in given.items() if name not in plain or set(entry) != {plain[name]}}
        if left.get("group") == 1:
            del left["group"]
        if self.transposed and (extra := integers(self.node, "output_padding")) is not None:
            left["output_padding"] = extra
        inputs = [value or self.data, builder.constant(weights)] + ([] if bias is None else [builder.constant(bias)])
        kernel = list(weights.shape[2:])
        return builder.add(str(self.node.op_type), inputs, kernel_shape=kernel, **left)


def convolution(graph: MutableGraph, node: Any) -> Convolution | None:
    """The convolution that a node is; None for other nodes, open shapes and weights that depend on data."""
    import numpy

    if node.op_type not in ("Conv", "ConvTranspose") or not is_standard(node):
        return None
    data, weights, held = node.input[0], graph.constant(node.input[1]), stored(graph, node.input[1])
    weights = weights if held is None else held.values
    bias = graph.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else None
    dims, made, dtype = graph.dims(data), graph.dims(node.output[0]), graph.tensor(data).dtype
    computed_bias = bias is None and len(node.input) > 2 and bool(node.input[2])
    if weights is None or dims is None or made is None or dtype not in FLOATS or computed_bias:
        return None
    if integers(node, "output_shape") is not None:
        return None
    group, rank = integer(node, "group", 1), len(dims) - 2
    strides = integers(node, "strides") or (1,) * rank
    dilations = integers(node, "dilations") or (1,) * rank
    if node.op_type == "ConvTranspose" and text(node, "auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        return None
    extent = [(size - 1) * gap + 1 for size, gap in zip(weights.shape[2:], dilations, strict=True)]
    pads = pads_of(node, dims[2:], made[2:], extent, strides)
    if pads is None:
        return None
    outs = weights.shape[1] * group if node.op_type == "ConvTranspose" else weights.shape[0]
    shift = numpy.zeros(outs) if bias is None else bias.astype(numpy.float64)
    return Convolution(node, data, dtype, weights.astype(numpy.float64), shift, group, strides, pads, dilations, held)


def needed(graph: MutableGraph, found: Convolution) -> Convolution:
    """The same convolution without the outer taps that see nothing but padding, wherever the window lies."""
    sizes, places = (graph.dims(found.data) or ())[2:], (graph.dims(found.result) or ())[2:]
    rank = len(sizes)
    taken: list[slice] = []
    pads = list(found.pads)
    for axis, (size, count) in enumerate(zip(sizes, places, strict=True)):
        gap, stride, taps = found.dilations[axis], found.strides[axis], range(found.kernel[axis])
        first = [tap * gap - pads[axis] for tap in taps]
        seeing = [tap for tap in taps if any(0 <= first[tap] + stride * at < size for at in range(count))]
        kept = range(seeing[0], seeing[-1] + 1) if seeing else taps
        before, behind = kept[0] * gap, (taps[-1] - kept[-1]) * gap
        if pads[axis] < before or pads[axis + rank] < behind:  # the taps that stay begin or end within the data
            kept, before, behind = taps, 0, 0
        taken.append(slice(kept[0], kept[-1] + 1))
        pads[axis], pads[axis + rank] = pads[axis] - before, pads[axis + rank] - behind
    weights = found.weights[(slice(None), slice(None), *taken)]
    dilations = tuple(1 if size == 1 else gap for size, gap in zip(weights.shape[2:], found.dilations, strict=True))
    return replace(found, weights=weights, pads=tuple(pads), dilations=dilations)


def reach(source: str, sizes: Any, offsets: Any) -> Magnitude:
    """Bound on the sum of the magnitudes of a convolution's terms: the largest input of each batch entry everywhere.

    `sizes` are, per output channel, the sums of the magnitudes of the weights, `offsets` those of the addends.
    """

    def magnitude(feed: Mapping[str, Any]) -> Any:
        import numpy

        data = numpy.abs(feed[source].astype(numpy.float64))
        peak = data.max(axis=tuple(range(1, data.ndim)), keepdims=True)
        shape = (1, -1) + (1,) * (data.ndim - 2)
        return peak * sizes.reshape(shape) + offsets.reshape(shape)

    return magnitude


def overall(source: str, sizes: Any, offsets: Any) -> Magnitude:
    """The same as one number for all elements, where the result lies in another order than a convolution makes it."""

    def magnitude(feed: Mapping[str, Any]) -> Any:
        import numpy

        return float(numpy.abs(feed[source].astype(numpy.float64)).max()) * sizes.max() + offsets.max()

    return magnitude
