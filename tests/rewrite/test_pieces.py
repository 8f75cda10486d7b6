"""Large models are optimised piece by piece, and compute what they compute as a whole."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from safecheck.rewrite.proof.pieces import run_optimised
from safecheck.rewrite.proof.runtime import RunError, Session

NUMBERS = np.arange(4, dtype=np.float32)
# Some nodes, and what they make of 0, 1, 2, 3: worked out by hand.
MODELS = {
    "a chain": ("a = Add(x, one) b = Mul(a, a) c = Sub(b, one) d = Relu(c) y = Neg(d)", -(NUMBERS**2 + 2 * NUMBERS)),
    "a value read by all pieces": ("a = Neg(x) b = Add(x, one) c = Mul(b, x) d = Sub(c, a) y = Add(d, x)",
                                   NUMBERS**2 + 3 * NUMBERS),
    "constants inside": ("s = Constant<value_ints = [2, 2]>() a = Add(x, one) b = Reshape(a, s) c = Transpose(b) "
                         "d = Reshape(c, s) y = Add(d, d)", np.array([[2, 6], [4, 8]], np.float32)),
    "a branch that reads from outside": (
        "a = Add(x, one) b = Neg(a) c = ReduceSum(b, ) p = Greater(c, one) "
        "y = If(p) <then_branch = t () => (float[4] r) { r = Identity(b) }, "
        "else_branch = e () => (float[4] q) { q = Add(a, b) }>", np.zeros(4)),
    "a piece that nobody needs": ("a = Add(x, one) b = Neg(x) c = Neg(b) d = Neg(c) y = Add(a, one)", NUMBERS + 2),
    "a sequence between pieces": ("a = Add(x, one) s = SequenceConstruct(a, x) n = Neg(x) "
                                  "i = Constant<value_int = 0>() y = SequenceAt(s, i)", NUMBERS + 1),
}  # fmt: skip


def written(body: str) -> onnx.ModelProto:
    graph = f"g (float[4] x) => (float y) <float one = {{1}}> {{ {body} }}"
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]>\n{graph}')
    model.graph.output[0].type.tensor_type.ClearField("shape")
    return model


class Counted(Session):
    """Notes how many nodes are optimised together."""

    sizes: list[int]

    def __init__(self, model: bytes | str, optimised: bool = False, folder: str | None = None) -> None:
        super().__init__(model, optimised, folder)
        self.sizes.append(
            len((onnx.load(model) if isinstance(model, str) else onnx.load_from_string(model)).graph.node)
        )


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    monkeypatch.setattr("safecheck.rewrite.proof.pieces.Session", Counted)
    Counted.sizes = []
    return Counted.sizes


@pytest.mark.parametrize("name", MODELS)
def test_pieces_compute_what_the_whole_computes(name: str, sizes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    body, expected = MODELS[name]
    monkeypatch.setattr("safecheck.rewrite.proof.pieces.LARGEST_PIECE", 2)
    model = written(body)
    (found,) = run_optimised(model.SerializeToString(), {"x": NUMBERS})
    np.testing.assert_array_equal(found, expected)
    assert (len(model.graph.node) in sizes) == (name == "a sequence between pieces")


def test_the_nodes_that_are_optimised_together_do_not_become_more_with_the_model(
    sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice the model is twice as many pieces of the same size: what grows with the square of a piece grows no more."""
    monkeypatch.setattr("safecheck.rewrite.proof.pieces.LARGEST_PIECE", 10)
    for length in (40, 80):
        names = ["x", *(f"v{number}" for number in range(length - 1)), "y"]
        body = " ".join(f"{names[place + 1]} = Relu({names[place]})" for place in range(length))
        sizes.clear()
        run_optimised(written(body).SerializeToString(), {"x": NUMBERS})
        assert sizes == [10] * (length // 10)


def test_weights_outside_of_the_file_are_found(
    tmp_path: Path, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("safecheck.rewrite.proof.pieces.LARGEST_PIECE", 2)
    model = written("a = Add(x, w) b = Neg(a) c = Neg(b) y = Add(c, w)")
    weights = onnx.numpy_helper.from_array(np.array([1, 2, 3, 4], np.float32), "w")
    model.graph.initializer.append(weights)
    path = tmp_path / "m.onnx"
    onnx.save(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    assert (tmp_path / "w.bin").exists()
    (found,) = run_optimised(str(path), {"x": NUMBERS})
    np.testing.assert_array_equal(found, np.array([2, 5, 8, 11], np.float32))
    assert sizes == [2, 2]


def test_what_fails_in_a_piece_fails_as_the_whole_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safecheck.rewrite.proof.pieces.LARGEST_PIECE", 2)
    model = written("a = Relu(x) b = Relu(a) s = Shape(x) c = Gather(b, far) y = Neg(c)")
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([9], np.int64), "far"))
    feed: Mapping[str, Any] = {"x": NUMBERS}
    with pytest.raises(RunError):
        run_optimised(model.SerializeToString(), feed)
