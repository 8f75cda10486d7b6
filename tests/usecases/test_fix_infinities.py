"""Infinities that a network makes itself: no rewrite turns them into NaN, and only what they spoil is left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from agreement_of_models import disagreement
from mended import model

from safecheck.rewrite.driver import Step
from safecheck.rewrite.finite import extent_of
from safecheck.rewrite.graph import MutableGraph
from safecheck.rulebook.load import profile
from safecheck.usecases.fix import Fixed, Request, fix

INF = np.float32(np.inf)


def fixed(proto: onnx.ModelProto, folder: Path) -> tuple[Fixed, onnx.ModelProto]:
    """What became of a model; the result computes the same, infinities and NaN included."""
    before, after = folder / "before.onnx", folder / "after.onnx"
    onnx.save(proto, before)
    found = fix(str(before), str(after), profile("tensorrt-8.6-restricted"), Request())
    assert disagreement(before.read_bytes(), after.read_bytes(), seeds=8) == ""
    return found, onnx.load(after)


def extent(body: str, weights: dict[str, Any] | None = None) -> Any:
    graph = MutableGraph(model(f"g (float[1,4,4,4] x, int64[1] n) => (float[1,4,4,4] y) {{ {body} }}", weights))
    return extent_of(graph, "y")


MASKS = {"k": np.array([0, 1, 2, 3]), "z": np.float32(0), "q": -INF, "two": np.float32(2), "low": np.float32(-3.4e38)}


@pytest.mark.parametrize(
    ("body", "inf", "nan"),
    [
        ("y = Relu (x)", False, False),
        ("y = Mul (x, two)", False, False),
        ("c = Less (k, n) y = Where (c, x, q)", True, False),
        ("c = Less (k, n) y = Where (c, x, low)", True, False),
        ("c = Less (k, n) y = Where (c, x, two)", False, False),
        ("c = Less (k, n) b = Where (c, z, q) s = Add (x, b) y = Softmax <axis = 3> (s)", False, True),
        ("c = Less (k, n) b = Where (c, z, q) y = Mul (x, b)", True, True),
        ("c = Less (k, n) b = Where (c, z, q) y = Sigmoid (b)", False, False),
        ("y = Log (x)", True, True),
        ("a = Abs (x) y = Log (a)", True, False),
        ("a = Abs (x) b = Add (a, two) y = Log (b)", False, False),
        ("y = Div (two, x)", True, False),
        ("y = Div (x, two)", False, False),
        ("a = Mul (x, x) b = Add (a, two) r = Sqrt (b) y = Div (x, r)", False, False),
        ("y = Sqrt (x)", False, True),
        ("a = Relu (x) b = MatMul (a, a) c = Add (b, two) y = Div (x, c)", False, False),
        ("a = Relu (x) b = MatMul (a, x) c = Add (b, two) y = Div (x, c)", True, True),
        ("y = Exp (x)", True, False),
        ("a = Relu (x) b = Neg (a) y = Exp (b)", False, False),
        ("m = ReduceMax <axes = [3]> (x) d = Sub (x, m) e = Exp (d) s = ReduceSum (e) y = Div (e, s)", False, False),
        ("m = ReduceMax <axes = [3], keepdims = 0> (x) d = Sub (x, m) y = Exp (d)", True, False),
        ("y = Clip (x, z, two)", False, False),
        ("c = Less (k, n) b = Where (c, x, q) y = Clip (b, z, two)", False, False),
        ("a = Softmax <axis = 3> (x) y = Log (a)", True, False),
        ("r = Sqrt (x) c = IsNaN (r) y = Where (c, z, r)", False, False),
        ("p = Constant <value = float {-1.5}> () y = Pow (x, p)", True, True),
        ("s = Shape (x) f = ConstantOfShape <value = float[1] {-inf}> (s) y = Max (x, f)", False, False),
        ("s = Shape (x) f = ConstantOfShape <value = float[1] {-inf}> (s) y = Add (x, f)", True, False),
    ],
)  # fmt: skip
def test_what_can_be_infinite_or_nan_for_finite_inputs(body: str, inf: bool, nan: bool) -> None:
    """The reasons are those of IEEE 754: 0 / 0 and inf - inf are NaN, 1 / 0 and exp(100) in FP32 are infinite."""
    body = body.replace("s = ReduceSum (e)", "s = ReduceSum (e, axes)")
    weights = {name: array for name, array in {**MASKS, "axes": np.array([3])}.items() if name in body}
    found = extent(body, weights)
    assert (found.inf, found.nan) == (inf, nan)


def masked(guard: str) -> onnx.ModelProto:
    """Rows of an attention of which nothing is left where n is 0."""
    return model(
        f"""g (float[1,1,4,4] x, int64[1] n) => (float[1,1,4,4] y) {{
            c = Less (k, n)
            b = Where (c, z, q)
            s = Add (x, b)
            m = ReduceMax <axes = [3]> (s)
            {guard}
        }}""",
        {"k": np.arange(4), "z": np.float32(0), "q": -INF},
    )


@pytest.mark.parametrize(
    "guard",
    [
        "e = Equal (m, q) p = Softmax <axis = 3> (s) y = Where (e, z, p)",
        "p = Softmax <axis = 3> (s) e = IsNaN (p) y = Where (e, z, p)",
        "d = Sub (s, m) p = Exp (d) e = IsNaN (p) y = Where (e, z, p)",
    ],
)
def test_a_row_that_is_masked_out_stays_what_it_was(guard: str, tmp_path: Path) -> None:
    fixed(masked(guard), tmp_path)


def refusals(found: Fixed, name: str) -> list[Step]:
    return [step for step in found.steps if not step.applied and step.name == name]


def test_the_reason_names_the_value_that_is_not_finite(tmp_path: Path) -> None:
    found, _ = fixed(masked("y = Add (m, x)"), tmp_path)
    reasons = [left.reason for left in found.left]
    assert all(reasons)
    assert any("can be infinite" in reason for reason in reasons)


def test_one_culprit_costs_only_itself(tmp_path: Path) -> None:
    """A large finite mask, and a maximum against it: relu(b - a) + a loses b where a is -1e8, so that one is left."""
    proto = model(
        """g (float[1,4,8,8] x) => (float[1,4,8,8] y, float[1,4,1,1] v) {
            b = Mul (x, w)
            h = Add (x, mask)
            y = Max (h, x)
            l = LeakyRelu <alpha = 0.3> (b)
            v = ReduceMean <axes = [2, 3]> (l)
        }""",
        {
            "w": np.arange(1, 5, dtype=np.float32).reshape(4, 1, 1),
            "mask": np.where(np.arange(8) % 2, np.float32(-1e8), np.float32(0)),
        },
    )
    found, after = fixed(proto, tmp_path)
    applied = {step.name for step in found.applied}
    assert {"clamp-to-relu", "fold-affine-into-convolution", "reduce-mean-to-average-pool"} <= applied
    assert "Max" in [node.op_type for node in after.graph.node]
    assert "LeakyRelu" not in [node.op_type for node in after.graph.node]
    (left,) = [left for left in found.left if left.finding.location.op_type == "Max"]
    assert "left out, because with it output y" in left.reason
    assert found.whole is not None
    assert found.whole.holds


def test_the_whole_is_judged_by_channel(tmp_path: Path) -> None:
    """Scores beside pixel coordinates: what is small beside the coordinates is large for a score."""
    proto = model(
        """g (float[1,4,8,8] x) => (float[1,8,8,8] y) {
            s = Sigmoid (x)
            h = Add (x, mask)
            m = Max (h, s)
            k = Mul (x, scale)
            y = Concat <axis = 1> (m, k)
        }""",
        {"mask": np.full((8,), -5e4, np.float32), "scale": np.float32(1e4)},
    )
    found, _ = fixed(proto, tmp_path)
    assert found.whole is not None
    assert found.whole.total.max_rel < 1e-4


LINEAR = """g (float[1,2,16,4] q, float[1,2,16,4] k, float[1,2,16,4] v) => (float[1,2,16,4] y) {
    rq = Relu (q) rk = Relu (k)
    one = Pad (v, pads, unit)
    turned = Transpose <perm = [0, 1, 3, 2]> (rk)
    sums = MatMul (turned, one) both = MatMul (rq, sums)
    above = Slice (both, zero, last, axis) below = Slice (both, last, end, axis)
    guarded = Add (below, eps) y = Div (above, guarded)
}"""
LINEAR_WEIGHTS = {
    "pads": np.array([0, 0, 0, 0, 0, 0, 0, 1]), "unit": np.float32(1), "zero": np.array([0]), "last": np.array([-1]),
    "end": np.array([2**63 - 1]), "axis": np.array([-1]), "eps": np.float32(1e-15),
}  # fmt: skip


def test_the_sum_of_weights_beside_what_they_weigh_is_never_negative() -> None:
    """Attention without a softmax: the values get a column of ones, whose product is what is divided by."""
    graph = MutableGraph(model(LINEAR, LINEAR_WEIGHTS))
    assert extent_of(graph, "below").low == 0
    assert extent_of(graph, "above").low == -np.inf
    found = extent_of(graph, "guarded")
    assert found.low == pytest.approx(1e-15)
    assert not extent_of(graph, "y").odd


@pytest.mark.parametrize("changed", [{"unit": np.float32(-1)}, {"last": np.array([-2])}])
def test_other_columns_can_be_negative(changed: dict[str, Any]) -> None:
    graph = MutableGraph(model(LINEAR, {**LINEAR_WEIGHTS, **changed}))
    assert extent_of(graph, "below").low == -np.inf


def test_attention_without_a_softmax_ends_compliant(tmp_path: Path) -> None:
    """The sums of small samples are beyond the range that is assumed of divisors of any sign."""
    onnx.save(model(LINEAR, LINEAR_WEIGHTS), tmp_path / "before.onnx")
    target = profile("tensorrt-8.6-restricted")
    found = fix(str(tmp_path / "before.onnx"), str(tmp_path / "after.onnx"), target, Request())
    assert found.whole is not None
    assert str(found.after.verdict) == "compliant", [left.reason for left in found.left]
