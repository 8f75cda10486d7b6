"""Networks beside files: equal within the tolerance, different with both facts, or not decided with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import pytest
from case_files import model_from_text

from safecheck.nvidia.translation.compare import Comparison, compare, deviation
from safecheck.nvidia.translation.network import Array, Layer, Network, Tensor
from safecheck.nvidia.translation.original import NotRun, Original
from safecheck.nvidia.translation.samples import NAMES, samples

TEXT = "(float[2,3] x) => (float[2,3] y) { [r] a = Relu(x) [s] y = Sigmoid(a) }"
X, A, Y = (Tensor(name, "FLOAT", (2, 3)) for name in "xay")


def activation(name: str, kind: str, before: Tensor, after: Tensor) -> Layer:
    return Layer(
        "ACTIVATION", name, f"[ONNX Layer: {name}]", (before,), (after,), {"type": kind, "alpha": 0.0, "beta": 0.0}
    )


RIGHT = Network((X,), (Y,), (activation("r", "RELU", X, A), activation("s", "SIGMOID", A, Y)))


def model(text: str = TEXT, **options: Any) -> onnx.ModelProto:
    return onnx.load_model_from_string(model_from_text(text, **options).SerializeToString())


def compared(network: Network, text: str = TEXT, **options: Any) -> Comparison:
    original = Original(model(text, **options))
    return compare(original, network, samples(original.model, original.inputs))


def test_the_same() -> None:
    found = compared(RIGHT)
    assert (found.status, found.reason, found.samples) == ("same", "", list(NAMES))
    assert found.equal.keys() == {"a", "y"}


def test_the_first_wrong_layer_is_named_and_those_behind_it_are_compared_as_well() -> None:
    wrong = replace(RIGHT, layers=(activation("r", "TANH", X, A), RIGHT.layers[1]))
    found = compared(wrong)
    assert found.status == "different"
    assert found.differences.keys() == {"a"}
    one = found.differences["a"]
    assert (one.layer.name, one.sample) == ("r", "normal")
    assert " at [" in one.file
    assert found.equal.keys() == {"y"}, "what lies behind it got the file's values"


def test_a_layer_that_is_not_known_decides_nothing() -> None:
    unknown = replace(RIGHT, layers=(Layer("MOE", "r", "", (X,), (A,)), RIGHT.layers[1]))
    found = compared(unknown)
    assert (found.status, found.equal.keys()) == ("undecided", {"y"})
    assert found.reason == "MOE 'r': MOE is not known here"


def test_a_difference_beside_an_unknown_layer_is_a_difference() -> None:
    both = replace(RIGHT, layers=(Layer("MOE", "r", "", (X,), (A,)), activation("s", "TANH", A, Y)))
    assert compared(both).status == "different"


def test_an_output_that_nobody_writes_decides_nothing() -> None:
    found = compared(replace(RIGHT, outputs=(), layers=RIGHT.layers[:1]))
    assert (found.status, found.reason) == ("undecided", "the output 'y' could not be compared")


def test_another_shape_is_a_difference() -> None:
    flat = Tensor("y", "FLOAT", (6,))
    orders = {"first_transpose": list(range(8)), "second_transpose": list(range(8))}
    layer = Layer("SHUFFLE", "s", "", (X,), (flat,), {**orders, "reshape_dims": [6], "zero_is_placeholder": False})
    found = compared(Network((X,), (flat,), (layer,)), "(float[2,3] x) => (float[2,3] y) { y = Identity(x) }")
    one = found.differences["y"]
    assert (one.file, one.network, one.error) == ("shape 2x3", "shape 6", float("inf"))


def test_other_names_of_inputs_and_outputs_go_by_their_places() -> None:
    renamed = {"x": Tensor("__x", "FLOAT", (2, 3)), "y": Tensor("__y", "FLOAT", (2, 3))}
    layers = (activation("r", "RELU", renamed["x"], A), activation("s", "SIGMOID", A, renamed["y"]))
    assert compared(Network((renamed["x"],), (renamed["y"],), layers)).status == "same"
    wrong = (layers[0], activation("s", "TANH", A, renamed["y"]))
    assert compared(Network((renamed["x"],), (renamed["y"],), wrong)).status == "different"


def test_overflow_is_seen() -> None:
    text = "(float[2,3] x) => (float[] y) { y = ReduceLogSumExp<keepdims=0>(x) }"
    e, s, out = Tensor("e", "FLOAT", (2, 3)), Tensor("s", "FLOAT", ()), Tensor("y", "FLOAT", ())
    layers = (
        Layer("UNARY", "e", "", (X,), (e,), {"op": "EXP"}),
        Layer("REDUCE", "s", "", (e,), (s,), {"op": "SUM", "axes": 0b11, "keep_dims": False}),
        Layer("UNARY", "l", "", (s,), (out,), {"op": "LOG"}),
    )
    one = compared(Network((X,), (out,), layers), text).differences["y"]
    assert (one.sample, one.network) == ("large", "inf at []")


def test_an_answer_of_onnxruntime_that_the_reference_does_not_share_is_doubted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Original, "second_opinion", lambda *_: np.tanh(np.maximum(opinion["x"], 0)))
    opinion: dict[str, Array] = {}
    original = Original(model())
    network = replace(RIGHT, layers=(RIGHT.layers[0], activation("s", "TANH", A, Y)))
    name, opinion = next(samples(original.model, original.inputs))
    found = compare(original, network, [(name, opinion)])
    assert (found.status, found.doubted) == ("same", {"y"})


@pytest.mark.parametrize(
    ("file", "network", "loose", "too_far"),
    [
        ([1.0, 2.0], [1.0, 2.0], False, False),
        ([1.0, 2.0], [1.00001, 2.0], False, False),
        ([1.0, 2.0], [1.0001, 2.0], False, True),
        ([1.0, 2.0], [1.001, 2.0], True, False),
        ([1.0, np.nan], [1.0, 7.0], False, False),
        ([1.0, 7.0], [1.0, np.nan], False, True),
        ([1.0, np.inf], [1.0, np.inf], False, False),
        ([1.0, np.inf], [1.0, 1e38], False, False),
        ([1.0, np.inf], [1.0, 1.0], False, True),
        ([1.0, 7.0], [1.0, np.inf], False, True),
        ([1e-8], [-1e-8], False, False),
        ([], [], False, False),
    ],
)
def test_how_far_is_too_far(file: list[float], network: list[float], loose: bool, too_far: bool) -> None:
    assert deviation(np.float32(file), np.float32(network), loose).too_far is too_far


def test_integers_are_exact_and_half_is_not() -> None:
    big = np.int64([1 << 60])
    assert deviation(big, big + 1).too_far
    assert not deviation(np.float16([1.0]), np.float16([1.002])).too_far
    assert deviation(np.float16([1.0]), np.float16([1.02])).too_far
    assert deviation(np.float32([1.0, 2.0]), np.float32([1.0])) == (np.inf, True)


# --- the file's side --------------------------------------------------------------------------------------------------


def test_samples_are_the_same_every_time() -> None:
    original = Original(model("(float[2,3] x, int64[4] n, bool[2] b) => (float[2,3] y) { y = Identity(x) }"))
    one, other = (list(samples(original.model, original.inputs)) for _ in range(2))
    for (name, inputs), (_, same) in zip(one, other, strict=True):
        for key in inputs:
            np.testing.assert_array_equal(inputs[key], same[key], name)
    assert [name for name, _ in one] == list(NAMES)


def test_no_integer_is_divided_by_zero() -> None:
    original = Original(model("(int64[2,3] x, int64[2,3] z) => (int64[2,3] y) { y = Div(x, z) }"))
    found: list[Mapping[str, Array]] = [inputs for _, inputs in samples(original.model, original.inputs)]
    assert found
    assert all((inputs["z"] != 0).all() for inputs in found)


def test_an_input_that_is_no_number_is_not_run() -> None:
    original = Original(model("(string[2] x) => (string[2] y) { y = Identity(x) }"))
    with pytest.raises(NotRun, match="no tensor of numbers"):
        list(samples(original.model, original.inputs))


def test_bfloat16_is_run_by_the_reference() -> None:
    original = Original(model("(bfloat16[2] x) => (bfloat16[2] y) { y = Identity(x) }"))
    _, inputs = next(samples(original.model, original.inputs))
    np.testing.assert_array_equal(original.values(inputs)["y"], inputs["x"])


def test_the_cell_of_a_clipped_lstm_is_onnxruntimes_own() -> None:
    text = "(float[3,2,4] x) => (float[3,1,2,5] y) {{ y = LSTM<hidden_size=5{}>(x, w, r) }}"
    weights = {"w": "float[1,20,4]", "r": "float[1,20,5]"}
    assert Original(model(text.format(", clip=0.5"), weights=weights)).deviates("y")
    assert not Original(model(text.format(""), weights=weights)).deviates("y")
