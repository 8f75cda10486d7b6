"""The values of every tensor of an ONNX file, by onnxruntime; by ONNX's reference where that cannot load the file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from safecheck.machine.onnxruntime import onnxruntime
from safecheck.nvidia.translation.network import Array

_FETCHED = frozenset(
    f"tensor({name})"
    for name in (
        "float", "float16", "double", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    )
)  # fmt: skip
"""Types that onnxruntime hands out as arrays."""


class NotRun(Exception):  # noqa: N818 - not an error: an answer of this room
    """Why the file could not be run; one line."""


class Original:
    """A file that can be run, with its intermediate values."""

    def __init__(self, model: ModelProto) -> None:
        """Load it.

        Raises:
            NotRun: neither onnxruntime nor the reference can load it.
        """
        self.model = model
        graph = model.graph
        self._initializers = {tensor.name: tensor for tensor in graph.initializer}
        self.inputs = {value.name: value for value in graph.input if value.name not in self._initializers}
        self.outputs = [value.name for value in graph.output]
        watched = ModelProto()
        watched.CopyFrom(model)
        made = dict.fromkeys(name for node in graph.node for name in node.output if name)
        for name in made.keys() - set(self.outputs):
            watched.graph.output.add(name=name)
        self._session = _session(watched, self.outputs)
        if self._session is not None:
            self._fetched = [value.name for value in self._session.get_outputs() if value.type in _FETCHED]
        else:
            self._reference = _reference(watched)
            self._fetched = [value.name for value in watched.graph.output]

    def values(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Name -> value of every tensor of the main graph that a node makes.

        Raises:
            NotRun: the file cannot be run on these inputs.
        """
        runner = self._session or self._reference
        try:
            found = runner.run(self._fetched, dict(inputs))
        except Exception as error:  # of a library that promises nothing about its exceptions
            raise NotRun(_first_line(error)) from error
        values = zip(self._fetched, found, strict=True)
        return {name: np.asarray(value) for name, value in values if isinstance(value, (np.ndarray, np.generic))}

    def deviates(self, name: str) -> bool:
        """Whether a value is made by a node of which it is known that onnxruntime does not do what ONNX says.

        The text has the threshold `clip` of an LSTM for the input of every activation; onnxruntime spares the cell.
        """
        node = self._maker(name)
        return node is not None and node.op_type == "LSTM" and any(part.name == "clip" for part in node.attribute)

    def _maker(self, name: str) -> NodeProto | None:
        return next((node for node in self.model.graph.node if name in node.output), None)

    def second_opinion(self, name: str, values: Mapping[str, Array]) -> Array | None:
        """What ONNX's reference makes of one node; None where it cannot tell, or has told all there is.

        `values` hold what the node reads, and an input of the graph under its name.
        """
        node = self._maker(name)
        if node is None or self._session is None or any(part.HasField("g") for part in node.attribute):
            return None
        known = {part: self._known(part, values) for part in node.input if part}
        if None in [type(value) if value is None else 0 for value in known.values()]:
            return None
        return _one_node(self.model, node, name, {part: value for part, value in known.items() if value is not None})

    def _known(self, name: str, values: Mapping[str, Array]) -> Array | None:
        if name in values:
            return values[name]
        return numpy_helper.to_array(self._initializers[name]) if name in self._initializers else None


def load(path: str) -> ModelProto:
    """A model with its external data.

    Raises:
        NotRun: it cannot be read.
    """
    try:
        return onnx.load(path)
    except Exception as error:
        raise NotRun(_first_line(error)) from error


def _session(model: ModelProto, outputs: Collection[str]) -> Any:
    """Onnxruntime with the model, if it can load it, take its inputs as arrays, and hand out these outputs."""
    ort = onnxruntime()
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception:
        return None
    passed = [*session.get_inputs(), *(value for value in session.get_outputs() if value.name in outputs)]
    return session if all(value.type in _FETCHED for value in passed) else None


def _reference(model: ModelProto) -> Any:
    from onnx.reference import ReferenceEvaluator

    try:
        return ReferenceEvaluator(model)
    except Exception as error:
        raise NotRun(_first_line(error)) from error


def _one_node(model: ModelProto, node: NodeProto, name: str, values: Mapping[str, Array]) -> Array | None:
    inputs = [onnx.ValueInfoProto(name=part) for part in values]
    graph = helper.make_graph([node], "node", inputs, [onnx.ValueInfoProto(name=name)])
    try:
        alone = helper.make_model(
            graph, opset_imports=model.opset_import, functions=model.functions, ir_version=model.ir_version
        )
        found = _reference(alone).run([name], dict(values))[0]
    except Exception:
        return None
    return np.asarray(found) if isinstance(found, (np.ndarray, np.generic)) else None


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else ''}"[:300]


def element_type(value: onnx.ValueInfoProto) -> int:
    """ONNX's number of the element type of an input; UNDEFINED for what is no tensor."""
    return value.type.tensor_type.elem_type if value.type.HasField("tensor_type") else TensorProto.UNDEFINED


def dimensions(value: onnx.ValueInfoProto) -> Iterator[int | str]:
    """Every dimension as a number or a name; the empty name for one without."""
    for part in value.type.tensor_type.shape.dim:
        yield part.dim_value if part.HasField("dim_value") else part.dim_param
