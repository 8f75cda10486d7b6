"""Small pictures of a graph as values: boxes and arrows. Where they stand on paper is the business of a renderer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from safecheck.ir.graph import OpGraph, OpNode, Scope
from safecheck.ir.signature import Tensor
from safecheck.text import printable

_REACH = 2
_MOST_BOXES = 9
_MOST_OPERANDS = 16
"""Of one node, beside those that the picture makes: a Concat may have a million."""
_MOST_NEIGHBOURS = 64
"""Of one node, that are looked at to choose the nearest; there may be a million pictures with one node in all."""
_NAME = 48
"""Characters of an operator's name; no standard one has as many."""


class Box(NamedTuple):
    """One operator, or a value that comes from outside of the picture."""

    label: str
    shape: str
    """Of its first output, as `1x96x56x56`; `?` if unknown."""
    kind: str
    """A verdict, `outside` for a value from elsewhere, or empty."""
    focus: bool = False
    """True for what the picture is about."""


class Diagram(NamedTuple):
    """Boxes and the data that flows between them. Equal neighbourhoods of different nodes give equal diagrams."""

    boxes: tuple[Box, ...]
    arrows: tuple[tuple[int, int], ...]
    """Positions of boxes, from maker to reader, sorted."""
    hidden: int = 0
    """Neighbours and operands that are not drawn; of a node with very many, those that are drawn elsewhere count."""

    @property
    def pattern(self) -> tuple[object, ...]:
        """What is left of the picture without shapes: what makes two places look alike."""
        return tuple(box._replace(shape="") for box in self.boxes), self.arrows

    @property
    def words(self) -> str:
        """The picture for those who cannot see it."""
        names = [f"{box.label} {box.shape}" + (f" ({box.kind})" if box.kind else "") for box in self.boxes]
        flow = ", ".join(f"{self.boxes[source].label} to {self.boxes[end].label}" for source, end in self.arrows)
        return "; ".join(names) + (f"; data flows from {flow}" if flow else "")


def shape_words(tensor: Tensor) -> str:
    """`1x96x56x56`, `N x 3`, or `?`."""
    if tensor.shape is None:
        return "?"
    return "x".join("?" if dim is None else printable(str(dim), 20) for dim in tensor.shape) or "scalar"


def diagram_of(
    given: Sequence[Any],
    most: int,
    tensor: Callable[[str], Tensor],
    kind: Callable[[Any], str],
    focus: Callable[[Any], bool] = lambda node: False,
    operands: Callable[[Any], Collection[str]] = lambda node: dict.fromkeys(node.input),
) -> Diagram:
    """The picture of `most` NodeProtos and of the values that they read from elsewhere; constants are left out.

    `operands` gives the names that a node reads, each once, and is asked whether a name is among them.
    """
    nodes = given[:most]
    makers = {name: position for position, node in enumerate(nodes) for name in node.output if name}
    boxes = [Box(printable(node.op_type, _NAME), _first_shape(node, tensor), kind(node), focus(node)) for node in nodes]
    arrows: set[tuple[int, int]] = set()
    sources: dict[str, int] = {}
    hidden = len(given) - len(nodes)
    for position, node in enumerate(nodes):
        every = operands(node)
        names = dict.fromkeys((*islice(every, _MOST_OPERANDS), *(name for name in makers if name in every)))
        hidden += len(every) - len(names)
        for name in names:
            if name in makers:
                arrows.add((makers[name], position))
            elif name and not tensor(name).constant:
                if name not in sources:
                    sources[name] = len(boxes)
                    boxes.append(Box("…", shape_words(tensor(name)), "outside"))
                arrows.add((sources[name], position))
    shown = tuple(sorted(arrow for arrow in arrows if arrow[0] != arrow[1]))
    return Diagram(tuple(boxes), shown, hidden)


def _first_shape(node: Any, tensor: Callable[[str], Tensor]) -> str:
    return next((shape_words(tensor(name)) for name in node.output if name), "?")


class Neighbourhoods:
    """Pictures around the nodes of one model; what is next to a node is looked up once for all of them."""

    def __init__(
        self, graph: OpGraph, lookup: Callable[[Scope, str], Tensor], kinds: dict[tuple[str, int], str]
    ) -> None:
        """`lookup` says what is known of a value, `kinds` the verdict on every node, by scope path and index."""
        self._lookup = lookup
        self._kinds = kinds
        self._scopes = {scope.path: scope for scope in graph.scopes}
        self._readers: dict[int, list[OpNode]] = {}
        self._operands: dict[int, dict[str, None]] = {}
        self._makers: dict[int, list[OpNode]] = {}

    def around(self, scope: str, index: int) -> Diagram:
        """The node, what it is made of and what is made of it, two steps each way and nine boxes at most."""
        centre = self._scopes[scope].nodes[index]
        chosen, hidden = self._chosen(centre)
        nodes = sorted(chosen, key=lambda node: node.index)
        owner = {id(node.proto): node for node in nodes}
        diagram = diagram_of(
            [node.proto for node in nodes],
            len(nodes),
            partial(self._lookup, centre.scope),
            lambda proto: self._kinds.get((owner[id(proto)].scope.path, owner[id(proto)].index), ""),
            lambda proto: proto is centre.proto,
            self._reads,
        )
        return diagram._replace(hidden=hidden + diagram.hidden)

    def _chosen(self, centre: OpNode) -> tuple[list[OpNode], int]:
        """The nearest neighbours within the node's own graph, nearest first, and how many there is no room for."""
        chosen, hidden = [centre], 0
        for next_to in (self._made_from, self._made_of):
            rim = [centre]
            for _ in range(_REACH):
                beside = [next_to(node) for node in rim]
                found = dict.fromkeys(
                    other for some in beside for other in some[:_MOST_NEIGHBOURS] if other not in chosen
                )
                room = max(0, (_MOST_BOXES - len(chosen)))
                rim = list(found)[: min(room, 3)]
                hidden += len(found) - len(rim) + sum(max(0, len(some) - _MOST_NEIGHBOURS) for some in beside)
                chosen += rim
        return chosen, hidden

    def _reads(self, proto: Any) -> dict[str, None]:
        if id(proto) not in self._operands:
            self._operands[id(proto)] = dict.fromkeys(proto.input)
        return self._operands[id(proto)]

    def _made_from(self, node: OpNode) -> list[OpNode]:
        if id(node.proto) not in self._makers:
            makers = map(node.scope.producers.get, self._reads(node.proto))
            known = [maker for maker in makers if maker is not None and maker.op_type != "Constant"]
            self._makers[id(node.proto)] = list(dict.fromkeys(known))
        return self._makers[id(node.proto)]

    def _made_of(self, node: OpNode) -> list[OpNode]:
        if id(node) not in self._readers:
            every = (node.scope.readers.get(name, ()) for name in node.outputs)
            self._readers[id(node)] = list(dict.fromkeys(reader for readers in every for reader in readers))
        return self._readers[id(node)]
