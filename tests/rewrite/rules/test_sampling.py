"""GridSample keeps its mode where the name of the mode would be misread."""

from __future__ import annotations

import pytest
from mended import SAFETY_10, mended, model

NAME = "sample-by-default"


def sampled(mode: str) -> str:
    return f"""g (float[1,2,6,5] x, float[1,3,4,2] at) => (float[1,2,3,4] y) {{
        y = GridSample <mode = "{mode}", padding_mode = "border", align_corners = 1> (x, at)
    }}"""


def test_the_default_mode_needs_no_name() -> None:
    case = mended(model(sampled("linear"), opset=20), NAME, profile_id=SAFETY_10)
    assert case.applied == [NAME]
    assert case.weights[0].total == 1
    assert case.weights[1].total == 0
    (node,) = case.after.graph.node
    assert sorted(attribute.name for attribute in node.attribute) == ["align_corners", "padding_mode"]
    assert case.difference() == 0


@pytest.mark.parametrize(("mode", "opset"), [("cubic", 20), ("nearest", 20), ("bilinear", 16)])
def test_other_modes_and_operator_sets_stay(mode: str, opset: int) -> None:
    assert mended(model(sampled(mode), opset=opset), NAME, profile_id=SAFETY_10).steps == []
