"""Operators that an exporter wrote out as many nodes, under the name that a reader knows them by.

A count of what stops a network must not depend on its exporter: 29 layer normalisations are 29 places, whether each
is one node or nine. Only what is shown depends on this; a verdict is about the nodes as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from safecheck.ir.graph import OpNode

LAYER_NORM = "LayerNormalization"
RMS_NORM = "RMSNormalization"
SOFTMAX = "Softmax"
GELU = "Gelu"

_MEANS = ("ReduceMean", "GlobalAveragePool")
_PASSING = ("Cast", "Identity")


class Composite(NamedTuple):
    """One operator, written out."""

    name: str
    nodes: tuple[OpNode, ...]
    """Its nodes, the one that it was recognised by first."""


def composites(nodes: Iterable[OpNode]) -> list[Composite]:
    """The operators that are written out in a graph; no node belongs to two of them."""
    taken: set[int] = set()
    found = []
    for node in nodes:
        read = _ANCHORS.get(node.op_type)
        composite = read(node) if read is not None and not node.proto.domain else None
        if composite is not None and taken.isdisjoint(map(id, composite.nodes)):
            taken.update(map(id, composite.nodes))
            found.append(composite)
    return found


def _norm(root: OpNode) -> Composite | None:
    """A value or its distance from the mean, over the root of its mean square plus epsilon; then scale and bias."""
    parts = [root]
    mean = _behind(root, (*_MEANS, "ReduceSum", "ReduceSumSquare"), ("Add", "Max", "Clip", "Mul", "Div"), parts)
    if mean is None:
        return None
    square = mean if mean.op_type == "ReduceSumSquare" else _input(mean, ("Pow", "Mul"))
    if square is None:
        return None
    value = square.inputs[0]
    if square.op_type == "Mul" and set(square.inputs) != {value}:
        return None
    parts += dict.fromkeys((mean, square))
    name, centre = RMS_NORM, _maker(square, 0)
    if centre is not None and centre.op_type == "Sub":
        center = _behind(centre, _MEANS, _PASSING, parts, last=1)
        if center is not None:
            name = LAYER_NORM
            parts += [centre, center]
            # The exporter may subtract twice: once for the squares, once for what is divided.
            parts += [twin for twin in _readers(center) if twin.op_type == "Sub" and twin is not centre]
    divided = {value, *(name for part in parts if part.op_type == "Sub" for name in part.outputs)}
    parts += _applied(root, divided)
    return Composite(name, tuple(dict.fromkeys(parts)))


def _applied(root: OpNode, divided: set[str]) -> Iterator[OpNode]:
    """What a root goes through: the quotient with a value, then a constant scale and a constant bias."""
    at, quotient = root, False
    while len(readers := _readers(at)) == 1 and readers[0].op_type in ("Reciprocal", "Div", "Mul", "Add", "Cast"):
        at = readers[0]
        if quotient and at.op_type != "Cast" and not _has_weights(at):
            return
        quotient = quotient or not divided.isdisjoint(at.inputs)
        yield at
        if at.op_type == "Add":
            return


def _softmax(quotient: OpNode) -> Composite | None:
    """exp(x), mostly of x less its maximum, over the sum of these."""
    powers, total = _maker(quotient, 0), _maker(quotient, 1)
    parts = [quotient]
    while total is not None and total.op_type in ("Reciprocal", "Expand", "Add", "Clip", "Max", *_PASSING):
        parts.append(total)
        total = _maker(total, 0)
    if total is None or total.op_type != "ReduceSum" or powers is None or powers.op_type != "Exp":
        return None
    if total.inputs[0] != powers.outputs[0]:
        return None
    parts += [powers, total]
    difference = _input(powers, ("Sub",))
    if difference is not None and (most := _maker(difference, 1)) is not None and most.op_type == "ReduceMax":
        parts += [difference, most]
    return Composite(SOFTMAX, tuple(parts))


def _gelu(curve: OpNode) -> Composite | None:
    """Half of x times (1 + Erf of x / sqrt(2)), or with Tanh of a cubic polynomial."""
    before = _input(curve, ("Div", "Mul"))
    after = list(_after(curve, ("Add", "Mul", "Mul")))
    if before is None or len(after) < 2:
        return None
    parts = [curve, before, *after]
    if curve.op_type == "Tanh":
        cubic = _input(before, ("Add",))
        if cubic is None:
            return None
        parts.append(cubic)
        step = _input(cubic, ("Mul",))
        while step is not None and step.op_type in ("Mul", "Pow"):
            parts.append(step)
            step = _input(step, ("Mul", "Pow"))
    half = [node for name in after[-1].inputs if (node := after[-1].scope.producer(name)) is not None]
    parts += [node for node in half if node.op_type == "Mul" and node not in parts and _halves(node)]
    return Composite(GELU, tuple(dict.fromkeys(parts)))


_ANCHORS: dict[str, Callable[[OpNode], Composite | None]] = {
    "Sqrt": _norm,
    "Pow": lambda node: _norm(node) if _number(node, 1) == -0.5 else None,
    "Div": _softmax,
    "Mul": lambda node: _softmax(node) if (by := _maker(node, 1)) and by.op_type == "Reciprocal" else None,
    "Erf": _gelu,
    "Tanh": _gelu,
}
"""What an operator is recognised by."""


def _maker(node: OpNode, position: int) -> OpNode | None:
    names = node.inputs
    return node.scope.producer(names[position]) if position < len(names) else None


def _input(node: OpNode, kinds: tuple[str, ...]) -> OpNode | None:
    """The first of the nodes it reads from that is of a kind."""
    makers = (node.scope.producer(name) for name in node.inputs)
    return next((maker for maker in makers if maker is not None and maker.op_type in kinds), None)


def _behind(
    node: OpNode, wanted: tuple[str, ...], between: tuple[str, ...], parts: list[OpNode], last: int = 0
) -> OpNode | None:
    """What a node reads, behind at most four nodes of other kinds, which become parts if it is found."""
    passed: list[OpNode] = []
    at = _maker(node, last)
    while at is not None and len(passed) < 4:
        if at.op_type in wanted:
            parts += passed
            return at
        if at.op_type not in (*between, *_PASSING):
            return None
        passed.append(at)
        at = _input(at, (*wanted, *between, *_PASSING))
    return None


def _readers(node: OpNode) -> list[OpNode]:
    return [reader for name in node.outputs for reader in node.scope.readers.get(name, ())]


def _after(node: OpNode, kinds: tuple[str, ...]) -> Iterator[OpNode]:
    """The only readers behind a node, as long as they are of these kinds, one after the other."""
    for kind in kinds:
        readers = _readers(node)
        if len(readers) != 1 or readers[0].op_type != kind:
            return
        node = readers[0]
        yield node


def _has_weights(node: OpNode) -> bool:
    """Whether an operand is a constant, or handed on from one."""
    for name in node.inputs:
        maker = node.scope.producer(name)
        while maker is not None and maker.op_type in (*_PASSING, "Reshape", "Unsqueeze"):
            name, maker = maker.inputs[0], _maker(maker, 0)
        if node.scope.lookup(name).constant:
            return True
    return False


def _number(node: OpNode, position: int) -> float | None:
    """The only element of a constant operand."""
    names = node.inputs
    values = node.scope.lookup(names[position]).values if position < len(names) else None
    return float(values[0]) if values is not None and len(values) == 1 else None


def _halves(node: OpNode) -> bool:
    return 0.5 in (_number(node, 0), _number(node, 1))
