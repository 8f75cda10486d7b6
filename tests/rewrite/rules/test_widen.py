"""Islands of low rank are lifted to four dimensions as a whole, bit for bit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mended import RESTRICTED, SAFETY_10, mended, model, normal, rewritten
from onnx.parser import parse_model

from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rules.widen import WidenToFourDimensions

WIDEN = "widen-to-four-dimensions"

BLOCK = """g (float[1,6,8] x) => (float[1,6,8] y)
<float[8] s = {1,2,3,4,5,6,7,8}, float[8] b = {1,2,3,4,5,6,7,8}, float half = {0.5}>
{
    n = LayerNormalization <axis = 2> (x, s, b)
    biased = Add (n, b)
    scaled = Mul (biased, half)
    gate = Sigmoid (scaled)
    gated = Mul (gate, scaled)
    t = Transpose <perm = [0, 2, 1]> (gated)
    p = MatMul (gated, t)
    a = Softmax (p)
    q = MatMul (a, gated)
    y = Add (q, x)
}"""


def test_a_block_on_three_dimensions_ends_on_four_with_the_same_bits() -> None:
    result = rewritten(BLOCK, WIDEN)
    before, after = result.weights
    assert result.kinds == ["exact"]
    assert result.error() == 0
    assert after.forbidden == 0 < before.forbidden
    assert after.total < before.total
    assert result.operators[0] == result.operators[-1] == "Reshape"  # inputs and outputs keep their shapes


def test_an_island_around_a_foreign_operator_keeps_the_order_of_the_graph() -> None:
    """The island is entered again behind the one-dimensional convolution, which is not lifted."""
    result = rewritten(
        """g (float[1,4,8] x) => (float[1,4,8] y) <float[4,4,1] w = {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}>
        {
            a = Sigmoid (x)
            b = Mul (a, x)
            c = Conv (b, w)
            d = Relu (c)
            e = Mul (d, b)
            f = Add (e, a)
            h = Relu (f)
            y = Mul (h, d)
        }""",
        WIDEN,
    )
    assert result.applied
    assert result.error() == 0
    assert result.operators.count("Conv") == 1


def test_leading_ones_of_five_dimensions_are_dropped() -> None:
    result = rewritten(
        """g (float[1,1,3,4,5] x) => (float[1,1,3,4,5] y) {
            a = Sigmoid (x) b = Mul (a, x) c = Relu (b) y = Add (c, b)
        }""",
        WIDEN,
    )
    assert result.error() == 0
    assert result.weights[1].total == 2 < result.weights[0].total  # the reshapes at the border


def test_a_single_node_is_left_alone_with_a_reason() -> None:
    result = rewritten("g (float[1,3,8] x) => (float[1,3,8] y) { y = Sigmoid (x) }", WIDEN)
    assert not result.applied
    assert "likes the replacement no better" in result.reasons


def test_a_thin_constant_of_a_four_dimensional_sum_gets_four_dimensions() -> None:
    result = rewritten("g (float[1,3,2,2] x) => (float[1,3,2,2] y) <float[2] b = {1, 2}> { y = Add (x, b) }", WIDEN)
    assert result.weights == ((1, 0), (0, 1))
    assert result.error() == 0
    operand = result.after.graph.node[0].input[1]
    assert [list(tensor.dims) for tensor in result.after.graph.initializer if tensor.name == operand] == [[1, 1, 1, 2]]


def test_a_profile_that_allows_low_ranks_gets_no_reshapes() -> None:
    assert not rewritten(BLOCK, WIDEN, target=SAFETY_10).steps


def test_shapes_that_are_not_fixed_are_left_alone() -> None:
    model = parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (float[1,n,8] x) => (float[1,n,8] y) { y = Relu (x) }'
    )
    graph = MutableGraph(model)
    assert WidenToFourDimensions().match(graph, graph.nodes[0]) is None


# Operators with an axis, written on rank 2 or 3 between elementwise ones that make the island worth lifting.
OPERATORS = {
    "concat": ("[2,6]", "t = Concat <axis = 1> (a, b)", "", 17),
    "concat from behind": ("[2,6]", "t = Concat <axis = -1> (a, b)", "", 17),
    "expand": ("[2,2,3]", "t = Expand (a, to)", "int64[3] to = {2, 2, 3}", 17),
    "flatten": ("[1,6]", "t = Flatten <axis = 0> (a)", "", 17),
    "gather a row": ("[3]", "i = Constant <value_int = 1> () t = Gather <axis = 0> (a, i)", "", 17),
    "gather columns": ("[2,2]", "t = Gather <axis = 1> (a, i)", "int64[2] i = {2, 0}", 17),
    "gather a table": ("[2,1,2]", "t = Gather <axis = 1> (a, i)", "int64[1,2] i = {2, 0}", 17),
    "clip": ("[2,3]", "t = Clip (a, low)", "float low = {0.25}", 17),
    "layer normalisation": ("[2,3]", "t = LayerNormalization <axis = 1> (a, s)", "float[3] s = {1, 2, 3}", 17),
    "mean of rows": ("[3]", "t = ReduceMean <axes = [0], keepdims = 0> (a)", "", 17),
    "mean of all": ("[2,3]", "m = ReduceMean <keepdims = 0> (a) t = Add (m, b)", "", 17),
    "sum by operand": ("[2,1]", "t = ReduceSum <keepdims = 1> (a, axes)", "int64[1] axes = {-1}", 17),
    "pad": ("[3,5]", "t = Pad (a, pads)", "int64[4] pads = {0, 1, 1, 1}", 17),
    "product": ("[2,2]", "t = MatMul (a, w)", "float[3,2] w = {1, 2, 3, 4, 5, 6}", 17),
    "product from the left": ("[2,3]", "t = MatMul (w, a)", "float[2,2] w = {1, 2, 3, 4}", 17),
    "slice": ("[2,2]", "t = Slice (a, l, h, axes)", "int64[1] l = {1}, int64[1] h = {3}, int64[1] axes = {-1}", 17),
    "slice of the front": ("[1,3]", "t = Slice (a, l, h)", "int64[1] l = {1}, int64[1] h = {2}", 17),
    "slice by attributes": ("[1,3]", "t = Slice <starts = [1], ends = [2]> (a)", "", 9),
    "softmax": ("[2,3]", "t = Softmax <axis = 0> (a)", "", 17),
    "old softmax": ("[2,3]", "t = Softmax (a)", "", 11),
    "split": ("[2,1]", "t, rest = Split <axis = 1> (a, parts)", "int64[2] parts = {1, 2}", 17),
    "squeeze": ("[2,3]", "u = Unsqueeze (a, axes) t = Squeeze (u, axes)", "int64[1] axes = {1}", 17),
    "tile": ("[2,6]", "t = Tile (a, r)", "int64[2] r = {1, 2}", 17),
    "transpose": ("[3,2]", "t = Transpose (a)", "", 17),
    "where": ("[2,3]", "c = Greater (a, b) t = Where (c, a, b)", "", 17),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_does_the_same_in_four_dimensions(name: str) -> None:
    shape, line, constants, opset = OPERATORS[name]
    declared = f"<{constants}>" if constants else ""
    text = f"""g (float[2,3] x) => (float{shape} y) {declared}
    {{
        a = Sigmoid (x) b = Mul (a, x)
        {line}
        p = Mul (t, t) q = Add (p, t) r2 = Mul (q, p) s2 = Add (r2, q) y = Mul (s2, r2)
    }}"""
    result = rewritten(text, WIDEN, opset=opset)
    assert result.kinds == ["exact"], result.reasons
    assert result.error() == 0


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_mix_of_ranks_broadcasts_alike(data: Any) -> None:
    full = data.draw(st.lists(st.integers(1, 4), min_size=2, max_size=3))
    low = data.draw(st.integers(0, len(full) - 1))
    other = [dim if data.draw(st.booleans()) else 1 for dim in full[low:]]
    first, second = (f"[{','.join(map(str, dims))}]" for dims in (full, other))
    result = rewritten(
        f"""g (float{first} x, float{second} z) => (float{first} y)
        {{
            a = Mul (x, z) b = Sigmoid (a) c = Mul (a, b) d = Add (c, z)
            e = Mul (d, c) f = Add (e, e) y = Mul (f, e)
        }}""",
        WIDEN,
        target=RESTRICTED,
    )
    assert result.applied
    assert result.error() == 0


GEMMS = {
    "two heads of one value": "s = Gemm <transB = 1> (b, v, c) t = Gemm (b, w, c)",
    "the first turned": "u = Transpose (b) t = Gemm <transA = 1> (u, w) s = Mul (t, t)",
    "both computed": "u = Gemm (b, w) s = Sigmoid (u) t = Gemm <transB = 1> (b, r, u)",
}


@pytest.mark.parametrize("name", GEMMS)
def test_a_gemm_between_low_ranks_is_a_product_and_a_sum(name: str) -> None:
    text = f"""g (float[2,3] x, float[2,3] r) => (float[2,2] y)
    <float[3,2] w = {{1, -2, 3, 4, -5, 6}}, float[2,3] v = {{1, 2, -3, 4, 5, 6}}, float[2] c = {{7, -8}}>
    {{
        a = Sigmoid (x) b = Mul (a, x)
        {GEMMS[name]}
        d = Add (s, t) e = Mul (d, s) f = Add (e, d) h = Mul (f, e) y = Add (h, f)
    }}"""
    result = rewritten(text, WIDEN)
    assert result.kinds == ["tested"], result.reasons
    assert "Gemm" not in result.operators
    assert result.error() < 1e-6


def test_a_gemm_with_factors_of_its_own_stays() -> None:
    text = """g (float[2,3] x) => (float[2,2] y) <float[3,2] w = {1, 2, 3, 4, 5, 6}> {
        a = Sigmoid (x) b = Mul (a, x) c = Gemm <alpha = 0.5> (b, w) d = Mul (c, c) y = Add (d, c)
    }"""
    assert "Gemm" in rewritten(text, WIDEN).operators


def test_two_heads_over_one_mean_end_without_low_ranks() -> None:
    """A classifier and the one that was distilled into it, averaged: each alone gains nothing."""
    text = """g (float[1,49,16] x) => (float[1,1,1,10] y) <int64[4] four = {1, 1, 1, 10}, float two = {2}> {
        mean = ReduceMean <axes = [1], keepdims = 0> (x)
        one = Gemm <transB = 1> (mean, v, b) other = Gemm <transB = 1> (mean, w, b)
        sum = Add (one, other) half = Div (sum, two) y = Reshape (half, four)
    }"""
    weights = {"v": normal(10, 16), "w": normal(10, 16, seed=2), "b": normal(10)}
    case = mended(model(text, weights))
    assert case.weights[1].total <= 1, case.reasons  # the view of the input, which has three dimensions
    assert case.error() < 1e-5
