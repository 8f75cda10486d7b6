"""What `fix` makes under the 10.x profile is inside the scope by the vendor's own check."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from agreement import filled
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
