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
    return audited(path)


def audited(path: Path) -> set[Verdict]:
    audit = audit_model(str(path), profile("tensorrt-10-safety")).audit
    assert audit is not None
    return {node.verdict for node in audit.nodes}


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("channels", [16, 17, 1025, 8192])
def test_scales_of_every_channel_are_read(channels: int, raw: bool, tmp_path: Path) -> None:
    scales = np.linspace(0.01, 1, channels, dtype=np.float32)
    assert verdicts(tmp_path / "m.onnx", scales, raw) == {Verdict.ALLOWED}
    scales[-1] = 0
    assert verdicts(tmp_path / "m.onnx", scales, raw) == {Verdict.FORBIDDEN}


def test_more_than_are_read_are_unproven(tmp_path: Path) -> None:
    assert verdicts(tmp_path / "m.onnx", np.ones(8193, np.float32), True) == {Verdict.UNPROVEN}


@pytest.mark.parametrize("stored", ["external", "constant"])
def test_scales_are_read_wherever_they_are_stored(stored: str, tmp_path: Path) -> None:
    scales = np.linspace(0.01, 1, 1280, dtype=np.float32)
    path = tmp_path / "m.onnx"
    for expected in (Verdict.ALLOWED, Verdict.FORBIDDEN):
        verdicts(path, scales, True)
        model = onnx.load(path)
        path.unlink()
        if stored == "external":
            (tmp_path / "w").unlink(missing_ok=True)
            onnx.save(model, path, save_as_external_data=True, location="w", size_threshold=0)
        else:
            nodes = [
                helper.make_node("Constant", [], [tensor.name], value=tensor) for tensor in model.graph.initializer
            ]
            nodes += list(model.graph.node)
            del model.graph.initializer[:], model.graph.node[:]
            model.graph.node.extend(nodes)
            onnx.save(model, path)
        assert expected in (found := audited(path))
        assert Verdict.UNPROVEN not in found
        scales[-1] = 0
