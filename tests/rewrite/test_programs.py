"""Random programs of data-movement operators: what is synthesised equals the original, or is refused with a reason."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.proof.local import prove
from safecheck.rewrite.rules.rotation import RotateWithTranspose

MOST_ELEMENTS = 512


class Program:
    """An ONNX model that grows by one movement at a time."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.start = shape
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.value = "x"

    def constant(self, values: Any, dtype: Any = np.int64) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(values, dtype), name))
        return name

    def add(self, op_type: str, inputs: list[str], shape: tuple[int, ...], **attributes: Any) -> None:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, inputs, [name], **attributes))
        self.value, self.shape = name, shape

    def model(self) -> Any:
        graph = helper.make_graph(
            self.nodes,
            "program",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.start)],
            [helper.make_tensor_value_info(self.value, TensorProto.FLOAT, self.shape)],
            self.constants,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@st.composite
def shapes(draw: Any, size: int, rank: int = 6) -> tuple[int, ...]:
    """A shape with so many elements."""
    dims: list[int] = []
    while len(dims) < rank - 1 and size > 1:
        dims.append(draw(st.sampled_from([part for part in range(1, size + 1) if size % part == 0])))
        size //= dims[-1]
    return (*dims, size)


def reshape(draw: Any, program: Program) -> None:
    shape = draw(shapes(prod(program.shape)))
    program.add("Reshape", [program.value, program.constant(shape)], shape)


def transpose(draw: Any, program: Program) -> None:
    order = draw(st.permutations(range(len(program.shape))))
    program.add("Transpose", [program.value], tuple(program.shape[axis] for axis in order), perm=order)


def axis_of(draw: Any, program: Program) -> int:
    return int(draw(st.integers(0, len(program.shape) - 1)))


def cut(draw: Any, program: Program) -> None:
    axis = axis_of(draw, program)
    size = program.shape[axis]
    first = draw(st.integers(0, size - 1))
    last = draw(st.integers(first + 1, size))
    step = draw(st.integers(1, 2))
    taken = len(range(first, last, step))
    operands = [program.constant([value]) for value in (first, last, axis, step)]
    program.add("Slice", [program.value, *operands], replaced(program.shape, axis, taken))


def flip(draw: Any, program: Program) -> None:
    axis = axis_of(draw, program)
    operands = [program.constant([value]) for value in (-1, -(2**63) + 1, axis, -1)]
    program.add("Slice", [program.value, *operands], program.shape)


def roll(draw: Any, program: Program) -> None:
    axis = axis_of(draw, program)
    size = program.shape[axis]
    indices = np.roll(np.arange(size), draw(st.integers(0, size - 1)))
    program.add("Gather", [program.value, program.constant(indices)], program.shape, axis=axis)


def gather(draw: Any, program: Program) -> None:
    axis = axis_of(draw, program)
    size = program.shape[axis]
    indices = draw(st.lists(st.integers(-size, size - 1), min_size=1, max_size=size + 1))
    program.add(
        "Gather", [program.value, program.constant(indices)], replaced(program.shape, axis, len(indices)), axis=axis
    )


def pad(draw: Any, program: Program) -> None:
    axis = axis_of(draw, program)
    low, high = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    rank = len(program.shape)
    pads = [0] * (2 * rank)
    pads[axis], pads[axis + rank] = low, high
    shape = replaced(program.shape, axis, low + program.shape[axis] + high)
    program.add("Pad", [program.value, program.constant(pads)], shape)


def double(draw: Any, program: Program) -> None:
    axis = axis_of(draw, program)
    program.add("Concat", [program.value] * 2, replaced(program.shape, axis, 2 * program.shape[axis]), axis=axis)


def expand(draw: Any, program: Program) -> None:
    axis = axis_of(draw, program)
    if program.shape[axis] == 1:
        shape = replaced(program.shape, axis, draw(st.integers(1, 4)))
        program.add("Expand", [program.value, program.constant(shape)], shape)


def exchange(draw: Any, program: Program) -> None:
    size = program.shape[-1]
    matrix = np.eye(size)[draw(st.permutations(range(size)))]
    program.add("MatMul", [program.value, program.constant(matrix, np.float32)], program.shape)


def replaced(shape: tuple[int, ...], axis: int, size: int) -> tuple[int, ...]:
    return (*shape[:axis], size, *shape[axis + 1 :])


MOVES = [reshape, transpose, transpose, cut, flip, flip, roll, gather, pad, double, expand, exchange]


@st.composite
def programs(draw: Any) -> Program:
    size = draw(st.sampled_from([12, 16, 24, 36, 48, 60, 64, 72, 96]))
    program = Program(draw(shapes(size)))
    for _ in range(draw(st.integers(1, 12))):
        before = (list(program.nodes), program.value, program.shape)
        draw(st.sampled_from(MOVES))(draw, program)
        if prod(program.shape) > MOST_ELEMENTS:
            program.nodes, program.value, program.shape = before
    if not program.nodes:
        reshape(draw, program)
    return program


@pytest.mark.slow
@given(programs())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_a_synthesised_program_is_the_original(program: Program) -> None:
    model = program.model()
    onnx.checker.check_model(model, full_check=True)
    graph = MutableGraph(model)
    match = RotateWithTranspose().match(graph, graph.nodes[-1])
    assert match is not None
    event("refused" if not match.candidates else "synthesised")
    assert match.candidates or match.reason
    for candidate in match.candidates:
        assert prove(graph, candidate.replacement, candidate.claim).kind == "exact"


def test_zeros_among_runs_are_placed_along_the_axis_that_has_them() -> None:
    """Of every 84 rows 64 come from one map: 84 x 64 numbers say that, however many times it is repeated."""
    text = """<ir_version: 8, opset_import: ["": 17]>
    g (float[1,64,8,8] x, float[1,64,4,5] z) => (float[1,2,2688,1] y) {
        rows = Constant <value_ints = [1, 64, -1]> ()
        a = Reshape (x, rows)
        b = Reshape (z, rows)
        c = Concat <axis = 2> (a, b)
        folded = Constant <value_ints = [1, 2, 2688, 1]> ()
        y = Reshape (c, folded)
    }"""
    graph = MutableGraph(onnx.shape_inference.infer_shapes(onnx.parser.parse_model(text)))
    match = RotateWithTranspose().match(graph, next(node for node in graph.nodes if node.op_type == "Concat"))
    assert match is not None
    for candidate in match.candidates:
        prove(graph, candidate.replacement, candidate.claim)
    sums = [
        offer.replacement
        for offer in match.candidates
        if any(node.op_type == "Add" for node in offer.replacement.nodes)
    ]
    shapes = [array.shape[:2] for offer in sums for array in offer.constants.values() if array.ndim == 4]
    assert sums
    assert set(shapes) <= {(84, 64), (84, 20), (21, 16), (21, 5)}
