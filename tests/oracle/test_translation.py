"""The vendor's own networks beside their files; skipped where the extra `oracle` is not installed."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from case_files import model_from_text
from translation import Describer, compared, result
from translation_models import variants

from safecheck.errors import UsageError
from safecheck.nvidia.scope_check.ask import require
from safecheck.nvidia.translation.network import Network, read


@pytest.fixture(scope="module")
def describer() -> Iterator[Describer]:
    try:
        require()
    except UsageError as reason:
        pytest.skip(str(reason))
    made = Describer()
    yield made
    made.close()


def text(body: str, opset: int = 17, **weights: str) -> onnx.ModelProto:
    """A model of nodes on `float[1,6,5,5] x`; weights are random."""
    model = model_from_text(f"(float[1,6,5,5] x) => (float[?] y) {{ {body} }}".replace("[?]", "[N]"), opset, weights)
    made = onnx.load_model_from_string(model.SerializeToString())
    made.graph.output[0].type.tensor_type.ClearField("shape")
    return onnx.shape_inference.infer_shapes(filled(made))


def filled(made: onnx.ModelProto) -> onnx.ModelProto:
    """With other weights than zeros."""
    rng = np.random.default_rng(3)
    for weight in made.graph.initializer:
        value = onnx.numpy_helper.to_array(weight)
        if value.dtype == np.float32:
            drawn = rng.uniform(0.5, 1.5, value.shape).astype(np.float32)
            weight.CopyFrom(onnx.numpy_helper.from_array(drawn, weight.name))
    return made


def layout() -> onnx.ModelProto:
    """A recurrent operator with the batch first."""
    head = "(float[2,3,5] x) => (float[2,3,1,3] y) "
    body = "{ y = GRU<hidden_size=3, layout=1>(x, w, r) }"
    weights = {"w": "float[1,9,5]", "r": "float[1,9,3]"}
    return filled(onnx.load_model_from_string(model_from_text(head + body, 14, weights).SerializeToString()))


CONV = "y = Conv<pads=[1,0,1,0], strides=[2,1], dilations=[1,2]>(x, w, b)"
# --- what must be found -----------------------------------------------------------------------------------------------

MISREAD = [
    ("one group", text("y = GroupNormalization<num_groups=1>(x, s, s)", 21, s="float[6]"), "NORMALIZATION axes=0b1100"),
    ("one group, opset 18", text("y = GroupNormalization<num_groups=1>(x, s, s)", 18, s="float[1]"), "axes=0b1100"),
    (
        "a window in the padding",
        text("y = MaxPool<kernel_shape=[1,1], strides=[3,3], ceil_mode=1, pads=[0,0,1,1]>(x)"),
        "",
    ),
    ("Selu", text("y = Selu(x)"), "alpha=1.673200"),
    ("the overflow", text("y = ReduceLogSumExp<axes=[1]>(x)"), "UNARY op=LOG"),
    ("the upper triangle", text("y = Trilu(x)"), "SELECT"),
    ("a composite reduction of no axes", text("y = ReduceSumSquare<noop_with_empty_axes=1>(x)", 18), "IDENTITY"),
    (
        "bounds that cross",
        text("lo = Constant<value=float {2}>() hi = Constant<value=float {1}>() y = Clip(x, lo, hi)"),
        "CLIP",
    ),
    ("the layout", layout(), ""),
]


@pytest.mark.parametrize(("name", "model", "layer"), MISREAD, ids=[name for name, *_ in MISREAD])
def test_a_misreading_is_found(name: str, model: onnx.ModelProto, layer: str, describer: Describer) -> None:
    found = compared(describer, model.SerializeToString())
    assert found.status == "different", found
    assert layer in found.differences[0][-1]


READ_RIGHT = [
    text("y = GroupNormalization<num_groups=2>(x, s, s)", 21, s="float[6]"),
    text("y = MaxPool<kernel_shape=[2,2], strides=[2,2], ceil_mode=1>(x)"),
    text("y = LogSoftmax<axis=1>(x)"),
    text("y = Trilu<upper=1>(x)"),
    text("y = Gelu(x)", 20),
    text(CONV, w="float[4,6,3,2]", b="float[4]"),
    text('y = Resize<mode="linear">(x, , sc)', sc="float[4]"),
]


@pytest.mark.parametrize("number", range(len(READ_RIGHT)))
def test_what_is_read_right_is_the_same(number: int, describer: Describer) -> None:
    model = READ_RIGHT[number]
    for weight in model.graph.initializer:
        if weight.name == "sc":
            weight.CopyFrom(onnx.numpy_helper.from_array(np.float32([1, 1, 2, 2]), "sc"))
    found = compared(describer, model.SerializeToString())
    assert (found.status, found.reason) == ("same", ""), found


def test_random_operators_are_compared(describer: Describer) -> None:
    """Nothing of them all is left out for a fault of ours: a layer without a meaning, or one that fails."""
    left = []
    for name, content in variants(3, first=1000):
        found = compared(describer, content)
        left += [(name, kind, why) for kind, why in found.missing if "is open" not in why and "documented" not in why]
    assert left == []


# --- every parameter counts -------------------------------------------------------------------------------------------

# A model, and what the meanings of its layers do not hang on in it.
MUTATED = [
    (text(CONV, w="float[4,6,3,2]", b="float[4]"), ""),
    (text("y = ConvTranspose<pads=[1,0,0,1], strides=[2,2]>(x, w)", w="float[6,2,3,2]"), ""),
    (text("y = MaxPool<kernel_shape=[3,2], strides=[2,2], pads=[1,0,0,1]>(x)"), "average_count_excludes_padding"),
    (text("y = AveragePool<kernel_shape=[3,2], strides=[2,1], pads=[1,0,1,1]>(x)"), ""),
    (text("y = ReduceMean<axes=[1], keepdims=0>(x)"), ""),
    (text("y = Softmax<axis=1>(x)"), "first_transpose second_transpose"),
    (text("y = LeakyRelu<alpha=0.3>(x)"), "beta"),
    (text("y = HardSigmoid<alpha=0.3, beta=0.4>(x)"), ""),
    (text("s = Mul(x, x) y = Sqrt(s)"), ""),
    (text("y = LRN<size=3, alpha=0.5, beta=0.6, bias=2.0>(x)"), ""),
    (text("y = InstanceNormalization<epsilon=0.5>(x, s, s)", s="float[6]"), "is_v2"),
    (text("y = GroupNormalization<num_groups=2>(x, s, s)", 21, s="float[6]"), ""),
    (text("y = Transpose<perm=[0,2,1,3]>(x)"), ""),
    (text("a = Constant<value_int=1>() y = CumSum<exclusive=1>(x, a)"), ""),
    (text("y = Gather<axis=2>(x, i)", i="int64[2]"), ""),
    (text("a = Constant<value_ints=[1]>() e = Constant<value_ints=[4]>() y = Slice(x, a, e, a)"), "weights axes op"),
    (text("y = Concat<axis=1>(x, x)"), ""),
    (text('y = Resize<mode="linear">(x, , , z)', z="int64[4]"), ""),
]
# What a layer has and its meaning never hangs on, or not in a way that a change of one shows.
UNREAD = {
    "blend_factor", "compute_precision", "cubic_coeff", "exclude_outside", "nearest_rounding", "num_elementwise_dims",
    "num_output_maps", "padding_mode", "padding_nd", "selector_for_single_pixel", "to_type", "zero_is_placeholder",
}  # fmt: skip
OTHER = {
    "AVG": "MAX", "SUM": "MAX", "PROD": "SUM", "MAX": "AVERAGE", "AVERAGE": "MAX", "SQRT": "EXP", "LEAKY_RELU": "ELU",
    "HARD_SIGMOID": "SCALED_TANH", "LINEAR": "NEAREST", "HALF_PIXEL": "ASYMMETRIC", "DEFAULT": "ELEMENT",
    "STRICT_BOUNDS": None, "MIN": "MAX", "SUB": "SUM",
}  # fmt: skip


def others(name: str, value: Any) -> list[Any]:
    """Other values of a parameter."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, np.ndarray):
        return [value + 1] if value.size else []
    if isinstance(value, str):
        return [OTHER[value]] if OTHER[value] else []
    if isinstance(value, list) and "transpose" in name:
        return [[value[1], value[0], *value[2:]]]
    if isinstance(value, list):
        return [[*value[:at], value[at] + more, *value[at + 1 :]] for at in range(len(value)) for more in (1, 2)]
    return [] if value is None or isinstance(value, dict) else [value * 2 if name == "axes" else value + 1]


