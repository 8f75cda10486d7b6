"""Networks of constants that were not folded, for their size or because nobody could: no rewrite fails on them."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from case_files import cases
from onnx import TensorProto, helper, numpy_helper

from safecheck.errors import SafecheckError
from safecheck.rewrite.canonicalize.run import normalise
from safecheck.rewrite.driver import rewrite_all
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rule import FAILED
from safecheck.rewrite.verdicts import Verdicts
from safecheck.rulebook.load import profile

TARGETS = ("trt-8.6", "trt-10")
PARTS = 8


def stored(raw: bytes) -> onnx.ModelProto | None:
    """The model with its inputs as initializers; None where one has no fixed shape."""
    model = onnx.ModelProto.FromString(raw)
    for value in model.graph.input:
        type_ = value.type.tensor_type
        dims = [dim.dim_value for dim in type_.shape.dim]
        unknown = type_.elem_type in (TensorProto.UNDEFINED, TensorProto.STRING) or not type_.HasField("shape")
        if unknown or 0 in dims or np.prod(dims, initial=1) > 1 << 20:
            return None
        array = np.ones(dims, helper.tensor_dtype_to_np_dtype(type_.elem_type))
        model.graph.initializer.append(numpy_helper.from_array(array, value.name))
    del model.graph.input[:]
    return model


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("target", TARGETS)
def test_what_is_constant_is_no_fault(target: str, part: int) -> None:
    raws = sorted({case.proto().SerializeToString() for case in cases(target)})[part::PARTS]
    asked = 0
    for raw in raws:
        model = stored(raw)
        if model is None:
            continue
        try:
            graph = MutableGraph(model)
            normalise(graph, frozenset({"fold-constants"}))
            steps = rewrite_all(graph, Verdicts(graph, profile("tensorrt-8.6-restricted")), (), proving=False)
        except SafecheckError:  # ONNX forbids some of them
            continue
        asked += 1
        assert [step.reason for step in steps if FAILED in step.reason] == [], onnx.printer.to_text(model)[:2000]
    assert asked > len(raws) // 3
