"""The fact `form_id`: equal for what a verdict may not tell apart, different for anything else, unknown if in doubt."""

from __future__ import annotations

import pytest
from strategies import with_one_fact_less

from safecheck.ir.signature import UNKNOWN, Signature, Tensor
from safecheck.rulebook.facts.signature_hash import form_id

DATA = Tensor("FLOAT", (1, 4, 8, 8))
SHAPE = Tensor("INT64", (2,), True, (4, 64))
RESHAPE = Signature("Reshape", "", 17, (("allowzero", 0),), (DATA, SHAPE), (Tensor("FLOAT", (4, 64)),))
CONV = Signature("Conv", "", 17, (("group", 1),), (DATA, Tensor("FLOAT", (4, 4, 1, 1), True)), (DATA,))


def test_where_a_node_stands_does_not_matter() -> None:
    moved = RESHAPE._replace(is_output=True, idiom="legacy", inputs=(DATA._replace(network_input=True), SHAPE))
    assert form_id(moved) == form_id(RESHAPE)
    assert form_id(CONV) == form_id(CONV._replace(inputs=(DATA, CONV.inputs[1]._replace(values=(1.0,) * 16))))  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "other",
    [
        RESHAPE._replace(opset=18),
        RESHAPE._replace(op_type="Squeeze"),
        RESHAPE._replace(domain="other"),
        RESHAPE._replace(attributes=(("allowzero", 1),)),
        RESHAPE._replace(attributes=()),
        RESHAPE._replace(inputs=(DATA, SHAPE._replace(values=(64, 4)))),
        RESHAPE._replace(inputs=(DATA, SHAPE._replace(constant=False, values=None))),
        RESHAPE._replace(inputs=(DATA._replace(dtype="FLOAT16"), SHAPE)),
        RESHAPE._replace(inputs=(DATA._replace(shape=(4, 1, 8, 8)), SHAPE)),
        RESHAPE._replace(inputs=(DATA, SHAPE, None)),
        RESHAPE._replace(inputs=(DATA,), outputs=(SHAPE, *RESHAPE.outputs)),
        RESHAPE._replace(static_shapes_only=True),
    ],
)
def test_anything_else_does(other: Signature) -> None:
    assert form_id(other) not in (form_id(RESHAPE), UNKNOWN)


@pytest.mark.parametrize("signature", [RESHAPE, CONV], ids=["Reshape", "Conv"])
def test_forgetting_something_never_makes_another_form(signature: Signature) -> None:
    for what, less in with_one_fact_less(signature):
        assert form_id(less) in (form_id(signature), UNKNOWN), what
    for dim in ("N", None):
        unknown = signature._replace(inputs=(DATA._replace(shape=(dim, 4, 8, 8)), signature.inputs[1]))
        assert form_id(unknown) is UNKNOWN
