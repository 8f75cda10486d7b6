"""Loops and conditionals, written as the vendor's parser writes them, and layers that nobody knows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from safecheck.nvidia.translation.execute import Missing, execute
from safecheck.nvidia.translation.network import Array, Layer, Network, Tensor

X = np.arange(6, dtype=np.float32).reshape(3, 2)


def tensor(text: str) -> Tensor:
    """`name:FLOAT[2,3]`; a `?` is an axis that is not known."""
    name, _, rest = text.partition(":")
    dtype, _, shape = rest.partition("[")
    sizes = shape.rstrip("]")
    return Tensor(name, dtype, tuple(-1 if size == "?" else int(size) for size in sizes.split(",")) if sizes else ())


def layer(what: str, inputs: str, outputs: str, **parameters: Any) -> Layer:
    operands, results = (tuple(map(tensor, text.split())) for text in (inputs, outputs))
    return Layer(what, f"{what} {outputs}", "", operands, results, parameters)


def run(layers: list[Layer], inputs: dict[str, Array], types: str) -> dict[str, Any]:
    return dict(execute(Network(tuple(map(tensor, types.split())), (), tuple(layers)), inputs))


def summed(*limits: Layer, output: Layer, iterator: bool = True, first: str = "s0:FLOAT[2]") -> list[Layer]:
    """A loop that adds the rows of x to s0."""
    row = layer("ITERATOR", "x:FLOAT[3,2]", "row:FLOAT[2]", axis=0, reverse=False, loop={"owner": 0})
    return [
        *limits,
        *([row] if iterator else []),
        layer("RECURRENCE", f"{first} next:FLOAT[2]", "s:FLOAT[2]", loop={"owner": 0}),
        layer("ELEMENTWISE", f"s:FLOAT[2] {'row' if iterator else 'one'}:FLOAT[2]", "next:FLOAT[2]", op="SUM"),
        output,
    ]


COUNT = layer("TRIP_LIMIT", "n:INT32", "", kind="COUNT", loop={"owner": 0})
LAST = layer("LOOP_OUTPUT", "s:FLOAT[2]", "y:FLOAT[2]", kind="LAST_VALUE", axis=0, loop={"owner": 0})
ZERO = np.zeros(2, np.float32)
LOOP_TYPES = "x:FLOAT[3,2] n:INT32 s0:FLOAT[2]"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_last_value_of_a_recurrence(count: int) -> None:
    found = run(summed(COUNT, output=LAST), {"x": X, "n": np.int32(count), "s0": ZERO}, LOOP_TYPES)
    np.testing.assert_array_equal(found["y"], X[:count].sum(0))


@pytest.mark.parametrize(("kind", "axis"), [("CONCATENATE", 0), ("CONCATENATE", 1), ("REVERSE", 0)])
def test_a_concatenation(kind: str, axis: int) -> None:
    output = layer("LOOP_OUTPUT", "next:FLOAT[2] n:INT32", "y:FLOAT[?,?]", kind=kind, axis=axis, loop={"owner": 0})
    found = run(summed(COUNT, output=output), {"x": X, "n": np.int32(3), "s0": ZERO}, LOOP_TYPES)
    sums = np.cumsum(X, 0)
    np.testing.assert_array_equal(found["y"], np.stack(sums[::-1] if kind == "REVERSE" else sums, axis))


def test_a_concatenation_of_no_iteration_has_the_sizes_of_one() -> None:
    output = layer(
        "LOOP_OUTPUT", "next:FLOAT[2] n:INT32", "y:FLOAT[?,?]", kind="CONCATENATE", axis=0, loop={"owner": 0}
    )
    found = run(summed(COUNT, output=output), {"x": X, "n": np.int32(0), "s0": ZERO}, LOOP_TYPES)
    assert found["y"].shape == (0, 2)


def test_a_concatenation_of_another_length_is_not_documented() -> None:
    output = layer(
        "LOOP_OUTPUT", "next:FLOAT[2] m:INT32", "y:FLOAT[?,?]", kind="CONCATENATE", axis=0, loop={"owner": 0}
    )
    given = {"x": X, "n": np.int32(3), "m": np.int32(4), "s0": ZERO}
    found = run(summed(COUNT, output=output), given, f"{LOOP_TYPES} m:INT32")
    assert isinstance(found["y"], Missing)


def test_a_condition_ends_a_loop() -> None:
    body = [
        layer("RECURRENCE", "go:BOOL more:BOOL", "going:BOOL", loop={"owner": 0}),
        layer("GATHER", "next:FLOAT[2] zero:INT32", "at:FLOAT", mode="DEFAULT", axis=0, num_elementwise_dims=0),
        layer("ELEMENTWISE", "at:FLOAT limit:FLOAT", "more:BOOL", op="LESS"),
        layer("TRIP_LIMIT", "going:BOOL", "", kind="WHILE", loop={"owner": 0}),
    ]
    inputs = {"go": np.bool_(True), "one": np.float32([1, 2]), "s0": ZERO, "limit": np.float32(5), "zero": np.int32(0)}
    types = "go:BOOL one:FLOAT[2] s0:FLOAT[2] limit:FLOAT zero:INT32"
    found = run([*body, *summed(output=LAST, iterator=False)], inputs, types)
    np.testing.assert_array_equal(found["y"], [5, 10])


def test_a_loop_without_end_is_not_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safecheck.nvidia.translation.execute._MOST_TRIPS", 10)
    inputs = {"one": np.float32([1, 2]), "s0": ZERO}
    found = run(summed(output=LAST, iterator=False), inputs, "one:FLOAT[2] s0:FLOAT[2]")
    assert isinstance(found["y"], Missing)
    assert "10 iterations" in found["y"].reason


def test_a_loop_in_a_loop() -> None:
    """Three times three times one."""
    inner = [
        layer("TRIP_LIMIT", "n:INT32", "", kind="COUNT", loop={"owner": 1}),
        layer("RECURRENCE", "s:FLOAT[2] t1:FLOAT[2]", "t:FLOAT[2]", loop={"owner": 1}),
        layer("ELEMENTWISE", "t:FLOAT[2] one:FLOAT[2]", "t1:FLOAT[2]", op="SUM"),
        layer("LOOP_OUTPUT", "t:FLOAT[2]", "next:FLOAT[2]", kind="LAST_VALUE", axis=0, loop={"owner": 1}),
    ]
    outer = [COUNT, layer("RECURRENCE", "s0:FLOAT[2] next:FLOAT[2]", "s:FLOAT[2]", loop={"owner": 0}), LAST]
    inputs = {"n": np.int32(3), "one": np.float32([1, 2]), "s0": ZERO}
    found = run([*outer, *inner], inputs, "n:INT32 one:FLOAT[2] s0:FLOAT[2]")
    np.testing.assert_array_equal(found["y"], [9, 18])


@pytest.mark.parametrize("condition", [True, False])
def test_a_conditional_needs_only_the_branch_that_is_taken(condition: bool) -> None:
    layers = [
        layer("CONDITION", "c:BOOL", "", conditional={"owner": 0}),
        layer("CONDITIONAL_INPUT", "x:FLOAT[3,2]", "inside:FLOAT[3,2]", conditional={"owner": 0}),
        layer("UNARY", "inside:FLOAT[3,2]", "yes:FLOAT[3,2]", op="NEG"),
        layer("MOE", "inside:FLOAT[3,2]", "no:FLOAT[3,2]"),
        layer("CONDITIONAL_OUTPUT", "yes:FLOAT[3,2] no:FLOAT[3,2]", "y:FLOAT[3,2]", conditional={"owner": 0}),
    ]
    found = run(layers, {"c": np.bool_(condition), "x": X}, "c:BOOL x:FLOAT[3,2]")["y"]
    if condition:
        np.testing.assert_array_equal(found, -X)
    else:
        assert isinstance(found, Missing)


def test_what_hangs_on_an_unknown_layer_is_missing_for_its_reason() -> None:
    layers = [layer("MOE", "x:FLOAT[3,2]", "a:FLOAT[3,2]"), layer("UNARY", "a:FLOAT[3,2]", "y:FLOAT[3,2]", op="ABS")]
    found = run(layers[::-1], {"x": X}, "x:FLOAT[3,2]")["y"]
    assert isinstance(found, Missing)
    assert (found.layer.kind, found.reason) == ("MOE", "MOE is not known here")


def test_half_is_rounded_at_every_layer() -> None:
    half = np.float16([2048])
    layers = [
        layer("ELEMENTWISE", "x:HALF[1] one:HALF[1]", "a:HALF[1]", op="SUM"),
        layer("ELEMENTWISE", "a:HALF[1] x:HALF[1]", "y:HALF[1]", op="SUB"),
    ]
    found = run(layers, {"x": half, "one": np.float16([1])}, "x:HALF[1] one:HALF[1]")
    assert found["y"].dtype == np.float16
    assert found["y"] == [0]


def softmax(*rest: Layer) -> list[Layer]:
    return [layer("SOFTMAX", "x:HALF[1,3]", "s:HALF[1,3]", axes=0b10), *rest]


ROW = np.float16([[0, -30, 5]])
LOG = layer("UNARY", "r:HALF[3]", "y:HALF[3]", op="LOG")
RESHAPE = layer(
    "SHUFFLE", "s:HALF[1,3]", "r:HALF[3]", reshape_dims=[3], zero_is_placeholder=False,
    first_transpose=list(range(8)), second_transpose=list(range(8)),
)  # fmt: skip


def test_a_softmax_and_its_logarithm_are_one() -> None:
    found = run(softmax(RESHAPE, LOG), {"x": ROW}, "x:HALF[1,3]")["y"]
    np.testing.assert_allclose(found, [-5.0067, -35.0067, -0.006715], rtol=2e-3)


def test_a_softmax_that_others_read_stays_one() -> None:
    other = layer("IDENTITY", "s:HALF[1,3]", "z:HALF[1,3]")
    found = run(softmax(RESHAPE, LOG, other), {"x": ROW}, "x:HALF[1,3]")
    assert np.isneginf(found["y"][1])
    np.testing.assert_allclose(found["z"].sum(), 1, rtol=1e-3)
