"""Whether ONNX's inference may follow the elements of shapes, or would drown in them.

The library writes down every element of a concatenated vector, also of one that is no shape: forty doublings of one
element take more memory than there is. So vectors are measured first, by an inference that follows no elements.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from safecheck.intake.onnx_library import library, messages
from safecheck.ir.protos import tensor_from_value_info
from safecheck.ir.signature import UNKNOWN
from safecheck.ir.walk import every_graph

_MOST_ELEMENTS = 100_000
"""In all concatenated vectors together; about 110 bytes each."""


def may_follow_elements(model: Any, known_graphs: Iterable[Any]) -> bool:
    """True if no concatenation can make long vectors. Values of unknown length are taken for long.

    `known_graphs` are the graphs of the model. It is not changed; types that it declares inside are believed, so they
    have to be dropped before.
    """
    holders = (*known_graphs, *model.functions)
    if not any(_joins_vectors(node) for holder in holders for node in holder.node):
        return True
    inferred = messages().ModelProto()
    inferred.ParseFromString(library().shape_inference.infer_shapes(model.SerializeToString(), False, False, False))
    total = 0
    for graph in every_graph(inferred.graph):
        known = {
            value.name: tensor_from_value_info(value) for values in (graph.value_info, graph.output) for value in values
        }
        for node in graph.node:
            if _joins_vectors(node):
                tensor = known.get(node.output[0])
                if tensor is None or tensor.shape is None or (len(tensor.shape) == 1 and tensor.dims is UNKNOWN):
                    return False
                total += tensor.dims[0] if len(tensor.shape) == 1 and tensor.dims is not UNKNOWN else 0
    return total <= _MOST_ELEMENTS and not any(_joins_vectors(node) for f in model.functions for node in f.node)


def _joins_vectors(node: Any) -> bool:
    """Only along the first axis can vectors be joined."""
    if node.op_type != "Concat" or not node.output:
        return False
    return all(attribute.i in (0, -1) for attribute in node.attribute if attribute.name == "axis")
