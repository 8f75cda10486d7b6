"""Long products, diagonals and sums are written out as products of two, which become convolutions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mended import RESTRICTED, SAFETY_10, Mended, mended, model, normal, run

from safecheck.rewrite.algebra.equation import Factor, cheapest
from safecheck.rulebook.load import profile
from safecheck.usecases.fix import Request, fix

Shapes = list[tuple[int, ...]]


def written(equation: str, shapes: Shapes, constant: tuple[int, ...] = (), names: tuple[str, ...] = ("",)) -> Mended:
    """The equation on operands of these shapes, its result seen with four dimensions."""
    want, arrays = exact(equation, shapes)
    weights = {f"x{at}": arrays[f"x{at}"] for at in constant}
    given_ = ", ".join(f"float{list(shape)} x{at}" for at, shape in enumerate(shapes) if at not in constant)
    made = (*(1,) * (4 - want.ndim), *want.shape)
    text = f"""g ({given_}) => (float{list(made)} y) {{
        e = Einsum <equation = "{equation}"> ({", ".join(arrays)})
        y = Reshape (e, made)
    }}"""
    case = mended(model(text, {**weights, "made": np.array(made)}), *(name for name in names if name))
    feed = {name: array for name, array in arrays.items() if name not in weights}
    for network in (case.before, case.after):
        (got,) = run(network, feed)
        size = exact(equation, shapes, np.abs)[0]
        assert (np.abs(got.reshape(want.shape) - want) <= 4e-6 * size + 1e-30).all()
    return case


def exact(equation: str, shapes: Shapes, of: Any = np.asarray) -> tuple[Any, dict[str, Any]]:
    """What numpy makes of it in float64, and the operands."""
    arrays = {f"x{at}": normal(*shape, seed=at) for at, shape in enumerate(shapes)}
    return np.einsum(equation, *(of(array.astype(np.float64)) for array in arrays.values())), arrays


FORMS: dict[str, tuple[str, Shapes, tuple[int, ...]]] = {
    "chain": ("bhij,bhjk,bhkl->bhil", [(1, 2, 5, 4), (1, 2, 4, 6), (1, 2, 6, 3)], ()),
    "chain of four": ("bhij,bhjk,bhkl,bhlm->bhim", [(1, 2, 5, 4), (1, 2, 4, 6), (1, 2, 6, 3), (1, 2, 3, 7)], ()),
    "weights last": ("abij,abik,jkl->abl", [(1, 2, 5, 4), (1, 2, 5, 6), (4, 6, 3)], (2,)),
    "bilinear form": ("bchw,cd,bdhw->bhw", [(1, 3, 4, 5), (3, 6), (1, 6, 4, 5)], (1,)),
    "one weight per channel": ("bchw,c,bdhw->bcd", [(1, 3, 4, 5), (3,), (1, 6, 4, 5)], (1,)),
    "a matrix per row": ("bchw,hcd,bdhw->bchw", [(1, 3, 4, 5), (4, 3, 6), (1, 6, 4, 5)], (1,)),
    "a vector per row": ("bchw,hw,bdhw->bcd", [(1, 3, 4, 5), (4, 5), (1, 6, 4, 5)], (1,)),
    "two matrices": ("bchw,cd,de->behw", [(1, 3, 4, 5), (3, 8), (8, 2)], (1, 2)),
    "elementwise": ("bchw,bchw,bchw->bchw", [(1, 3, 4, 5)] * 3, ()),
    "gates": ("bchw,bc,bchw->bchw", [(1, 3, 4, 5), (1, 3), (1, 3, 4, 5)], (1,)),
    "ellipsis": ("...ij,...jk,...kl->...il", [(1, 2, 5, 4), (1, 2, 4, 6), (1, 2, 6, 3)], ()),
    "no result": ("bhij,bhjk,kl", [(1, 2, 5, 4), (1, 2, 4, 6), (6, 3)], (2,)),
    "capitals": ("BhiJ,BhJk,BhkL->BhiL", [(1, 2, 5, 4), (1, 2, 4, 6), (1, 2, 6, 3)], ()),
    "diagonal": ("bcii->bci", [(1, 3, 4, 4)], ()),
    "trace": ("bcii->bc", [(1, 3, 4, 4)], ()),
    "apart": ("ibci->cib", [(4, 1, 3, 4)], ()),
    "sum": ("bchw->bc", [(1, 3, 4, 5)], ()),
    "turned sum": ("bchw->wc", [(2, 3, 4, 5)], ()),
    "diagonal of two": ("bcii,bcij->bcij", [(1, 3, 4, 4), (1, 3, 4, 5)], ()),
    "stretched": ("bhij,bhjk,bhkl->bhil", [(1, 2, 5, 4), (1, 2, 4, 6), (1, 2, 6, 1)], ()),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_it_ends_in_permitted_layers(form: str) -> None:
    case = written(*FORMS[form])
    assert case.weights[1].total == 0, case.reasons
    assert "Einsum" not in case.operators
    assert mended(case.after).steps == []


LETTERS = "abcdeA"
NORMALISED = ("fuse-layer-normalization",)
"""A rewrite that has nothing to do here: only normalisation is seen."""


@settings(max_examples=120, deadline=None)
@given(data=st.data(), count=st.integers(1, 4))
def test_any_equation(data: st.DataObject, count: int) -> None:
    """Whatever is repeated, summed, kept or constant, no product of more than two is left, and no diagonal."""
    sizes = {letter: data.draw(st.integers(1, 4)) for letter in LETTERS}
    terms = ["".join(data.draw(st.lists(st.sampled_from(LETTERS), min_size=1, max_size=4))) for _ in range(count)]
    result = data.draw(st.lists(st.sampled_from(sorted(set("".join(terms)))), min_size=1, max_size=4, unique=True))
    shapes = [tuple(sizes[letter] for letter in term) for term in terms]
    constant = data.draw(st.sets(st.integers(0, count - 1), max_size=count - 1))
    case = written(
        f"{','.join(terms)}->{''.join(result)}", shapes, tuple(sorted(constant)), ("fuse-layer-normalization",)
    )
    for node in case.after.graph.node:
        if node.op_type == "Einsum":
            (equation,) = (part.s.decode() for part in node.attribute if part.name == "equation")
            left = equation.partition("->")[0].split(",")
            assert len(left) == len(node.input) <= 2
            assert all(len(set(term)) == len(term) for term in left)


@pytest.mark.parametrize("opset", [12, 13])
def test_a_sum_in_either_spelling(opset: int) -> None:
    text = 'g (float[2,3,4,5] x) => (float[1,1,2,4] y) { e = Einsum <equation = "bchw->bh"> (x)\n y = Reshape (e, s) }'
    case = mended(model(text, {"s": np.array([1, 1, 2, 4])}, opset))
    assert case.weights[1].total == 0, case.reasons
    x = normal(2, 3, 4, 5)
    np.testing.assert_allclose(run(case.after, {"x": x})[0].reshape(2, 4), x.sum((1, 3)), rtol=1e-5, atol=1e-5)


def test_the_order_is_the_cheapest() -> None:
    """Six matrices of Cormen, Leiserson, Rivest and Stein, Introduction to Algorithms, 15.2: 15,125 products."""
    sizes = dict(zip("abcdefg", (30, 35, 15, 5, 10, 20, 25), strict=True))
    chain = [Factor(frozenset(pair), False) for pair in ("ab", "bc", "cd", "de", "ef", "fg")]
    assert cheapest(chain, frozenset("ag"), sizes)[63].cost == 100 * 15125


def test_constants_are_multiplied_beforehand() -> None:
    case = written("bchw,cd,de->behw", [(1, 3, 4, 5), (3, 8), (8, 2)], (1, 2))
    assert case.applied == ["matmul-to-convolution"]
    assert case.operators.count("Conv") == 1


@pytest.mark.parametrize(
    ("kind", "shapes", "equation"),
    [
        ("float", ["4,2", "2,3"], "ij,jk->ik"),
        ("float", ["n,2", "2,3", "3,4"], "ij,jk,kl->il"),
        ("int64", ["4,2", "2,3", "3,4"], "ij,jk,kl->il"),
        ("float", ["0,2", "2,3", "3,4"], "ij,jk,kl->il"),
        ("float", ["4,4"] * 9, "ab,bc,cd,de,ef,fg,gh,hi,ij->aj"),
    ],
)
def test_what_stays(kind: str, shapes: list[str], equation: str) -> None:
    """A plain product of two, open or empty shapes, integers, and more than eight operands."""
    operands = ", ".join(f"{kind}[{shape}] x{at}" for at, shape in enumerate(shapes))
    names = ", ".join(f"x{at}" for at in range(len(shapes)))
    text = f'g ({operands}) => ({kind}[a,b] y) {{ y = Einsum <equation = "{equation}"> ({names}) }}'
    assert mended(model(text), *NORMALISED).operators == ["Einsum"]


def test_infinities_that_would_move_are_left() -> None:
    """Where an operand can be infinite, another order may make NaN in another place."""
    text = """g (float[1,1,3,3] x, float[1,1,3,3] z, float[1,1,3,3] w) => (float[1,1,3,3] y) {
        r = Relu (x)
        l = Log (r)
        y = Einsum <equation = "abij,abjk,abkl->abil"> (l, z, w)
    }"""
    assert mended(model(text), *NORMALISED).operators == ["Relu", "Log", "Einsum"]


@pytest.mark.parametrize("target", [RESTRICTED, SAFETY_10])
def test_a_network_whose_einsums_are_permitted_stays_as_it_is(target: str, tmp_path: Path) -> None:
    text = """g (float[1,2,5,4] x, float[1,2,4,6] z, float[1,2,6,3] w) => (float[1,2,5,3] y) {
        y = Einsum <equation = "bhij,bhjk,bhkl->bhil"> (x, z, w)
    }"""
    before, after = tmp_path / "before.onnx", tmp_path / "after.onnx"
    onnx.save(model(text), before)
    found = fix(str(before), str(after), profile(target), Request())
    assert str(found.after.verdict) == "compliant"
    names = [step.name for step in found.applied]
    if target == SAFETY_10:
        assert after.read_bytes() == before.read_bytes()
    else:
        assert names == ["write-out-einsum", "activation-product-to-convolution", "activation-product-to-convolution"]
    feed = {name: normal(*shape) for name, shape in (("x", (1, 2, 5, 4)), ("z", (1, 2, 4, 6)), ("w", (1, 2, 6, 3)))}
    want = np.einsum("bhij,bhjk,bhkl->bhil", *(array.astype(np.float64) for array in feed.values()))
    assert np.abs(run(onnx.load(after), feed)[0] - want).max() < 1e-5
