"""Write the Attention operator out as what it is defined to be: two products, a mask and a softmax."""

from __future__ import annotations

from math import prod, sqrt
from typing import Any

from safecheck.rewrite.attributes import attribute, integer
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.canonicalize.written_out import Definition, write_out
from safecheck.rewrite.graph import MutableGraph, Node
from safecheck.rewrite.replacement import Replacement
from safecheck.rewrite.rule import Claim

_CLAIM = Claim("tested", "softmax(scale Q K^T + mask) V, as the operator is defined", finite_only=True)
_SAMPLED = 1 << 26
"""Up to so many products are run to compare both spellings."""


def write_out_attention(graph: MutableGraph) -> list[Any]:
    """Replace Attention nodes without past, cap, or results besides the first; returns the nodes that are gone."""
    return write_out(graph, "Attention", _defined)


def _defined(graph: MutableGraph, node: Node) -> Definition | None:
    replacement = _written(graph, node)
    return None if replacement is None else Definition(replacement, _CLAIM)


def _written(graph: MutableGraph, node: Node) -> Replacement | None:
    """The definition, or None where more than that is meant."""
    inputs = [*node.input, "", "", "", ""]
    query, key, value, mask = inputs[:4]
    shapes = [graph.dims(name) for name in (query, key, value)]
    dtype, softcap = graph.tensor(query).dtype, attribute(node, "softcap")
    plain = not any(inputs[4:]) and not any(node.output[1:]) and (softcap is None or softcap.f == 0)
    if not plain or dtype != "FLOAT" or any(dims is None or 0 in dims for dims in shapes):
        return None
    builder = Builder(graph, node.output[0])
    counts = [integer(node, name, 0) for name in ("q_num_heads", "kv_num_heads", "kv_num_heads")]
    given = [
        _heads(builder, name, dims or (), count)
        for name, dims, count in zip((query, key, value), shapes, counts, strict=True)
    ]
    if any(one is None for one in given):
        return None
    (q, q_dims), (k, k_dims), (v, v_dims) = (one for one in given if one is not None)
    heads, groups = q_dims[1], q_dims[1] // k_dims[1]
    if heads % k_dims[1] or prod((*q_dims[:3], k_dims[2], q_dims[3])) > _SAMPLED:
        return None
    if groups > 1:
        q = builder.reshape(q, (q_dims[0], k_dims[1], groups * q_dims[2], q_dims[3]))
    scale = attribute(node, "scale")
    factor = 1 / sqrt(q_dims[3]) if scale is None or scale.f == 0 else float(scale.f)
    import numpy

    scores = builder.add("MatMul", [q, builder.transpose(k, (0, 1, 3, 2))])
    scores = builder.add("Mul", [scores, builder.constant(numpy.array(factor, numpy.float32))])
    shape = (q_dims[0], heads, q_dims[2], k_dims[2])
    added = _mask(graph, builder, mask, (shape, groups), bool(integer(node, "is_causal", 0)))
    if added is None:
        return None
    if added:
        scores = builder.add("Add", [scores, added])
    made = builder.add("MatMul", [builder.add("Softmax", [scores], axis=-1), v])
    if groups > 1:
        made = builder.reshape(made, (q_dims[0], heads, q_dims[2], v_dims[3]))
    if len(shapes[0] or ()) == 3:
        made = builder.reshape(builder.transpose(made, (0, 2, 1, 3)), (q_dims[0], q_dims[2], heads * v_dims[3]))
    computed = [name for name in dict.fromkeys((query, key, value, mask)) if name and name not in graph.initializers]
    return builder.replacement(computed, {node.output[0]: made})


def _heads(builder: Builder, name: str, dims: tuple[int, ...], heads: int) -> tuple[str, tuple[int, ...]] | None:
    """An operand as [batch, heads, tokens, channels]."""
    if len(dims) == 4:
        return name, dims
    if len(dims) != 3 or not heads or dims[2] % heads:
        return None
    batch, tokens, channels = dims
    seen = builder.reshape(name, (batch, tokens, heads, channels // heads))
    return builder.transpose(seen, (0, 2, 1, 3)), (batch, heads, tokens, channels // heads)


def _mask(
    graph: MutableGraph, builder: Builder, mask: str, scores: tuple[tuple[int, int, int, int], int], causal: bool
) -> str | None:
    """What is added to the scores; empty if nothing is, None where it is computed and has to be changed.

    The scores are [batch, heads, queries, keys], of which the queries of so many heads come to stand in a row.
    """
    import numpy

    shape, groups = scores
    array = graph.constant(mask) if mask else None
    if mask and array is None:
        return mask if not causal and groups == 1 and graph.tensor(mask).dtype == "FLOAT" else None
    if not causal and array is None:
        return ""
    total = numpy.zeros((1, 1, 1, 1), numpy.float32)
    if array is not None:
        total = numpy.where(array, 0, -numpy.inf) if array.dtype.kind == "b" else array
    if causal:
        total = total + numpy.where(numpy.tri(*shape[2:], dtype=bool), 0, -numpy.inf)
    if groups > 1:
        batch = total.shape[0] if total.ndim == 4 else 1
        full = numpy.broadcast_to(total, (batch, *shape[1:]))
        total = full.reshape(batch, shape[1] // groups, groups * shape[2], shape[3])
    return builder.constant(total.astype(numpy.float32))
