"""What no rewrite can do is said once, in a sentence."""

from __future__ import annotations

import pytest
from mended import mended, model

NAME = "no-permitted-equivalent"
X = "float[1,2,4,4]"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("y = Floor (x)", "jumps"),
        (
            "s = Constant <value_float = 0.5> ()\n q = QuantizeLinear (x, s)\n y = DequantizeLinear (q, s)",
            "it rounds to whole numbers",
        ),
        ("i = Cast <to = 7> (x)\n y = GatherElements <axis = 3> (x, i)", "where it reads depends on data"),
    ],
)
def test_the_reason_is_given_once(body: str, reason: str) -> None:
    case = mended(model(f"g ({X} x) => ({X} y) {{ {body} }}"))
    assert case.applied == []
    assert case.reasons.count(reason) == 1
    assert any(step.name == NAME for step in case.steps)


def test_a_grid_that_is_computed_reads_where_data_say() -> None:
    case = mended(model(f"g ({X} x, float[1,4,4,2] at) => ({X} y) {{ y = GridSample (x, at) }}"))
    assert case.applied == []
    assert "where it reads depends on data" in case.reasons
