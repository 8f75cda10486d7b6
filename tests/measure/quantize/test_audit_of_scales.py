"""One scale per channel: the parser wants each of them positive, so the audit has to read them all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from safecheck.finding import Verdict
from safecheck.rulebook.load import profile
from safecheck.usecases.audit import audit_model


def verdicts(path: Path, scales: np.ndarray, raw: bool) -> set[Verdict]:
    scale = numpy_helper.from_array(scales, "scale")
    if not raw:
        scale = helper.make_tensor("scale", 1, scales.shape, scales)
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"], axis=1),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["y"], axis=1),
    ]
    shape = [1, len(scales), 2, 2]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", 1, shape)], [helper.make_tensor_value_info("y", 1, shape)],
        [scale, numpy_helper.from_array(np.zeros(len(scales), np.int8), "zero")],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    audit = audit_model(str(path), profile("tensorrt-10-safety")).audit
    assert audit is not None
    return {node.verdict for node in audit.nodes}


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("channels", [16, 17, 1024])
def test_scales_of_every_channel_are_read(channels: int, raw: bool, tmp_path: Path) -> None:
    scales = np.linspace(0.01, 1, channels, dtype=np.float32)
    assert verdicts(tmp_path / "m.onnx", scales, raw) == {Verdict.ALLOWED}
    scales[-1] = 0
    assert verdicts(tmp_path / "m.onnx", scales, raw) == {Verdict.FORBIDDEN}


def test_more_than_are_read_are_unproven(tmp_path: Path) -> None:
    assert verdicts(tmp_path / "m.onnx", np.ones(1025, np.float32), True) == {Verdict.UNPROVEN}
