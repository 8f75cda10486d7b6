"""Whether ONNX's inference may follow the elements of shapes, or would drown in them.

The library writes down every element of a vector that it follows, known or not, also of one that is no shape: forty
doublings of one element take more memory than there is, and so does one Cast of a long input. So vectors are measured
first, by an inference that follows no elements.
"""

from __future__ import annotations

from typing import Any

from safecheck.intake.onnx_library import library, messages
from safecheck.ir.protos import tensor_from_value_info
from safecheck.ir.walk import every_graph

_MOST_ELEMENTS = 100_000
"""In all vectors that are followed together; about 110 bytes each."""
_FOLLOWED = frozenset({"Add", "Cast", "Concat", "Gather", "Mul", "Size", "Slice", "Squeeze", "Sub", "Unsqueeze"})
"""What the library propagates elements through, by its own schemas, but for Shape, which looks at no element."""


def elements_to_follow(model: Any) -> bool:
    """Whether anything in a model has the library follow elements; if not, an inference that does is as any other."""
    graphs = (graph for holder in (model.graph, *model.functions) for graph in every_graph(holder))
    return any(node.op_type in _FOLLOWED or node.op_type == "Shape" for graph in graphs for node in graph.node)


def may_follow_elements(model: Any) -> bool:
    """True if no vector that would be followed is long. Joined vectors of unknown length are taken for long.

    The model is not changed; types that it declares inside are believed, so they have to be dropped before.
    """
    if any(_joins_vectors(node) for function in model.functions for node in function.node):
        return False
    if not any(node.op_type in _FOLLOWED for graph in every_graph(model.graph) for node in graph.node):
        return True
    inferred = messages().ModelProto()
    inferred.ParseFromString(library().shape_inference.infer_shapes(model.SerializeToString(), False, False, False))
    total = 0
    for graph in every_graph(inferred.graph):
        shapes = {
            value.name: tensor_from_value_info(value).shape
            for values in (graph.input, graph.value_info, graph.output)
            for value in values
        }
        for node in graph.node:
            if node.op_type in _FOLLOWED:
                if _joins_vectors(node) and not _measured(shapes.get(node.output[0])):
                    return False
                total += sum(_length(shapes.get(name)) for name in (*node.input, *node.output))
    return total <= _MOST_ELEMENTS


def _measured(shape: tuple[int | str | None, ...] | None) -> bool:
    """Whether it is known that there is no vector, or how long it is."""
    return shape is not None and (len(shape) != 1 or isinstance(shape[0], int))


def _length(shape: tuple[int | str | None, ...] | None) -> int:
    """Of a vector whose length is known; 0 of all else."""
    return shape[0] if shape is not None and len(shape) == 1 and isinstance(shape[0], int) else 0


def _joins_vectors(node: Any) -> bool:
    """Only along the first axis can vectors be joined."""
    if node.op_type != "Concat" or not node.output:
        return False
    return all(attribute.i in (0, -1) for attribute in node.attribute if attribute.name == "axis")
