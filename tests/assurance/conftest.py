"""A folder with two models, one with weights beside it and one with an approved deviation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from case_files import model_from_text
from onnx import numpy_helper

from safecheck.cli import run

DAY = "2026-03-01"
RECORD = """\
schema: safecheck/deviations/1
deviations:
  - id: DEV-7
    rule: {rule}
    scope: {{model: "{sha256}"}}
    rationale: The mean stands in the head, which runs on the host.
    risk: The head could be moved onto the device by mistake.
    mitigation: A test of the pipeline looks for it.
    requested_by: Ann Example
    approved_by: Bob Sample
    approved_on: 2026-02-01
    expires_on: 2026-09-30
    ticket: AV-17
    max_count: 1
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: `good.onnx` with `good.bin`, and `odd.onnx` with a mean that nothing allows."""
    (tmp_path / "good.onnx").write_bytes(_with_weights().SerializeToString())
    odd = model_from_text("(float[4,8,6,6] x) => (y) { s = Sigmoid(x) y = ReduceMean(s) }", 17)
    (tmp_path / "odd.onnx").write_bytes(odd.SerializeToString())
    (tmp_path / "good.bin").write_bytes(np.linspace(-1, 1, 64, dtype=np.float32).tobytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    return tmp_path


def _with_weights() -> onnx.ModelProto:
    model = model_from_text("(float[1,8,6,6] x, float[8,8,1,1] w) => (y) { y = Conv(x, w) }", 17)
    del model.graph.input[1]
    weights = numpy_helper.from_array(np.zeros((8, 8, 1, 1), np.float32), "w")
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", "good.bin"), ("offset", "0"), ("length", "256")):
        weights.external_data.add(key=key, value=value)
    model.graph.initializer.append(weights)
    return model


@pytest.fixture
def safecheck(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command as the entry point does: exit code, standard output, standard error; never a traceback."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run(list(arguments))
        out, err = capfd.readouterr()
        assert "SC-BUG" not in err, err
        return code, out, err

    return call
