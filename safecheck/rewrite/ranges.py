"""Ranges of values, measured where a bound holds on a range only: on inputs of the network, and widened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from safecheck.ir.protos import numpy_type, value_info
from safecheck.ir.signature import Tensor
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.proof.runtime import RunError, Session
from safecheck.rewrite.proof.samples import SEED

FACTOR = 4.0
"""A measured range is widened by so much: ends away from zero become so many times as large or small, and mean squares
by the square of it."""

Feed = Mapping[str, Any]


class Quantity(NamedTuple):
    """What is measured of a value."""

    value: str
    kind: Literal["elements", "magnitudes", "variances", "mean squares"]
    shape: tuple[int, ...] = ()
    """The dimensions in which the value is seen."""
    axes: tuple[int, ...] = ()
    """Those over which a mean is taken; of magnitudes, the sum."""

    def ends(self, array: Any) -> tuple[float, float]:
        """The smallest and the largest."""
        import numpy

        data = array.astype(numpy.float64)
        if self.kind != "elements":
            data = data.reshape(self.shape)
            if self.kind == "magnitudes":
                data = abs(data).sum(self.axes)
            else:
                data = data.var(self.axes) if self.kind == "variances" else (data * data).mean(self.axes)
        return float(data.min()), float(data.max())


class Measured(NamedTuple):
    """A widened range."""

    low: float
    high: float
    how: str


class Asking(Protocol):
    """A rewrite that asks for ranges while it matches."""

    def match(self, graph: MutableGraph, node: Any) -> Any:
        """Match."""


class Ranges:
    """What has been measured on a graph; nothing before `open`."""

    def __init__(self) -> None:
        self._feeds: Callable[[], Iterable[Feed]] | None = None
        self._rewrites: Sequence[Asking] = ()
        self._found: dict[Quantity, tuple[float, float]] = {}
        self._asked: set[Quantity] | None = None
        self._count = 0

    def open(self, feeds: Callable[[], Iterable[Feed]], rewrites: Sequence[Asking]) -> None:
        """Measure from now on, on these inputs, what these rewrites ask for."""
        self._feeds, self._rewrites = feeds, rewrites

    def of(self, graph: MutableGraph, quantity: Quantity) -> Measured | None:
        """The widened range; None if nothing is measured or the network does not run on the inputs.

        All that can be asked about the graph as it stands is measured in one go, so that it runs seldom.
        """
        if self._asked is not None:
            self._asked.add(quantity)
            return None
        if self._feeds is None:
            return None
        if quantity not in self._found:
            try:
                self._measure(graph, self._feeds, {quantity, *self._questions(graph)} - self._found.keys())
            except RunError:
                self._feeds = None  # what does not run once does not run later either
        return self._widened(quantity)

    def _questions(self, graph: MutableGraph) -> set[Quantity]:
        self._asked = set()
        for rewrite in self._rewrites:
            for node in list(graph.nodes):
                rewrite.match(graph, node)
        asked, self._asked = self._asked, None
        return asked

    def _measure(self, graph: MutableGraph, feeds: Callable[[], Iterable[Feed]], wanted: set[Quantity]) -> None:
        names = list(dict.fromkeys(quantity.value for quantity in sorted(wanted)))
        model = graph.model()
        inner = [name for name in names if graph.producer(name) is not None]
        del model.graph.output[:]
        model.graph.output.extend(value_info(name, Tensor(graph.tensor(name).dtype, None)) for name in inner)
        session = Session(model.SerializeToString(), folder=graph.shelf.folder)
        self._count = 0
        for feed in feeds():
            values = {**feed, **dict(zip(inner, session.run(feed), strict=True))}
            self._count += 1
            for quantity in wanted:
                if quantity.value in values:
                    low, high = quantity.ends(values[quantity.value])
                    before = self._found.get(quantity, (low, high))
                    self._found[quantity] = min(low, before[0]), max(high, before[1])

    def _widened(self, quantity: Quantity) -> Measured | None:
        import math

        if quantity not in self._found:
            return None
        low, high = self._found[quantity]
        if not (math.isfinite(low) and math.isfinite(high)):
            return None
        factor = FACTOR if quantity.kind in ("elements", "magnitudes") else FACTOR**2
        low = low / factor if low > 0 else low * factor
        high = high * factor if high > 0 else high / factor
        return Measured(low, high, f"measured on {self._count} inputs and widened {factor:g} times")


def random_feeds(types: Mapping[str, Tensor], count: int) -> Iterator[Feed]:
    """Seeded inputs: normal for floating-point types, 0 to 7 for integers. Shapes must be fixed."""
    import numpy

    for number in range(count):
        random = numpy.random.default_rng([SEED, number])
        feed = {}
        for name, tensor in types.items():
            dtype = numpy.dtype(numpy_type(tensor.dtype or "FLOAT"))
            shape = tuple(dim for dim in tensor.shape or () if isinstance(dim, int))
            whole = dtype.kind in "iub"
            drawn = random.integers(0, 2 if dtype.kind == "b" else 8, shape) if whole else random.standard_normal(shape)
            feed[name] = drawn.astype(dtype)
        yield feed
