"""Write down new nodes, one after the other, and hand them over as a replacement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from safecheck.intake.onnx_library import messages
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.replacement import Replacement


class Builder:
    """New nodes that start from values of a graph. Nothing is changed until the replacement is applied."""

    def __init__(self, graph: MutableGraph, hint: str) -> None:
        self.graph = graph
        self.hint = hint
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}
        self._stored: dict[tuple[Any, tuple[int, ...], bytes], str] = {}

    def add(self, op_type: str, inputs: Sequence[str], **attributes: Any) -> str:
        """A node with one output; returns the name of its value. Attributes that are None are left out."""
        from onnx import helper

        output = self.graph.fresh(self.hint)
        given = {name: value for name, value in attributes.items() if value is not None}
        self.nodes.append(helper.make_node(op_type, list(inputs), [output], name=output, **given))
        return output

    def again(self, node: Any, inputs: Sequence[str], **changed: Any) -> list[str]:
        """An existing operator on other inputs; returns the names of its values, in order.

        Attributes that are given take the place of those of that name; None leaves one out.
        """
        from onnx import helper

        copy = messages().NodeProto(op_type=node.proto.op_type, domain=node.domain, input=inputs)
        copy.attribute.extend(part for part in node.attribute if part.name not in changed)
        copy.attribute.extend(
            helper.make_attribute(name, value) for name, value in changed.items() if value is not None
        )
        copy.output.extend(self.graph.fresh(self.hint) if name else "" for name in node.output)
        copy.name = next(name for name in copy.output if name)
        self.nodes.append(copy)
        return list(copy.output)

    def constant(self, array: Any) -> str:
        """A new initializer; equal ones of one builder are one."""
        import numpy

        array = numpy.ascontiguousarray(array) if getattr(array, "ndim", 0) else numpy.asarray(array)
        key = array.dtype, array.shape, sha256(array.tobytes()).digest()
        if key not in self._stored:
            name = self._stored[key] = self.graph.fresh(self.hint)
            self.constants[name] = array
        return self._stored[key]

    def reshape(self, value: str, dims: Sequence[int]) -> str:
        """A reshape to constant dimensions."""
        import numpy

        if self.graph.opset < 5:
            return self.add("Reshape", [value], shape=list(dims))
        return self.add("Reshape", [value, self.constant(numpy.array(list(dims), numpy.int64))])

    def transpose(self, value: str, order: Sequence[int]) -> str:
        """A transpose."""
        return self.add("Transpose", [value], perm=list(order))

    def conv(self, value: str, weights: Any, bias: Any | None = None, **attributes: Any) -> str:
        """A convolution with constant weights (out, in / group, kernel...) and bias (out)."""
        inputs = [value, self.constant(weights)] + ([] if bias is None else [self.constant(bias)])
        kernel = list(weights.shape[2:])
        return self.add("Conv", inputs, kernel_shape=kernel, **attributes)

    def replacement(self, inputs: Sequence[str], results: Mapping[str, str]) -> Replacement:
        """The nodes so far as new makers of existing values: existing value -> value of the builder or another one."""
        made = {name: position for position, node in enumerate(self.nodes) for name in node.output}
        renamed: dict[str, str] = {}
        aliases: dict[str, str] = {}
        for old, new in results.items():
            if new in made and new not in renamed:
                renamed[new] = old
            else:
                aliases[old] = renamed.get(new, new)
        nodes = []
        for node in self.nodes:
            copy = messages().NodeProto()
            copy.CopyFrom(node)
            for names in (copy.input, copy.output):
                for position, name in enumerate(names):
                    names[position] = renamed.get(name, name)
            nodes.append(copy)
        outputs = tuple(old for old in results if old not in aliases)
        return Replacement(tuple(inputs), outputs, tuple(nodes), self.constants, aliases)
