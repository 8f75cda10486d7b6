"""Sentences of the vendor's software, as public logs and libraries have them, find the rule that is about them."""

from __future__ import annotations

import pytest

from safecheck.rulebook.index import catalog
from safecheck.rulebook.load import profile, shipped
from safecheck.rulebook.search import Found, find

PROFILES = [profile(name) for name in shipped()]
ENTRIES = catalog(PROFILES)


def found(message: str) -> list[Found]:
    return find(message, ENTRIES.values(), PROFILES)


@pytest.mark.parametrize(
    ("message", "rule"),
    [
        ("node_of_Y: Unary operation: CEIL is not supported on DLA.", "dla-una3-operation"),
        ("/head/Concat_6: DLA only supports concatenation on the C dimension.", "dla-cat1-axis"),
        ("/head/Split_25: DLA only supports slicing 4 dimensional tensors.", "dla-slc2-rank"),
        ("Layer '(Unnamed Layer* 4) [Constant]' (CONSTANT): Unsupported on DLA. Switching ...", "dla-constant-alone"),
        ("This version of DLA does not support reshape layers directly connected to Slice", "dla-shf5-neighbour"),
        ("Safety certified DLA should only have one graph for the whole network.", "dla-layer-not-listed"),
        ("x: MatrixMultiplyLayer not supported in safety restricted mode.", "matrix-multiply-refused"),
        ("ReduceLayer not supported in safety restricted mode", "reduce-other"),
        ('Layer {LRN} "lrn0" failed safety scope validation', "local-response-normalization"),
        ("[LayerKernelLimit] [E] At least one of the Dims [19,19] range is not within [1, 18]", "scope10-conv-kernel"),
        ("SoftMax axis 2 not within safety scope", "softmax"),
        ("Safety does not support nbSpatialDims == 3", "conv-spatial-3d"),
    ],
)
def test_a_message_finds_its_rule(message: str, rule: str) -> None:
    assert found(message)[0].entry.rule.id == rule


def test_a_refusal_of_the_parser_names_the_operator() -> None:
    best = found("sparse tensor and string values")
    assert best[0].refusal.startswith("Constant: ")


@pytest.mark.parametrize("message", ["", "hello world how are you", "0x7f3a", "node_of_y_12"])
def test_what_says_nothing_finds_nothing(message: str) -> None:
    assert found(message) == []
