"""`examples/train_digits.py`: its pieces work, and training trains."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

for library in ("torch", "transformers", "onnxscript", "sklearn", "onnxruntime"):
    pytest.importorskip(library, reason=f"{library} is not installed")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def script() -> Any:
    sys.path.append(str(Path(__file__).parents[2] / "examples"))
    import train_digits

    return train_digits


@pytest.fixture(scope="module")
def data(script: Any) -> Any:
    return script.digits()


def test_the_digits(data: Any) -> None:
    assert data.train.shape == (1347, 3, 64, 64)
    assert data.test.shape == (450, 3, 64, 64)
    assert data.train.min() == -1
    assert data.train.max() == 1
    assert sorted(set(data.test_labels.tolist())) == list(range(10))


def test_one_model_from_training_to_the_table(script: Any, data: Any, tmp_path: Path) -> None:
    few = script.Digits(data.train[:320], data.train_labels[:320], data.test[:100], data.test_labels[:100])
    row = script.measure(script.ORDERS[0], few, 4, tmp_path)
    assert (row.parameters, row.macs, row.verdict) == (197_614, 2_892_864, "compliant")
    assert (row.forbidden, row.unproven) == (0, 0)
    assert row.fp32 > 20  # guessing gives 10
    assert abs(row.int8 - row.fp32) < 20
    quantised = (tmp_path / "csa-nano-int8.onnx").read_bytes()
    assert quantised.count(b"QuantizeLinear") > 50
    assert len(quantised) < 0.5 * (tmp_path / "csa-nano.onnx").stat().st_size
    table = script.table([row])
    assert table.count("\n") == 2
    assert f"| csa-nano | 197,614 | 2.89 | compliant | 0, 0 | {row.fp32:.2f} | {row.int8:.2f} |" in table


def test_the_loss_falls_for_every_model(script: Any, data: Any) -> None:
    few = script.Digits(data.train[:256], data.train_labels[:256], data.test, data.test_labels)
    for order in script.ORDERS:
        network = script.build(order)
        losses = script.train(network, few, 3)
        assert losses[-1] < losses[0], order.name
        assert not network.training
