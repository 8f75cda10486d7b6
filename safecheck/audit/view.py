"""The nodes of a model as a parser meets them, and where each of them stands in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import compress

from safecheck.ir.graph import OpGraph, OpNode, graph_of
from safecheck.ir.inline import Inlined, inlined
from safecheck.ir.model import Model
from safecheck.ir.reach import imported_scopes
from safecheck.ir.shape_inference.bounded import infer_bounded
from safecheck.ir.signatures import Occurrence, Signatures, signatures
from safecheck.values import dataclass


@dataclass(frozen=True, slots=True)
class View:
    """What a parser makes of the node lists of a model, before it looks at a single node."""

    graph: OpGraph
    found: Signatures
    imported: tuple[bool, ...]
    """For each of the nodes found, whether the parser imports the list it stands in."""
    misread: Mapping[int, str]
    """Positions of calls that the parser does not read as ONNX means them, and what is wrong."""
    positions: Sequence[Sequence[int]]
    """For each node of the file, in order, which of the nodes found it became: none, itself, or one for each call."""

    def nodes(self, model: Model) -> tuple[OpNode, ...]:
        """The node of the file that each of the nodes found comes from."""
        origin = [None] * len(self.found.nodes)
        for node, positions in zip(model.graph, self.positions, strict=True):
            for position in positions:
                origin[position] = node  # type: ignore[call-overload]
        return tuple(origin)  # type: ignore[arg-type]

    def read(self, model: Model) -> Iterator[OpNode]:
        """The nodes of the file that the parser imports, once for each time."""
        yield from compress(self.nodes(model), self.imported)


def view(model: Model, functions: bool) -> View:
    """The nodes of a model; with `functions`, local functions stand where they are called."""
    out = inlined(model.proto) if functions and model.proto.functions else None
    if out is not None:
        return _written_out(model, out)
    found = signatures(model.graph)
    return View(model.graph, found, _imported(model.graph, found), {}, [(index,) for index in range(len(found.nodes))])


def file_signatures(model: Model, seen: View) -> Signatures:
    """The nodes of the file with their signatures: of a node that is written out several times, the first."""
    if seen.graph is model.graph:
        return seen.found
    alone = signatures(model.graph)
    nodes = [
        occurrence if not positions else _at(occurrence.node, seen.found.nodes[positions[0]])
        for occurrence, positions in zip(alone.nodes, seen.positions, strict=True)
    ]
    return Signatures(tuple(nodes), alone.computed)


def _written_out(model: Model, out: Inlined) -> View:
    inferred = infer_bounded(out.proto)
    graph = graph_of(inferred.proto, inferred.types)
    found = signatures(graph)
    positions: dict[tuple[str, int], list[int]] = {}
    misread = {}
    for position, occurrence in enumerate(found.nodes):
        place = occurrence.node.scope.path, occurrence.node.index
        positions.setdefault(out.origins[place], []).append(position)
        if place in out.misread:
            misread[position] = out.misread[place]
    ordered = [positions.get((node.scope.path, node.index), []) for node in model.graph]
    return View(graph, found, _imported(graph, found), misread, ordered)


def _imported(graph: OpGraph, found: Signatures) -> tuple[bool, ...]:
    scopes = imported_scopes(graph)
    return tuple([occurrence.node.scope in scopes for occurrence in found.nodes])


def _at(node: OpNode, seen: Occurrence) -> Occurrence:
    return Occurrence(node, seen.signature, seen.computes_constant, seen.fixed, seen.operands)
