"""Which values of a graph can be infinite or NaN although every network input is finite.

An analysis of ranges: every value has the numbers between which its finite elements lie, as far as that is known, and
says whether infinities or NaN are possible. What only overflows, because finite numbers were multiplied until they left
the range of their type, does not count: no finite claim covers it, on either side. A value keeps its name and its
meaning while nodes are replaced, so what is known of it holds as long as the graph does: the ranges of divisors are
looked up before anything is replaced, because they show best in the nodes that the network came with.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from safecheck.intake.dtypes import FLOATS
from safecheck.ir.protos import array_of, numpy_type
from safecheck.ir.walk import holds_graphs, is_standard
from safecheck.rewrite import finite_operators
from safecheck.rewrite.attributes import attribute
from safecheck.rewrite.finite_operators import ANY, ANYTHING, Extent
from safecheck.rewrite.finite_parts import sliced
from safecheck.rewrite.graph import MutableGraph, Node
from safecheck.rewrite.replacement import Replacement
from safecheck.text import printable

_HUGE = 16
"""A constant that so many times itself overflows counts as infinite: masks are often the lowest number there is."""


_ASKING = frozenset({"Div", "Log", "Pow", "Reciprocal", "Sqrt"})


class _Known(dict[str, Extent]):
    """What is known of values, by name."""


class _Before(dict[str, tuple[float, float]]):
    """Between which numbers the finite elements of values lie, found before nodes were replaced."""


class Doubt(NamedTuple):
    """A value at a site that can be infinite or NaN."""

    name: str
    extent: Extent

    def words(self, graph: MutableGraph) -> str:
        """Which value it is and where it comes from."""
        kinds = " or ".join(word for word, is_so in (("infinite", self.extent.inf), ("NaN", self.extent.nan)) if is_so)
        maker = graph.producer(self.name)
        source = "" if maker is None else f", which {printable(maker.op_type, 40)} makes,"
        return f"it holds for finite values, and {printable(self.name, 60)}{source} can be {kinds}"


def doubts(graph: MutableGraph, replacement: Replacement) -> list[Doubt]:
    """Values between the inputs and the results of a replacement that can be infinite or NaN."""
    names = dict.fromkeys([*replacement.inputs, *_between(graph, replacement)])
    found = ((name, extent_of(graph, name)) for name in names)
    return [Doubt(name, extent) for name, extent in found if extent.inf or extent.nan]


def _between(graph: MutableGraph, replacement: Replacement) -> list[str]:
    known = set(replacement.inputs)
    found: dict[str, None] = {}
    pending = [*replacement.outputs, *replacement.aliases]
    while pending:
        name = pending.pop()
        if name not in known and name not in found:
            found[name] = None
            node = graph.producer(name)
            pending += [] if node is None else node.reads
    return list(found)


def extent_of(graph: MutableGraph, name: str) -> Extent:
    """What is known of one value; values it depends on are looked at once."""
    known, before = graph.memo(_Known), graph.memo(_Before)
    pending = [name]
    while pending:
        current = pending[-1]
        node = graph.producer(current)
        missing = [] if node is None or current in known else [given for given in node.reads if given not in known]
        if missing:
            pending += missing
            continue
        pending.pop()
        if current not in known:
            found = _given(graph, current) if node is None else _made(graph, node, current, known)
            known[current] = found.within(*before[current]) if current in before else found
    return known[name]


def look_ahead(graph: MutableGraph) -> None:
    """Know the ranges of everything that a function with a pole, or with an end, is taken of."""
    for node in graph.nodes:
        if node.op_type in _ASKING:
            for name in node.reads:
                extent_of(graph, name)


def look_again(graph: MutableGraph) -> None:
    """Forget what can be infinite: values may be made by other nodes now, which cannot make them that any more."""
    graph.memo(_Before).update({name: (one.low, one.high) for name, one in graph.memo(_Known).items()})
    graph.adopt(_Known, _Known())


def _given(graph: MutableGraph, name: str) -> Extent:
    """Of a network input, which is finite by assumption, or of a constant."""
    array = graph.constant(name)
    return ANY if array is None else _of_array(array)


def _of_array(array: Any) -> Extent:
    import numpy

    if not array.size or array.dtype.kind not in "fiub":
        return ANY
    if array.dtype.kind != "f":
        return Extent(float(array.min()), float(array.max()))
    finite = array[numpy.isfinite(array)].astype(numpy.float64)
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    most = float(numpy.finfo(array.dtype).max) / _HUGE
    down, up = (bool((array == end).any()) for end in (-numpy.inf, numpy.inf))
    return Extent(low, high, down or low < -most, up or high > most, bool(numpy.isnan(array).any()))


def _made(graph: MutableGraph, node: Node, name: str, known: dict[str, Extent]) -> Extent:
    dtype = graph.tensor(name).dtype
    if dtype is not None and dtype not in FLOATS:
        return ANY
    if not is_standard(node):
        return ANY  # as a network input: what another library computes is taken to be finite
    if node.op_type in ("Constant", "ConstantOfShape"):
        value = attribute(node, "value")
        return ANY if value is None else _of_array(array_of(value.t))
    given = [known[read] if read else None for read in node.input]
    if holds_graphs(node):  # not looked into
        return ANYTHING
    import numpy

    try:
        largest = float(numpy.finfo(numpy_type(dtype or "FLOAT")).max)
    except (ValueError, KeyError):  # narrow types are not among those of numpy
        largest = float(numpy.finfo(numpy.float32).max)
    found = finite_operators.extent(graph, node, given, largest)
    part = sliced(graph, node, known) if node.op_type == "Slice" else None
    return found if part is None else found.within(part.low, part.high)
