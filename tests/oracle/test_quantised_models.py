"""What `quantize` makes is what the vendor's parser reads, and its own check has nothing against the Q/DQ nodes."""

from __future__ import annotations

from pathlib import Path

import pytest
from agreement import filled
from classifiers import arrays, classifier, pictures
from scope_check import Ask, Scope, scope_check

from safecheck.measure.quantize.quantize import PRECISIONS, Request, quantize
from safecheck.rulebook.load import profile

DATA = Path(__file__).parents[1] / "corpus" / "data"
NETWORKS = sorted(file.name for file in DATA.glob("*dynamo20.onnx.gz"))


@pytest.fixture(scope="module")
def ask() -> Ask:
    try:
        return scope_check()
    except ImportError as reason:
        pytest.skip(f"the check is not installed (extra `oracle`): {reason}")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_classifier(ask: Ask, precision: str, tmp_path: Path) -> None:
    model = classifier(tmp_path / "m.onnx")
    arrays(tmp_path / "images", 3)
    request = Request(str(tmp_path / "images"), precision=precision)
    done = quantize(str(model), str(tmp_path / "q.onnx"), profile("tensorrt-10-safety"), request)
    assert str(done.after.verdict) == "compliant"
    answer = ask((tmp_path / "q.onnx").read_bytes())
    assert answer.scope is Scope.INSIDE, answer


@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", NETWORKS)
def test_whole_networks(ask: Ask, name: str, precision: str, tmp_path: Path) -> None:
    model = tmp_path / "m.onnx"
    model.write_bytes(filled(DATA / name))
    pictures(tmp_path / "images", [(256, 256)] * 2)
    request = Request(str(tmp_path / "images"), precision=precision)
    quantize(str(model), str(tmp_path / "q.onnx"), profile("tensorrt-10-safety"), request)
    before, after = ask(model.read_bytes()), ask((tmp_path / "q.onnx").read_bytes())
    assert before.scope.decided, before
    assert (after.scope, after.reasons) == (before.scope, before.reasons)
