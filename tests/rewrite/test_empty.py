"""Maps without elements: there is no program to write for them, and no rewrite divides by their size."""

from __future__ import annotations

import onnx
import pytest
from case_files import cases

from safecheck.errors import SafecheckError
from safecheck.rewrite.canonicalize.run import normalise
from safecheck.rewrite.driver import rewrite_all
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.verdicts import Verdicts
from safecheck.rulebook.load import profile

TARGET = "trt-8.6"
KINDS = (
    "Add", "AveragePool", "Conv", "ConvTranspose", "Div", "MatMul", "MaxPool", "ReduceMax",
    "Resize", "Softmax", "Transpose",
)  # fmt: skip


def emptied(kind: str) -> list[onnx.ModelProto]:
    """Models of rule cases that hold the operator, each with one dimension of an input gone."""
    whole = {case.proto().SerializeToString() for case in cases(TARGET)}
    having = [
        raw for raw in sorted(whole) if kind in {node.op_type for node in onnx.ModelProto.FromString(raw).graph.node}
    ]
    found = []
    for raw in having[:12]:
        for at, value in enumerate(onnx.ModelProto.FromString(raw).graph.input[:2]):
            for axis in range(len(value.type.tensor_type.shape.dim)):
                model = onnx.ModelProto.FromString(raw)
                model.graph.input[at].type.tensor_type.shape.dim[axis].dim_value = 0
                for output in model.graph.output:
                    output.type.tensor_type.ClearField("shape")
                found.append(model)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_what_has_no_elements_is_left_alone(kind: str) -> None:
    models = emptied(kind)
    assert models
    for model in models:
        try:
            graph = MutableGraph(model)
            normalise(graph)
            verdicts = Verdicts(graph, profile("tensorrt-8.6-restricted"))
            rewrite_all(graph, verdicts, (), proving=False)
        except SafecheckError:  # ONNX forbids some of them
            continue
        assert not [node for node in verdicts.questions() if 0 in (graph.dims(node.output[0]) or ())]
