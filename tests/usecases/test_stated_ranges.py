"""The checker of random networks reads the ranges of a report, and asks the original whether its values are within."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from agreement_of_models import disagreement
from stated_ranges import Stated, Within, stated

from safecheck.rulebook.load import profile
from safecheck.usecases.fix import Request, fix


def model(nodes: str, shape: str = "1,4,2,2", header: str = '<ir_version: 8, opset_import: ["" : 18]>') -> bytes:
    text = f"""{header}
    g (float[{shape}] x) => (float[{shape}] y) <float large = {{1e7}}, float one = {{1}}, float two = {{2}},
    float[4] scales = {{1, 1, 1, 1}}, float[2] pair = {{1, 1}}> {{ {nodes} }}"""
    content: bytes = onnx.parser.parse_model(text).SerializeToString()
    return content


@pytest.mark.parametrize(
    ("nodes", "words", "kind", "low", "high", "value", "outside"),
    [
        ("y = Sqrt (x)", "the argument", "Sqrt", 0, 100, 99, 101),
        ("a = Mul (x, two) y = Sqrt (a)", "the argument", "Sqrt", 0, 100, 49, 51),
        ("a = Mul (x, two) y = Div (one, a)", "the divisor", "Div", 0.1, 100, 0.06, 0.04),
        ("a = Neg (x) y = Div (one, a)", "the magnitude of the divisor", "Div", 0.1, 10, 0.2, 0.05),
        ("a = Sqrt (x) y = Div (one, a)", "the argument", "Div", 4, 100, 5, 3),
        ("y = Reciprocal (x)", "the magnitude of the argument", "Reciprocal", 0.1, 10, -0.2, -0.05),
        ("y = Clip (x, one, two)", "what is clipped", "Clip", -8, 8, 7, 9),
        ("y = Softmax <axis = 1> (x)", "entries before they are normalised", "Softmax", -8, 8, -7, 9),
        ("y = Softmax <axis = 1> (x)", "entries before they are normalised", "Softmax", -8, 8, -1e38, 9),
        ("y = LogSoftmax (x)", "entries before their logarithms are summed", "LogSoftmax", -8, 8, 7, -9),
        ("y = ReduceL2 <keepdims = 1> (x, none)", "the argument", "Sqrt", 0, 100, 2, 3),
    ],
)
def test_arguments_of_the_original_are_looked_at(
    nodes: str, words: str, kind: str, low: float, high: float, value: float, outside: float
) -> None:
    """Sixteen times 2^2 is 64 and sixteen times 3^2 is 144, of which the norm is the root."""
    content = model(nodes.replace(", none", ""))
    within = Within(content, [Stated(words, low, high, ("Reshape", kind))])
    assert within.unknown == []
    for number, expected in ((value, True), (outside, False)):
        feed = {"x": np.full((1, 4, 2, 2), number, np.float32)}
        assert within(feed) is expected
        feed["x"].flat[3] = 40 if "ReduceL2" in nodes else outside
        assert within(feed) is False


def test_the_variance_of_every_group_counts() -> None:
    content = model("y = GroupNormalization <num_groups = 2, epsilon = 1.0> (x, pair, pair)")
    within = Within(content, [Stated("variance + epsilon", 1.0 - 1e-3, 5, ("GroupNormalization",))])
    data = np.zeros((1, 4, 2, 2), np.float32)
    data[:, 2] = 2  # with the zeros of channel 3 a variance of 1, and one of 2 with epsilon
    assert within({"x": data})
    data[:, 2] = 6  # a variance of 9
    assert not within({"x": data})


def test_values_inside_of_functions_are_seen() -> None:
    text = """<ir_version: 8, opset_import: ["" : 18, "local" : 1]>
    g (float[2] x) => (float[2] y) { y = local.f (x) }
    <opset_import: ["" : 18], domain: "local"> f (a) => (b) { c = Neg (a) b = Sqrt (c) }"""
    within = Within(onnx.parser.parse_model(text).SerializeToString(), [Stated("the argument", 0, 4, ("Sqrt",))])
    assert within({"x": np.array([-1, -3], np.float32)})
    assert not within({"x": np.array([-1, -5], np.float32)})


def test_what_is_not_understood_is_never_within() -> None:
    within = Within(model("y = Sqrt (x)"), [Stated("something new", 0, 1, ("Novelty",))])
    assert [one.words for one in within.unknown] == ["something new"]
    assert within({"x": np.ones((1, 4, 2, 2), np.float32)}) is False


def _fixed(content: bytes, folder: Path) -> tuple[bytes, Any]:
    (folder / "in.onnx").write_bytes(content)
    fixed = fix(str(folder / "in.onnx"), str(folder / "out.onnx"), profile("tensorrt-8.6-restricted"), Request())
    return (folder / "out.onnx").read_bytes(), fixed.applied


def test_nothing_is_held_against_values_beyond_a_range_and_all_against_those_within(tmp_path: Path) -> None:
    """Of inputs a million times as large as usual the logarithm of 1e7 |x| + 1 is taken beyond 1e12."""
    content = model("a = Abs (x) b = Mul (a, large) c = Add (b, one) y = Log (c)")
    after, steps = _fixed(content, tmp_path)
    claimed = Within(content, stated(steps))
    assert claimed.unknown == []
    assert disagreement(content, after).endswith(" on a large sample")
    assert disagreement(content, after, claimed=claimed) == ""
    spoilt = onnx.load_from_string(after)
    for tensor in spoilt.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            values = onnx.numpy_helper.to_array(tensor) * np.float32(1.01)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    assert disagreement(content, spoilt.SerializeToString(), claimed=claimed).endswith(" on a normal sample")