@pytest.mark.parametrize("number", range(len(MUTATED)))
def test_a_changed_parameter_is_never_the_same(number: int, describer: Describer) -> None:
    model, ignored = MUTATED[number]
    for weight in model.graph.initializer:
        if weight.name == "z":
            weight.CopyFrom(onnx.numpy_helper.from_array(np.int64([1, 6, 10, 7]), "z"))
    assert describer.describe(model.SerializeToString()) == "described"
    network = read(Path(describer.description).read_bytes())
    assert result(model, network).status == "same"
    tried = 0
    for at, layer in enumerate(network.layers):
        for name in layer.parameters.keys() - UNREAD - set(ignored.split()):
            found = [_with(model, network, at, name, other) for other in others(name, layer[name])]
            assert not found or set(found) != {"same"}, (str(layer), name)
            tried += len(found)
    assert tried


def _with(model: onnx.ModelProto, network: Network, at: int, name: str, value: Any) -> str:
    """What comes of the network with one parameter of one layer changed."""
    layer = network.layers[at]
    mutant = replace(layer, parameters={**layer.parameters, name: value})
    layers = (*network.layers[:at], mutant, *network.layers[at + 1 :])
    return result(model, Network(network.inputs, network.outputs, layers)).status


# --- the command ------------------------------------------------------------------------------------------------------


