"""What `fix` makes under the 10.x profile is inside the scope by the vendor's own check."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from agreement import filled
from mended import model
from scope_check import Ask, Scope, scope_check

from safecheck.rulebook.load import profile
from safecheck.usecases.fix import Request, fix

DATA = Path(__file__).parents[1] / "corpus" / "data"
ROTATIONS = sorted(zipfile.ZipFile(DATA / "rotations.zip").namelist())
NETWORKS = sorted(file.name for file in DATA.glob("*dynamo20.onnx.gz"))


@pytest.fixture(scope="module")
def ask() -> Ask:
    try:
        return scope_check()
    except ImportError as reason:
        pytest.skip(f"the check is not installed (extra `oracle`): {reason}")


def confirm(ask: Ask, source: Path, result: Path) -> None:
    fixed = fix(str(source), str(result), profile("tensorrt-10-safety"), Request(batch=1, whole=False))
    assert str(fixed.after.verdict) == "compliant", [(left.finding.rule, left.reason) for left in fixed.left]
    answer = ask(result.read_bytes())
    assert answer.scope is Scope.INSIDE, answer


@pytest.mark.parametrize("kind", [np.int8, np.uint8])
def test_quantised_patches(ask: Ask, kind: type, tmp_path: Path) -> None:
    text = """g (float[1,3,32,32] x) => (float[1,8,2,2] y) {
        q = QuantizeLinear (x, s, z) d = DequantizeLinear (q, s, z)
        wd = DequantizeLinear <axis = 0> (w, ws, wz) y = Conv <strides = [16, 16]> (d, wd)
    }"""
    weights = np.random.default_rng(0).integers(0, 128, (8, 3, 16, 16)).astype(kind)
    scales = np.linspace(0.01, 0.02, 8, dtype=np.float32)
    given = {"s": np.float32(0.1), "z": np.int8(0), "w": weights, "ws": scales, "wz": np.zeros(8, kind)}
    onnx.save(model(text, given), tmp_path / "model.onnx")
    confirm(ask, tmp_path / "model.onnx", tmp_path / "fixed.onnx")


def test_local_response_normalisation(ask: Ask, tmp_path: Path) -> None:
    text = "g (float[1,64,14,14] x) => (float[1,64,14,14] y) { y = LRN <size = 5> (x) }"
    onnx.save(model(text), tmp_path / "model.onnx")
    confirm(ask, tmp_path / "model.onnx", tmp_path / "fixed.onnx")


def rotation(ask: Ask, name: str, folder: Path) -> None:
    with zipfile.ZipFile(DATA / "rotations.zip") as archive:
        confirm(ask, Path(archive.extract(name, folder)), folder / "fixed.onnx")


@pytest.mark.parametrize("name", ROTATIONS[::11])
def test_some_rotations(ask: Ask, name: str, tmp_path: Path) -> None:
    rotation(ask, name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ROTATIONS)
def test_all_rotations(ask: Ask, name: str, tmp_path: Path) -> None:
    rotation(ask, name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_whole_networks(ask: Ask, name: str, tmp_path: Path) -> None:
    source = tmp_path / "model.onnx"
    source.write_bytes(filled(DATA / name))
    confirm(ask, source, tmp_path / "fixed.onnx")
