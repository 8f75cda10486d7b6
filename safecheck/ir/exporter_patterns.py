"""How exporters spell things: the same network exported twice differs in these idioms.

A finding on a node of an idiom says which spelling causes it and how another export avoids it; the verdict itself
never depends on the idiom.
"""

from __future__ import annotations

from collections.abc import Iterator

from safecheck.ir.graph import OpGraph, OpNode

LAYER_NORM = "decomposed-layer-normalization"
GELU = "decomposed-gelu"


def idioms(graph: OpGraph) -> dict[int, str]:
    """`id(OpNode)` -> name of the idiom it is part of, for nodes that are part of one."""
    found: dict[int, str] = {}
    anchors: list[tuple[OpNode, str]] = []
    for node in graph:
        kind = node.op_type
        if kind in ("Sqrt", "Erf"):
            anchors.append((node, kind))
        elif (name := _operator_idiom(node)) is not None:
            found[id(node)] = name
    for node, kind in anchors:
        for part in _layer_norm(node) if kind == "Sqrt" else _gelu(node):
            found[id(part)] = LAYER_NORM if kind == "Sqrt" else GELU
    return found


def _operator_idiom(node: OpNode) -> str | None:
    kind = node.op_type
    if kind == "LayerNormalization":
        return "layer-normalization-operator"
    if kind == "Gelu":
        return "gelu-operator"
    if kind == "GlobalAveragePool":
        return "global-average-pool"
    if kind == "ReduceMean":
        return "mean-with-axes-input" if len(node.inputs) > 1 else "mean-with-axes-attribute"
    if kind == "Resize" and len(node.inputs) > 3 and node.inputs[3]:
        producer = node.scope.producer(node.inputs[3])
        return "resize-to-computed-size" if producer is not None and producer.op_type == "Concat" else "resize-to-size"
    return None


def _layer_norm(root: OpNode) -> Iterator[OpNode]:
    """Sqrt of (mean of squared differences + epsilon), the differences it divides, and scale and bias after it."""
    add = _producer(root, ("Add",))
    mean = add and _producer(add, ("ReduceMean",))
    square = mean and _producer(mean, ("Pow", "Mul"))
    difference = square and _producer(square, ("Sub",))
    center = difference and _producer(difference, ("ReduceMean",))
    if not (add and mean and square and difference and center):
        return
    yield from (root, add, mean, square, difference, center)
    value: OpNode | None = root
    for wanted in ("Div", "Mul", "Add"):
        value = value and _consumer(value, wanted)
        if value is None:
            return
        yield value


def _gelu(erf: OpNode) -> Iterator[OpNode]:
    """Half of x times (1 + Erf of x / sqrt(2))."""
    scaled = _producer(erf, ("Div", "Mul"))
    shifted = _consumer(erf, "Add")
    product = shifted and _consumer(shifted, "Mul")
    if not (scaled and shifted and product):
        return
    yield from (erf, scaled, shifted, product)
    half = _consumer(product, "Mul")
    if half is not None:
        yield half


def _producer(node: OpNode, kinds: tuple[str, ...]) -> OpNode | None:
    for value in node.inputs:
        producer = node.scope.producer(value)
        if producer is not None and producer.op_type in kinds:
            return producer
    return None


def _consumer(node: OpNode, kind: str) -> OpNode | None:
    for value in node.outputs:
        for consumer in node.scope.readers.get(value, ()):
            if consumer.op_type == kind:
                return consumer
    return None
