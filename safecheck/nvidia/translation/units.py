"""What of a network is run as one: a layer, or a loop with all that hangs on its recurrences and iterators."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from safecheck.nvidia.translation.network import Layer, Network

_INSIDE = frozenset({"RECURRENCE", "ITERATOR"})
_BOUNDARY = frozenset({*_INSIDE, "TRIP_LIMIT", "LOOP_OUTPUT"})


def _fused(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """All layers; where nothing but a logarithm reads a softmax, the two are one, and nothing vanishes in between.

    That is a fusion of the builder which NVIDIA documents (layer fusion catalog, "SoftMax and Log"), and on which the
    importer of LogSoftmax says that it counts.
    """
    users: dict[str, list[Layer]] = {}
    for layer in layers:
        for name in names(layer):
            users.setdefault(name, []).append(layer)
    changed: dict[int, Layer] = {}
    for layer in layers:
        last = layer
        if layer.kind == "SOFTMAX":
            while len(then := users.get(last.outputs[0].name, [])) == 1 and then[0].kind == "SHUFFLE":
                last = then[0]
            if len(then) == 1 and then[0].kind == "UNARY" and then[0]["op"] == "LOG":
                changed[id(layer)] = replace(layer, parameters={**layer.parameters, "log": True})
                changed[id(then[0])] = replace(then[0], kind="IDENTITY")
    return tuple(changed.get(id(layer), layer) for layer in layers)


def _conditional(layers: tuple[Layer, ...]) -> Iterator[Layer]:
    """All layers; the output of a conditional gets the condition, which is an input of another layer, as its first.

    Both branches are run. The one that is not taken may be missing.
    """
    conditions = {layer["conditional"]["owner"]: layer.inputs[0] for layer in layers if layer.kind == "CONDITION"}
    for layer in layers:
        if layer.kind == "CONDITIONAL_OUTPUT":
            condition = conditions.get(layer["conditional"]["owner"])
            yield replace(layer, inputs=(condition, *layer.inputs))
        else:
            yield layer


@dataclass(frozen=True)
class Loop:
    """A loop with its boundary and its body, the loops in it included."""

    limits: tuple[Layer, ...]
    recurrences: tuple[Layer, ...]
    iterators: tuple[Layer, ...]
    outputs: tuple[Layer, ...]
    body: tuple[Unit, ...]

    @property
    def inputs(self) -> Iterator[str]:
        """What it needs from outside, and of its own inside."""
        for layer in (*self.limits, *self.recurrences, *self.iterators, *self.outputs):
            yield from names(layer)
        for unit in self.body:
            yield from needs(unit)

    @property
    def inner(self) -> set[str]:
        """What it makes itself, its outputs not counted."""
        made = {tensor.name for layer in (*self.recurrences, *self.iterators) for tensor in layer.outputs}
        return made.union(*(makes(unit) for unit in self.body))


Unit = Layer | Loop
"""What is run as one."""


def names(layer: Layer) -> list[str]:
    """Of its operands."""
    return [tensor.name for tensor in layer.inputs if tensor is not None]


def needs(unit: Unit) -> set[str]:
    """Names of what must be there before it runs."""
    return set(unit.inputs) - unit.inner if isinstance(unit, Loop) else set(names(unit))


def makes(unit: Unit) -> set[str]:
    """Names of what it makes."""
    layers = unit.outputs if isinstance(unit, Loop) else (unit,)
    return {tensor.name for layer in layers for tensor in layer.outputs}


def units(network: Network) -> tuple[Unit, ...]:
    """What is run: layers, and outermost loops in one piece each."""
    return _units(tuple(_conditional(_fused(network.layers))))


def _units(layers: tuple[Layer, ...]) -> tuple[Unit, ...]:
    loops: dict[int, list[Layer]] = {}
    for layer in layers:
        if layer.kind in _BOUNDARY:
            loops.setdefault(layer["loop"]["owner"], []).append(layer)
    bodies = {owner: _body(boundary, layers) for owner, boundary in loops.items()}
    nested = {id(layer) for body in bodies.values() for layer in body}
    outermost = [owner for owner, boundary in loops.items() if not any(id(layer) in nested for layer in boundary)]
    taken = {id(layer) for owner in outermost for layer in (*loops[owner], *bodies[owner])}
    made: list[Unit] = [layer for layer in layers if id(layer) not in taken]
    for owner in outermost:
        of = {kind: tuple(layer for layer in loops[owner] if layer.kind == kind) for kind in _BOUNDARY}
        body = _units(tuple(bodies[owner]))
        made.append(Loop(of["TRIP_LIMIT"], of["RECURRENCE"], of["ITERATOR"], of["LOOP_OUTPUT"], body))
    return tuple(made)


def _body(boundary: list[Layer], layers: tuple[Layer, ...]) -> list[Layer]:
    """All layers that hang on what a loop makes inside; of a loop in it the whole boundary."""
    own = {id(layer) for layer in boundary}
    inside = {tensor.name for layer in boundary if layer.kind in _INSIDE for tensor in layer.outputs}
    loops: set[int] = set()
    found: dict[int, Layer] = {}
    growing = True
    while growing:
        growing = False
        for layer in layers:
            if id(layer) in own or id(layer) in found:
                continue
            owner = layer["loop"]["owner"] if layer.kind in _BOUNDARY else None
            if owner in loops or not inside.isdisjoint(names(layer)):
                found[id(layer)], growing = layer, True
                inside |= {tensor.name for tensor in layer.outputs}
                loops |= set() if owner is None else {owner}
    return list(found.values())
