"""Neighbourhoods, alternatives, and where their boxes stand."""

from __future__ import annotations

from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from safecheck.intake.memory import InMemory
from safecheck.ir.excerpt import Box, Diagram, Neighbourhoods
from safecheck.ir.graph import Scope
from safecheck.ir.model import load
from safecheck.ir.signature import UNKNOWN_TENSOR, Tensor
from safecheck.render.html.layout import drawing
from safecheck.render.html.verdict_bar import COLUMNS, rows
from safecheck.rulebook.load import profile
from safecheck.usecases.audit import audit_model
from safecheck.usecases.places import IN_ALL, PER_RULE, pictures
from safecheck.usecases.suggestions import illustrated

EXAMPLES = Path(__file__).parents[2] / "examples"
REFUSED = str(EXAMPLES / "csa-block-refused.onnx")


def test_the_picture_of_a_finding_shows_its_node_and_its_neighbours() -> None:
    report = audit_model(REFUSED, profile("tensorrt-8.6-restricted"))
    found = pictures(report)
    assert found.drawn
    for picture in found.drawn:
        (focus,) = [box for box in picture.diagram.boxes if box.focus]
        assert focus.label == picture.finding.location.op_type
        assert focus.kind in (picture.finding.verdict, "forbidden")  # the worst of all findings on the node
        assert len(picture.diagram.boxes) > 1
    assert report.audit is not None
    forbidden = [finding for finding in report.audit.findings if finding.verdict == "forbidden"]
    assert forbidden
    assert all(finding.fingerprint in found.shown_by for finding in forbidden)


def test_equal_places_share_a_picture_and_there_are_not_too_many() -> None:
    report = audit_model(str(EXAMPLES / "swin-block.onnx"), profile("tensorrt-8.6-restricted"))
    found = pictures(report)
    rules = [picture.rule for picture in found.drawn]
    assert len(rules) <= IN_ALL
    assert max(map(rules.count, rules)) <= PER_RULE
    patterns = [picture.diagram.pattern for picture in found.drawn]
    assert len(set(patterns)) == len(patterns), "a picture is drawn once, whatever rules speak about its place"
    assert len(found.shown_by) > len(found.drawn)


def test_the_alternative_is_what_the_profile_likes_better() -> None:
    report = illustrated(audit_model(REFUSED, profile("tensorrt-8.6-restricted")))
    assert report.audit is not None
    assert report.illustration is not None
    operators = {node.location.index: node.location.op_type for node in report.audit.nodes}
    by_operator = {operators[index]: alternative for index, alternative in report.illustration.alternatives.items()}
    assert set(by_operator) == {"Resize", "ReduceMean"}
    assert by_operator["ReduceMean"].rewrite == "reduce-mean-to-average-pool"
    for alternative in by_operator.values():
        assert {box.kind for box in alternative.diagram.boxes} == {"allowed", "outside"}


def test_the_strip_shows_every_node_once_and_the_worst_of_a_column() -> None:
    report = audit_model(REFUSED, profile("tensorrt-8.6-restricted"))
    found = rows(report)
    assert report.audit is not None
    assert sum(count for row in found for _, count in row.counts) == len(report.audit.nodes)
    for row in found:
        assert row.runs[0].x == 0
        assert sum(run.width for run in row.runs) == pytest.approx(COLUMNS, abs=0.1)
        assert all(one.kind != other.kind for one, other in pairwise(row.runs))
        assert {kind for kind, _ in row.counts} >= {run.kind for run in row.runs}
        assert ("forbidden" in dict(row.counts)) == ("forbidden" in {run.kind for run in row.runs})


@st.composite
def diagrams(draw: st.DrawFn) -> Diagram:
    count = draw(st.integers(1, 14))
    kinds = draw(st.lists(st.sampled_from(["allowed", "forbidden", "outside", ""]), min_size=count, max_size=count))
    edges = draw(st.sets(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=20))
    arrows = tuple(sorted((one, other) for one, other in edges if one < other))
    return Diagram(tuple(Box("Conv", "1x2", kind) for kind in kinds), arrows)


@given(diagram=diagrams())
@settings(max_examples=150, deadline=None)
def test_boxes_never_overlap_and_everything_is_on_the_paper(diagram: Diagram) -> None:
    drawn = drawing(diagram)
    assert drawing(diagram) == drawn
    assert len(drawn.paths) == len(diagram.arrows)
    for one, other in combinations(drawn.boxes, 2):
        apart = abs(one.x - other.x) >= drawn.box_width or abs(one.y - other.y) >= drawn.box_height
        assert apart
    for placed in drawn.boxes:
        assert 0 <= placed.x <= drawn.width - drawn.box_width
        assert 0 <= placed.y <= drawn.height - drawn.box_height


@pytest.mark.parametrize("count", [40, 320])
def test_one_node_with_very_many_operands_is_cut_with_a_counted_rest(count: int, tmp_path: Path) -> None:
    """Every one of the sines stands beside the same Concat, and none of their pictures goes through all of it."""
    value = helper.make_tensor_value_info
    names = [f"v{number}" for number in range(count)]
    nodes = [helper.make_node("Sin", [f"x{number}"], [name]) for number, name in enumerate(names)]
    nodes.append(helper.make_node("Concat", names, ["y"], axis=0))
    inputs = [value(f"x{number}", 1, [1, 4]) for number in range(count)]
    network = helper.make_graph(nodes, "g", inputs, [value("y", 1, None)])
    graph = load(InMemory(helper.make_model(network).SerializeToString())).graph
    looked_up: list[str] = []

    def lookup(scope: Scope, name: str) -> Tensor:
        looked_up.append(name)
        return UNKNOWN_TENSOR

    around = Neighbourhoods(graph, lookup, {})
    first, last, middle = around.around("", 0), around.around("", count - 1), around.around("", count)
    assert len(looked_up) < 300
    for diagram, focus in ((first, "Sin"), (last, "Sin")):
        (place,) = (position for position, box in enumerate(diagram.boxes) if box.focus)
        assert diagram.boxes[place].label == focus
        assert any(source == place and diagram.boxes[end].label == "Concat" for source, end in diagram.arrows)
    drawn = sum(box.label == "Sin" for box in middle.boxes)
    assert 0 < drawn <= 3
    assert middle.hidden >= count - drawn
    assert middle.hidden <= 2 * count
