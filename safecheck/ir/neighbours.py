"""What stands around a node, as far as a fact asks about it: verdicts may depend on no more than that."""

from __future__ import annotations

from collections.abc import Callable

from safecheck.ir.graph import OpNode


def beside(node: OpNode) -> tuple[str, ...]:
    """The operators around the node that are asked about, sorted."""
    around = _AROUND.get(node.op_type)
    return () if around is None else tuple(sorted(around(node)))


def _next_to_reshape(node: OpNode) -> set[str]:
    """What computes the data, and what reads the result, of the operators that DLA does not take beside a reshape."""
    readers = {reader.op_type for name in node.outputs for reader in node.scope.readers.get(name, ())}
    return {"Concat", "Slice", "Split"} & (readers | _before(node, 1))


def _other_sums(node: OpNode) -> set[str]:
    """`CumSum` if the graph has another one along another axis or in another way."""
    others = (other for other in node.scope.nodes if other.op_type == "CumSum" and other is not node)
    return {"CumSum"} if any(_way(other) != _way(node) for other in others) else set()


def _way(node: OpNode) -> tuple[object, ...]:
    axis = node.scope.lookup(node.inputs[1]) if len(node.inputs) > 1 else None
    return axis, *sorted((part.name, part.i) for part in node.proto.attribute)


def _biased_product(node: OpNode) -> set[str]:
    """`MatMul` if the data are a product to which something was added."""
    adding = node.scope.producer(node.inputs[0]) if node.inputs else None
    return {"MatMul"} & _before(adding, 2) if adding is not None and adding.op_type == "Add" else set()


def _before(node: OpNode, inputs: int) -> set[str]:
    """The operators that compute the first inputs."""
    found = (node.scope.producer(name) for name in node.inputs[:inputs])
    return {producer.op_type for producer in found if producer is not None}


_AROUND: dict[str, Callable[[OpNode], set[str]]] = {
    "Clip": _biased_product,
    "CumSum": _other_sums,
    "Reshape": _next_to_reshape,
}
