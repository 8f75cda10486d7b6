"""Every spelling of a rotation that PyTorch's two exporters write ends compliant, with the same bits.

The files hold `y = x * rotate(x)`; `legacy` is the TorchScript exporter, `dynamo` the torch.export one, then the opset.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from safecheck.rewrite.proof.runtime import Session
from safecheck.rulebook.load import profile
from safecheck.usecases.fix import Request, fix

DATA = Path(__file__).parents[1] / "corpus" / "data"
# `rotations` holds a catalogue of spellings, `spellings` more of them: rolls along two axes, windows, loops, scatters.
ARCHIVES = {
    name: archive
    for archive in ("rotations", "spellings")
    for name in zipfile.ZipFile(DATA / f"{archive}.zip").namelist()
}
# Data movement, but through types, or through interpolation, which becomes a sum.
REFUSED = sorted(name for name in ARCHIVES if name.startswith("half"))
INTERPOLATED = sorted(name for name in ARCHIVES if name.startswith("grid_bilinear"))
FILES = sorted(set(ARCHIVES) - set(REFUSED) - set(INTERPOLATED))
# PyTorch writes Transpose(perm=[0, -1, 1, 2]) there, which is no ONNX; onnxruntime runs the repaired file only.
INVALID = "cyc_moveaxis_back__legacy9.onnx"


def unpacked(name: str, folder: Path) -> Path:
    with zipfile.ZipFile(DATA / f"{ARCHIVES[name]}.zip") as archive:
        return Path(archive.extract(name, folder))


def run(model: bytes, feed: Any) -> Any:
    session = Session(model)
    return session.run({session._session.get_inputs()[0].name: feed})[0]


def with_batch(model: Any, batch: int) -> Any:
    for dim in model.graph.input[0].type.tensor_type.shape.dim:
        if dim.dim_param:
            dim.dim_value = batch
    return model


RESTRICTED, SCOPE_10 = "tensorrt-8.6-restricted", "tensorrt-10-safety"
TASKS = [
    pytest.param(target, name, marks=[] if position % step == 0 else [pytest.mark.slow])
    for target, step in ((RESTRICTED, 6), (SCOPE_10, 16))
    for position, name in enumerate(FILES)
]


@pytest.mark.parametrize(("target", "name"), TASKS)
def test_every_spelling_becomes_compliant_bit_for_bit(name: str, target: str, tmp_path: Path) -> None:
    source, result = unpacked(name, tmp_path), tmp_path / "fixed.onnx"
    # With a traced batch of 1 in constants, most of the dynamic files work for a batch of 1 only.
    fixed = fix(str(source), str(result), profile(target), Request(batch=1))
    assert str(fixed.after.verdict) == "compliant", [(left.finding.rule, left.reason) for left in fixed.left]
    model = onnx.load(result)
    onnx.checker.check_model(model, full_check=True)
    shape = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    feed = np.random.default_rng(3).standard_normal(shape).astype(np.float32)
    if name == INVALID:
        expected = feed * feed.transpose(0, 3, 1, 2)
    else:
        expected = run(with_batch(onnx.load(source), 1).SerializeToString(), feed)
    actual = run(result.read_bytes(), feed)
    assert np.array_equal(expected.view(np.uint32), actual.view(np.uint32))


@pytest.mark.parametrize("name", FILES[::36])
def test_a_second_fix_changes_nothing(name: str, tmp_path: Path) -> None:
    source, first, second = unpacked(name, tmp_path), tmp_path / "first.onnx", tmp_path / "second.onnx"
    target = profile("tensorrt-8.6-restricted")
    fix(str(source), str(first), target, Request(batch=1))
    again = fix(str(first), str(second), target, Request())
    assert not again.applied
    assert first.read_bytes() == second.read_bytes()


def test_the_input_is_never_touched(tmp_path: Path) -> None:
    source = unpacked(FILES[0], tmp_path)
    before = source.read_bytes()
    fix(str(source), str(tmp_path / "fixed.onnx"), profile("tensorrt-8.6-restricted"), Request())
    assert source.read_bytes() == before


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_left_has_a_reason(name: str, tmp_path: Path) -> None:
    fixed = fix(str(unpacked(name, tmp_path)), None, profile("tensorrt-8.6-restricted"), Request())
    assert str(fixed.after.verdict) == "inconclusive"
    assert {left.finding.location.op_type for left in fixed.left} == {"Cast"}
    assert all(left.reason for left in fixed.left)


@pytest.mark.parametrize("name", INTERPOLATED)
def test_interpolation_at_fixed_points_is_a_convolution(name: str, tmp_path: Path) -> None:
    fixed = fix(str(unpacked(name, tmp_path)), None, profile("tensorrt-8.6-restricted"), Request())
    assert str(fixed.after.verdict) == "compliant"
    assert fixed.whole is not None
    assert fixed.whole.total.max_rel <= 1e-6
