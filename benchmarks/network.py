"""A feed-forward network under construction, and its ONNX file written without holding the weights in memory."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

# What stands before and after the graph
_HEAD = onnx.ModelProto(ir_version=8, producer_name="benchmark")
_TAIL = onnx.ModelProto(opset_import=[onnx.helper.make_opsetid("", 17)])
_CHUNK = 1 << 22
# Field numbers of onnx.proto: ModelProto.graph, GraphProto.initializer, TensorProto.raw_data
_GRAPH, _INITIALIZER, _RAW_DATA = 7, 5, 9


@dataclass(frozen=True, slots=True)
class Weight:
    """One initializer."""

    proto: onnx.TensorProto
    """Name, type and dimensions."""
    data: bytes | None
    """The elements; None for pseudo-random floats."""
    size: int
    """Bytes that the elements take."""

    def chunks(self, seed: int) -> Iterator[bytes]:
        """The elements, piece by piece; the same for the same seed."""
        if self.data is not None:
            yield self.data
            return
        random = np.random.default_rng(seed)
        left = self.size // 4
        while left:
            count = min(left, _CHUNK)
            yield (random.random(count, dtype=np.float32) - np.float32(0.5)).tobytes()
            left -= count


class Network:
    """Nodes and weights in file order."""

    def __init__(self, shape: Sequence[int]) -> None:
        self.input = onnx.helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, shape)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[Weight] = []

    def node(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output; the name of the output."""
        name = f"/{op_type}_{len(self.nodes)}"
        output = f"{name}_output_0"
        self.nodes.append(onnx.helper.make_node(op_type, inputs, [output], name, **attributes))
        return output

    def weight(self, *dims: int) -> str:
        """Add a float initializer."""
        return self._add(onnx.TensorProto.FLOAT, dims, None, 4 * int(np.prod(dims)))

    def floats(self, *values: float) -> str:
        """Add a constant vector of floats."""
        return self._add(onnx.TensorProto.FLOAT, (len(values),), struct.pack(f"<{len(values)}f", *values))

    def integers(self, *values: int) -> str:
        """Add a constant vector of integers."""
        return self._add(onnx.TensorProto.INT64, (len(values),), struct.pack(f"<{len(values)}q", *values))

    def _add(self, data_type: int, dims: Sequence[int], data: bytes | None, size: int | None = None) -> str:
        name = f"weight_{len(self.weights)}"
        proto = onnx.TensorProto(name=name, data_type=data_type, dims=dims)
        self.weights.append(Weight(proto, data, len(data or b"") if size is None else size))
        return name

    def write(self, path: Path, output: Sequence[int]) -> None:
        """Write one file with all weights inside, in the order of onnx.save. `output` is the last node's shape."""
        headers = [weight.proto.SerializeToString() + _prefix(_RAW_DATA, weight.size) for weight in self.weights]
        tensors = [
            _prefix(_INITIALIZER, len(header) + weight.size) + header
            for header, weight in zip(headers, self.weights, strict=True)
        ]
        nodes, values = self._graphs(output)
        size = len(nodes) + sum(map(len, tensors)) + sum(weight.size for weight in self.weights) + len(values)
        with path.open("wb") as file:
            file.write(_HEAD.SerializeToString())
            file.write(_prefix(_GRAPH, size) + nodes)
            for index, (tensor, weight) in enumerate(zip(tensors, self.weights, strict=True)):
                file.write(tensor)
                file.writelines(weight.chunks(index))
            file.write(values)
            file.write(_TAIL.SerializeToString())

    def write_external(self, path: Path, output: Sequence[int], data: Path) -> None:
        """Write the model and, beside it, a sparse file of zeros for the float weights; constants stay inside."""
        nodes, values = self._graphs(output)
        model, offset = onnx.ModelProto(), 0
        model.MergeFrom(_HEAD)
        model.MergeFrom(_TAIL)
        model.graph.MergeFromString(nodes + values)
        for weight in self.weights:
            tensor = model.graph.initializer.add()
            tensor.CopyFrom(weight.proto)
            if weight.data is not None:
                tensor.raw_data = weight.data
                continue
            tensor.data_location = onnx.TensorProto.EXTERNAL
            for key, value in (("location", data.name), ("offset", offset), ("length", weight.size)):
                tensor.external_data.add(key=key, value=str(value))
            offset += weight.size
        with data.open("wb") as file:
            file.truncate(offset)
        path.write_bytes(model.SerializeToString())

    def _graphs(self, output: Sequence[int]) -> tuple[bytes, bytes]:
        """What stands before and after the initializers."""
        result = onnx.helper.make_tensor_value_info(self.nodes[-1].output[0], onnx.TensorProto.FLOAT, output)
        nodes = onnx.GraphProto(node=self.nodes, name="main_graph")
        return nodes.SerializeToString(), onnx.GraphProto(input=[self.input], output=[result]).SerializeToString()


def _prefix(field: int, size: int) -> bytes:
    """Tag and length of a length-delimited field; field numbers are below 16."""
    encoded = bytearray((field << 3 | 2,))
    while size >= 0x80:
        encoded.append(size & 0x7F | 0x80)
        size >>= 7
    encoded.append(size)
    return bytes(encoded)
