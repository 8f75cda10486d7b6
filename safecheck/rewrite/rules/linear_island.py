"""Nodes that gather, mask, add and scale elements of one map are one matrix: a 1x1 convolution over its places.

Adaptive pools whose windows overlap are exported like that: every window is gathered, what hangs over is masked out,
its elements are added one by one, and the sum is divided by how many there were. No coefficient may be negative, so
that nothing cancels and the bound of a sum holds for every order in which the terms are added.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

from safecheck.ir.protos import numpy_type, standalone, value_info
from safecheck.ir.signature import Tensor
from safecheck.ir.walk import entering, is_standard
from safecheck.rewrite.algebra.axis_map import AxisMap
from safecheck.rewrite.algebra.linear import read
from safecheck.rewrite.algebra.linear_operators import Linear
from safecheck.rewrite.algebra.rounding import FLOATS
from safecheck.rewrite.attributes import axes_of
from safecheck.rewrite.graph import MutableGraph, Node
from safecheck.rewrite.movement.operators import data_slots
from safecheck.rewrite.proof.runtime import RunError, Session
from safecheck.rewrite.proof.site import region
from safecheck.rewrite.rule import Match
from safecheck.rewrite.rules.linear_map import candidate_of

_VIEWS = frozenset({"Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})
_MEANS = frozenset({"ReduceMean", "ReduceSum"})
_MAX_NODES = 256
_MAX_ENTRIES = 1 << 22


class LinearIslandToConvolution:
    """Gathered, masked and added elements of one map of channels."""

    name = "linear-island-to-convolution"
    remedies: tuple[str, ...] = ()

    def match(self, graph: MutableGraph, node: Any) -> Match | None:
        """Offer one convolution for everything from the map to where its elements are together again."""
        for source, above in _sources(graph, node):
            found = _island(graph, node, source, above)
            matrix = None if found is None else _matrix(graph, source, found)
            if found is None or matrix is None:
                continue
            made = (graph.dims(found.result) or ())[2:]
            map_ = Linear(source, (AxisMap(2, 2, made, matrix),))
            candidate = candidate_of(graph, found.result, map_, len(found.nodes))
            ordered = (node, *(other for other in found.nodes if other is not node))
            return None if candidate is None else Match(ordered, (candidate,))
        return None


class _Island(NamedTuple):
    """From a source to a result that have the same batch and channels."""

    nodes: tuple[Node, ...]
    result: str


def _sources(graph: MutableGraph, node: Node) -> Iterator[tuple[str, list[Node]]]:
    """Values of four dimensions that a moving node may begin with, and the views between them and the node."""
    slots = data_slots(graph, node)
    if slots is None or len(slots) != 1:
        return
    name: str = node.input[slots[0]]
    above: list[Node] = []
    while True:
        dims = graph.dims(name)
        if dims is None or graph.constant(name) is not None or graph.tensor(name).dtype not in FLOATS:
            return
        if len(dims) == 4 and 0 not in dims:
            yield name, above
        maker = graph.producer(name)
        if maker is None or maker.op_type not in _VIEWS or data_slots(graph, maker) is None:
            return
        name, above = maker.input[0], [maker, *above]


def _island(graph: MutableGraph, node: Node, source: str, above: list[Node]) -> _Island | None:
    """The largest one that begins with a node and ends in one value; None if nothing is added in it."""
    dims = graph.dims(source) or ()
    known = {source, *(name for view in above for name in view.output)}
    members: dict[Node, None] = {}
    pending = [node]
    adds, best = False, None
    while pending and len(members) < _MAX_NODES:
        current = pending.pop()
        if current in members or not _is_linear(graph, current, known):
            continue
        members[current] = None
        known.update(current.output)
        adds = adds or current.op_type in (*_MEANS, "Add")
        pending += [reader for name in current.output for reader in graph.consumers(name)]
        ends = [name for one in members for name in one.output if _leaves(graph, name, members)]
        made = graph.dims(ends[0]) if len(ends) == 1 else None
        if adds and made is not None and len(made) == 4 and made[:2] == dims[:2]:
            best = _Island(tuple(graph.in_order(members)), ends[0])
    return best


def _leaves(graph: MutableGraph, name: str, members: dict[Node, None]) -> bool:
    return graph.is_output(name) or any(reader not in members for reader in graph.consumers(name))


def _is_linear(graph: MutableGraph, node: Node, known: set[str]) -> bool:
    """Whether a node makes sums of known elements, times numbers that are not negative, and nothing else."""
    slots = data_slots(graph, node)
    if slots is not None:
        moved = [node.input[at] for at in slots]
        return all(name in known or graph.constant(name) is not None for name in moved)
    if not is_standard(node):
        return False
    if node.op_type in _MEANS:
        rank = len(graph.dims(node.input[0]) or ())
        return node.input[0] in known and axes_of(graph, node, rank) is not None
    if node.op_type == "Add" and all(name in known for name in node.input):
        return len({graph.dims(name) for name in node.input}) == 1
    step = read(graph, node)
    return step is not None and step.data in known and bool((step.affine.scale >= 0).all())


def _matrix(graph: MutableGraph, source: str, found: _Island) -> Any | None:
    """(places of the result, places of the source): what becomes of one element of every channel at a time."""
    import numpy

    dims, made = graph.dims(source) or (), graph.dims(found.result) or ()
    lanes, size, results = prod(dims[:2]), prod(dims[2:]), prod(made[2:])
    if size * results > _MAX_ENTRIES:
        return None
    tensor = graph.tensor(source)
    nodes = region(graph, [source], [found.result])
    model = standalone(
        nodes, [value_info(source, tensor)], [value_info(found.result, Tensor(tensor.dtype, None))],
        [graph.initializers[name] for name in entering(nodes) if name in graph.initializers],
        graph.proto.opset_import, graph.proto.ir_version,
    )  # fmt: skip
    matrix = numpy.zeros((results, size))
    kind = numpy_type(tensor.dtype or "")
    try:
        session = Session(model.SerializeToString(), folder=graph.shelf.folder)
        if bool(session.run({source: numpy.zeros(dims, kind)})[0].any()):
            return None
        for first in range(0, size, lanes):
            count = min(lanes, size - first)
            vectors = numpy.zeros((lanes, size), kind)
            vectors[numpy.arange(count), first + numpy.arange(count)] = 1
            got = session.run({source: vectors.reshape(dims)})[0].reshape(lanes, results)
            matrix[:, first : first + count] = got[:count].T
    except RunError:
        return None
    return matrix if bool(numpy.isfinite(matrix).all()) else None
