"""Following the elements of shapes must not drown in them."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from case_files import model_from_text
from onnx import TensorProto, helper

from safecheck.ir.shape_inference.value_propagation import may_follow_elements


def doubled(count: int, shape: list[int]) -> onnx.ModelProto:
    """`count` concatenations of a value with itself."""
    nodes = [helper.make_node("Concat", [f"v{n}"] * 2, [f"v{n + 1}"], axis=0) for n in range(count)]
    inputs = [helper.make_tensor_value_info("v0", TensorProto.FLOAT, shape)]
    outputs = [helper.make_tensor_value_info(f"v{count}", TensorProto.FLOAT, None)]
    model = helper.make_model(
        helper.make_graph(nodes, "g", inputs, outputs), opset_imports=[helper.make_opsetid("", 17)]
    )
    model.ir_version = 8
    return model


@pytest.mark.parametrize(
    ("model", "may"),
    [
        (doubled(10, [1]), True),
        (doubled(40, [1]), False),
        (doubled(1, [200_000]), False),
        (doubled(40, [1, 1]), True),
        (model_from_text("(float[N] x, float[2] z) => (y) { y = Concat<axis = 0>(x, z) }"), False),
        (model_from_text("(float[1,3,4,4] x) => (y) { y = Concat<axis = 1>(x, x) }"), True),
        (
            model_from_text("(float[1,3] x) => (y) { s = Shape(x) t = Concat<axis = 0>(s, s) y = Cast<to = 1>(t) }"),
            True,
        ),
    ],
    ids=["small", "forty doublings", "one long vector", "matrices", "unknown length", "channels", "shapes"],
)
def test_vectors_are_measured_before_their_elements_are_followed(model: onnx.ModelProto, may: bool) -> None:
    assert may_follow_elements(model) is may


def test_an_audit_of_forty_doublings_stays_small(tmp_path: Path) -> None:
    onnx.save(doubled(40, [1]), tmp_path / "model.onnx")
    done = subprocess.run(
        [sys.executable, "-m", "safecheck", "audit", "model.onnx"],
        cwd=tmp_path, capture_output=True, text=True, timeout=600,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30)),
    )  # fmt: skip
    assert done.returncode in (1, 3), done.stderr
    assert "40 = " in done.stdout
