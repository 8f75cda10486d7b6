"""Products of two computed tensors end as products of repeated ones, summed by a convolution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mended import Mended, mended, model, normal, random_feed, run

from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.rules.activations import ActivationProductToConvolution

NAME = "activation-product-to-convolution"


def held(case: Mended, equation: str, scale: float = 1.0) -> None:
    """The result is the contraction in float64, to within what summing in float32 costs."""
    assert case.applied == [NAME]
    assert case.weights[1].total == 0
    assert case.kinds == ["bounded"]
    feed = random_feed(case.before, scale)
    left, right = (feed[name].astype(np.float64) for name in "xz")
    wanted, sizes = np.einsum(equation, left, right), np.einsum(equation, np.abs(left), np.abs(right))
    got = run(case.after, feed)[0]
    assert (np.abs(got - wanted) <= 1e-5 * sizes.max()).all()


@pytest.mark.parametrize("scale", [1e-6, 0.1, 1.0, 10.0, 1e6])
def test_keys_meet_queries(scale: float) -> None:
    text = "g (float[2,3,9,8] x, float[2,3,8,5] z) => (float[2,3,9,5] y) { y = MatMul (x, z) }"
    case = mended(model(text), NAME)
    held(case, "bhlk,bhkt->bhlt", scale)
    assert set(case.operators) == {"Conv", "Mul", "Reshape", "Resize", "Transpose"}
    assert not mended(case.after).applied


def test_a_product_with_its_own_transpose() -> None:
    text = (
        "g (float[1,2,6,8] x) => (float[1,2,6,6] y) {\n t = Transpose <perm = [0, 1, 3, 2]> (x)\n y = MatMul (x, t)\n}"
    )
    case = mended(model(text), NAME)
    assert case.weights[1].total == 0
    assert case.error() < 1e-6


@pytest.mark.parametrize(
    ("equation", "left", "right"),
    [
        ("bhlk,bhtk->bhlt", (1, 2, 5, 4), (1, 2, 3, 4)),
        ("bhlt,bhtv->bhlv", (1, 2, 5, 3), (1, 2, 3, 4)),
        ("bchw,bcij->bhwij", (2, 4, 2, 3), (2, 4, 3, 2)),
        ("bchw,bkhw->bck", (1, 3, 4, 5), (1, 2, 4, 5)),
        ("abcd,aecd->aebc", (2, 3, 2, 2), (2, 4, 2, 2)),
        ("bhlk,btuk->bhlt", (1, 2, 5, 4), (1, 3, 2, 4)),
        ("bhlk,bhtk->thlb", (2, 2, 5, 4), (2, 2, 3, 4)),
        ("...lk,...tk->...lt", (1, 2, 5, 4), (1, 2, 3, 4)),
        ("...lk,...tk", (1, 2, 5, 4), (1, 2, 3, 4)),
        ("xlk,xytk->xylt", (2, 5, 4), (2, 2, 3, 4)),
    ],
)
def test_any_equation_of_two_operands(equation: str, left: tuple[int, ...], right: tuple[int, ...]) -> None:
    made = np.einsum(equation, np.zeros(left), np.zeros(right)).shape
    offered(graph_of(f'Einsum <equation = "{equation}">', left, right, made), equation)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_shapes_with_any_axes_broadcast(data: Any) -> None:
    batch = data.draw(st.lists(st.integers(1, 3), max_size=2))
    rows, summed, columns = (data.draw(st.integers(1, 4)) for _ in range(3))
    left = [size if data.draw(st.booleans()) else 1 for size in batch] + [rows, summed]
    right = [size if data.draw(st.booleans()) else 1 for size in batch] + [summed, columns]
    left, right = left[data.draw(st.integers(0, len(batch))) :], right[data.draw(st.integers(0, len(batch))) :]
    made = np.matmul(np.zeros(left), np.zeros(right)).shape
    offered(graph_of("MatMul", tuple(left), tuple(right), made), "matmul")


def graph_of(operator: str, left: tuple[int, ...], right: tuple[int, ...], made: tuple[int, ...]) -> Any:
    name, _, attributes = operator.partition(" ")
    shapes = [",".join(map(str, dims)) for dims in (left, right, made)]
    text = (
        f"g (float[{shapes[0]}] x, float[{shapes[1]}] z) => (float[{shapes[2]}] y) {{ y = {name} {attributes} (x, z) }}"
    )
    return model(text)


def offered(proto: Any, equation: str) -> None:
    """Every candidate, whatever a profile thinks of it, is what numpy makes of it."""
    feed = random_feed(proto)
    x, z = feed["x"].astype(np.float64), feed["z"].astype(np.float64)
    wanted = np.matmul(x, z) if equation == "matmul" else np.einsum(equation, x, z)
    for position in range(3):
        graph = MutableGraph(type(proto).FromString(proto.SerializeToString()))
        match = ActivationProductToConvolution().match(graph, graph.nodes[0])
        assert match is not None
        assert len(match.candidates) == 3
        graph.apply(match.candidates[position].replacement, {})
        got = run(graph.model(), feed)[0]
        assert got.shape == wanted.shape
        assert np.allclose(got, wanted, rtol=0, atol=1e-5)


def test_large_tensors_are_made_in_parts() -> None:
    text = "g (float[1,2,9,7] x, float[1,2,7,5] z) => (float[1,2,9,5] y) { y = MatMul (x, z) }"
    proto = model(text)
    graph = MutableGraph(proto)
    graph.largest = 4 * 2 * 9 * 5 * 3
    match = ActivationProductToConvolution().match(graph, graph.nodes[0])
    assert match is not None
    nodes = match.candidates[0].replacement.nodes
    assert [node.op_type for node in nodes].count("Mul") == 3
    kept = model(text)
    new = graph.apply(match.candidates[0].replacement, {})
    assert new
    graph.refresh()
    assert all(np.prod(graph.dims(name) or ()) * 4 <= graph.largest for node in graph.nodes for name in node.output)
    feed = random_feed(kept)
    assert np.abs(run(kept, feed)[0] - run(graph.model(), feed)[0]).max() < 1e-5


def test_more_summed_entries_than_a_convolution_has_channels() -> None:
    text = "g (float[1,1,2,4700] x, float[1,1,4700,3] z) => (float[1,1,2,3] y) { y = MatMul (x, z) }"
    held(mended(model(text), NAME), "bhlk,bhkt->bhlt")


def test_a_prime_number_of_summed_entries_beyond_that_is_left() -> None:
    text = "g (float[1,1,2,2309] x, float[1,1,2309,3] z) => (float[1,1,2,3] y) { y = MatMul (x, z) }"
    case = mended(model(text), NAME)
    assert "2309" in case.reasons


@pytest.mark.parametrize("shape", [(4, 5), (1, 5), (5,), (4, 1), (1,)])
@pytest.mark.parametrize("computed", [True, False])
def test_a_product_with_an_addend(shape: tuple[int, ...], computed: bool) -> None:
    dims = (1, 1, *(1,) * (2 - len(shape)), *shape)
    more = f", float[{','.join(map(str, dims))}] given" if computed else ""
    addend = "c = Reshape (given, shape)" if computed else "c = Identity (addend)"
    text = f"""g (float[1,4,8,1] x, float[1,8,5,1] z{more}) => (float[1,4,5,1] y) {{
        a = Reshape (x, left)
        b = Reshape (z, right)
        {addend}
        product = Gemm <alpha = 0.5, beta = -2.0> (a, b, c)
        y = Reshape (product, made)
    }}"""
    stored = {"shape": np.array(shape)} if computed else {"addend": normal(*shape)}
    views = {"left": np.array([4, 8]), "right": np.array([8, 5]), "made": np.array([1, 4, 5, 1])}
    case = mended(model(text, {**views, **stored}), NAME)
    if shape == (4, 5) and not computed:
        assert "addend" in case.reasons
        return
    assert case.applied == [NAME]
    assert case.error() < 1e-6


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "g (float[2,2] x) => (float[2,2] y) {"
            ' y = Einsum <equation = "ab,bc,cd,de,ef,fg,gh,hi,ij->aj"> (x, x, x, x, x, x, x, x, x) }',
            "more than two operands",
        ),
        ("g (double[1,2,4,4] x, double[1,2,4,4] z) => (double[1,2,4,4] y) { y = MatMul (x, z) }", "DOUBLE"),
        ("g (float[1,2,N,4] x, float[1,2,4,4] z) => (float[1,2,N,4] y) { y = MatMul (x, z) }", "not fixed"),
    ],
)  # fmt: skip
def test_what_is_left_has_a_reason(text: str, reason: str) -> None:
    case = mended(model(text), NAME)
    assert not case.applied
    assert reason in case.reasons


def test_before_opset_11_convolutions_repeat() -> None:
    text = "g (float[1,2,9,8] x, float[1,2,8,5] z) => (float[1,2,9,5] y) { y = MatMul (x, z) }"
    case = mended(model(text, opset=10), NAME)
    held(case, "bhlk,bhkt->bhlt")
    assert "Resize" not in case.operators