@functools.cache
def _confirmed(path: Path) -> tuple[int, Any]:
    argv = [sys.executable, "-m", "safecheck", "audit", str(path), "--no-cache", "--confirm", "--output", "json"]
    done = subprocess.run([*argv, "--profile", "tensorrt-10-safety"], capture_output=True, timeout=300)
    return done.returncode, json.loads(done.stdout)["confirmation"]


def test_a_misreading_makes_a_confirmed_audit_non_compliant(tmp_path: Path, describer: Describer) -> None:
    del describer
    path = tmp_path / "m.onnx"
    path.write_bytes(text("[n] y = ReduceLogSumExp<axes=[1]>(x)").SerializeToString())
    code, confirmation = _confirmed(path)
    found = confirmation["translation"]
    assert (code, confirmation["in_scope"], found["status"]) == (1, True, "different")
    (one,) = found["differences"]
    assert (one["location"]["node"], one["network"].split()[0], one["sample"]) == ("n", "inf", "large")


def test_a_network_with_a_dynamic_batch_is_compared_as_well(tmp_path: Path, describer: Describer) -> None:
    del describer
    path = tmp_path / "m.onnx"
    path.write_bytes(model_from_text("(float[N,4,8,8] x) => (float[N,4,8,8] y) { y = Relu(x) }").SerializeToString())
    code, confirmation = _confirmed(path)
    assert (code, confirmation["checked"], confirmation["translation"]["status"]) == (3, False, "same")


def test_what_the_parser_refuses_is_non_compliant(tmp_path: Path, describer: Describer) -> None:
    del describer
    path = tmp_path / "m.onnx"
    path.write_bytes(model_from_text("(float[4,4] x) => (float[] y) { y = Det(x) }").SerializeToString())
    code, confirmation = _confirmed(path)
    assert (code, confirmation["parsed"], confirmation["translation"]) == (1, False, None)
