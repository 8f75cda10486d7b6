"""Models that mean nothing, or different things to different readers, are refused in one line before inference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import onnx
import pytest
from case_files import model_from_text

from safecheck.errors import InputError
from safecheck.intake.memory import InMemory
from safecheck.ir.einsum import equation_error
from safecheck.ir.model import load

TEXT = "(float[2,3] x, float[3,2] z) => (float[2,2] y) <float[2,2] w = {0, 0, 0, 0}> { p = MatMul(x, z) y = Add(p, w) }"


def refused(change: Callable[[Any], object]) -> InputError:
    model = model_from_text(TEXT)
    load(InMemory(model.SerializeToString()))
    change(model)
    with pytest.raises(InputError) as caught:
        load(InMemory(model.SerializeToString()))
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("part", ["input", "initializer", "output"])
def test_a_name_is_there_once(part: str) -> None:
    """The vendor's parser refuses a second input or initializer of one name, or aborts."""
    error = refused(lambda model: getattr(model.graph, part).append(getattr(model.graph, part)[0]))
    assert error.code == "SC-MODEL-SSA"
    assert f"{part} " in error.what
    assert "2 times" in error.what


def test_an_initializer_is_the_default_of_an_input() -> None:
    model = model_from_text(TEXT)
    model.graph.input.append(onnx.helper.make_tensor_value_info("w", onnx.TensorProto.FLOAT, [2, 2]))
    assert load(InMemory(model.SerializeToString())).graph.scopes[0].tensors["w"].constant


def test_a_network_has_an_output() -> None:
    assert refused(lambda model: model.graph.ClearField("output")).code == "SC-MODEL-OUTPUT"


def test_one_version_of_an_operator_set_is_meant() -> None:
    other = onnx.helper.make_opsetid("ai.onnx", 13)
    error = refused(lambda model: model.opset_import.append(other))
    assert (error.code, error.what) == ("SC-AMB-OPSET", "operator set ai.onnx is imported as 17 and as 13")
    model = model_from_text(TEXT)
    model.opset_import.append(model.opset_import[0])
    load(InMemory(model.SerializeToString()))


def test_the_name_of_an_attribute_is_text() -> None:
    model = model_from_text("(float[1,4] x) => (float[1,4] y) { y = Softmax<axis = 1>(x) }")
    raw = model.SerializeToString()
    assert raw.count(b"axis") == 1
    with pytest.raises(InputError) as caught:
        load(InMemory(raw.replace(b"axis", b"a\xffis")))
    assert caught.value.code == "SC-PB-UTF8"


# The rules of ONNX's Einsum-12: letters, one ellipsis a term, one arrow, a result of letters that operands have.
EQUATIONS = {
    "ij,jk->ik": None,
    "ij,jk": None,
    " i j , j k -> i k ": None,
    "...ij,...jk->...ik": None,
    "bhwc,hkc->bhwk": None,
    "Ij,jK->IK": None,
    "ii->": None,
    ",ij->ij": None,
    "i...j->...": None,
    "....ij->ij": "is no term",
    "...i....j,jk->ik": "is no term",
    "i.j->ij": "is no term",
    "i1->i": "is no term",
    "ij->ij->i": "is no term",
    "ij->i,j": "is no term",
    "ij->ii": "names a letter twice",
    "ij->k": "names k, which no operand has",
    "ij->...": "has an ellipsis, which no operand has",
    "i\u202ej->i": "is no term",
}


@pytest.mark.parametrize(("equation", "why"), EQUATIONS.items())
def test_equations(equation: str, why: str | None) -> None:
    found = equation_error(equation)
    assert (found is None) if why is None else (why in (found or "") and (found or "").isprintable())


@pytest.mark.parametrize("equation", [equation for equation, why in EQUATIONS.items() if why is not None])
def test_an_equation_that_is_none_is_refused_before_inference_reads_it(equation: str) -> None:
    """ONNX's inference never ends on `....ij` (dots that are left in a term after its ellipsis)."""
    model = model_from_text('(float[2,3] x) => (float[2] y) { y = Einsum<equation = "ij->i">(x) }')
    model.graph.node[0].attribute[0].s = equation.encode()
    with pytest.raises(InputError) as caught:
        load(InMemory(model.SerializeToString()))
    assert caught.value.code == "SC-MODEL-EQUATION"
    assert "node 0" in str(caught.value)


@pytest.mark.parametrize(
    ("node", "code"),
    [
        ("y, z = Split <num_outputs = 1> (x)", "SC-ONNX-SCHEMA"),
        ("y, z = GatherND <batch_dims = -100> (x, x)", "SC-ONNX-OPERAND"),
        ("t = Sub (, x) y = EyeLike (t) z = Identity (x)", "SC-ONNX-SCHEMA"),
    ],
)
def test_a_node_that_ends_the_process_is_refused_before_inference_reads_it(node: str, code: str) -> None:
    model = model_from_text(f"(float[4,6] x) => (float[2,6] y, float[2,6] z) {{ {node} }}")
    with pytest.raises(InputError) as caught:
        load(InMemory(model.SerializeToString()))
    assert caught.value.code == code
