"""A one-dimensional network output is the interface; inside the network the rank is lifted."""

from __future__ import annotations

from mended import rewritten


def test_an_output_keeps_its_shape_and_says_why() -> None:
    result = rewritten("g (float[1,4,1,1] x) => (float[4] y) <int64[1] s = {4}> { a = Relu (x) y = Reshape (a, s) }")
    assert not result.applied
    assert "would change the interface" in result.reasons


def test_inside_the_network_it_is_lifted() -> None:
    result = rewritten("""g (float[1,4,1,1] x) => (float[1,4,1,1] y) <int64[1] s = {4}, int64[4] t = {1, 4, 1, 1}> {
        a = Reshape (x, s) b = Sigmoid (a) y = Reshape (b, t)
    }""")
    assert result.weights[0].forbidden == 2
    assert result.weights[1].total == 0
    assert result.error() == 0
