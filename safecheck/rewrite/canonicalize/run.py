"""The steps of normalisation, in order, until nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from safecheck.rewrite.canonicalize.attention import write_out_attention
from safecheck.rewrite.canonicalize.control import inline_control_flow
from safecheck.rewrite.canonicalize.copies import remove_copies
from safecheck.rewrite.canonicalize.einsum import write_out_einsum
from safecheck.rewrite.canonicalize.fold import fold
from safecheck.rewrite.canonicalize.repair import cast_like_to_cast, count_axes_from_front, range_operands_to_scalars
from safecheck.rewrite.canonicalize.sequences import resolve_sequences
from safecheck.rewrite.graph import MutableGraph

_MAX_ROUNDS = 512


@dataclass(frozen=True)
class Kind:
    """One kind of normalisation."""

    name: str
    remedies: tuple[str, ...]
    method: str
    """Why nothing but the spelling changes."""
    run: Callable[[MutableGraph], list[Any]]


KINDS = (
    Kind("count-axes-from-front", (), "a negative axis counts from the end", count_axes_from_front),
    Kind("name-cast-type", (), "the type of the second operand is known", cast_like_to_cast),
    Kind("inline-control-flow", (), "the condition or the number of rounds is a constant", inline_control_flow),
    Kind("make-range-operands-scalars", (), "a vector of one element holds the same number", range_operands_to_scalars),
    Kind("resolve-sequences", (), "the members of every sequence are known", resolve_sequences),
    Kind("write-out-attention", (), "softmax(scale Q K^T + mask) V, as defined", write_out_attention),
    Kind("write-out-einsum", (), "the same products, two operands at a time, added in another order", write_out_einsum),
    Kind("fold-constants", ("fold-constants",), "computed once by onnxruntime with the operators of the model", fold),
    Kind("remove-copies", (), "the node hands its input through", remove_copies),
)


def normalise(graph: MutableGraph, ignored: frozenset[str] = frozenset()) -> dict[str, list[Any]]:
    """Nodes that are gone, by the name of the step that removed them."""
    gone: dict[str, list[Any]] = {kind.name: [] for kind in KINDS if kind.name not in ignored}
    for _ in range(_MAX_ROUNDS):
        changed = False
        for kind in KINDS:
            removed = kind.run(graph) if kind.name not in ignored else []
            if removed:
                gone[kind.name] += removed
                graph.drop_unused()
                graph.refresh()
                changed = True
        if not changed:
            break
    return {name: nodes for name, nodes in gone.items() if nodes}
