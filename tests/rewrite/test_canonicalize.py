"""Normalisation keeps what a network computes, and stays small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest

from safecheck.rewrite.canonicalize.fold import MAX_GROWTH
from safecheck.rewrite.canonicalize.interface import fix_batch, inline_functions
from safecheck.rewrite.canonicalize.opset import convert_opset
from safecheck.rewrite.canonicalize.repair import repair
from safecheck.rewrite.canonicalize.run import normalise
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.proof.runtime import Session
from safecheck.rulebook.load import profile
from safecheck.usecases.audit import audit_model

HEADER = '<ir_version: 8, opset_import: ["" : 17]>'


def model(text: str, header: str = HEADER) -> Any:
    return onnx.parser.parse_model(f"{header}\n{text}")


def normalised(proto: Any) -> tuple[MutableGraph, dict[str, list[Any]]]:
    """The graph, after a check that it computes what it did before."""
    before = onnx.ModelProto()
    before.CopyFrom(proto)
    graph = MutableGraph(proto)
    gone = normalise(graph)
    after = graph.model()
    onnx.checker.check_model(after, full_check=True)
    random = np.random.default_rng(0)
    feed = {
        value.name: random.standard_normal([d.dim_value for d in value.type.tensor_type.shape.dim]).astype(np.float32)
        for value in before.graph.input
    }
    expected, actual = Session(before.SerializeToString()).run(feed), Session(after.SerializeToString()).run(feed)
    for one, other in zip(expected, actual, strict=True):
        assert np.array_equal(one, other)
    return graph, gone


def kinds(graph: MutableGraph) -> list[str]:
    return [node.op_type for node in graph.nodes]


def test_shape_arithmetic_is_folded() -> None:
    graph, gone = normalised(
        model("""g (float[2,3,4] x) => (float[2,12] y) {
            s = Shape (x)
            zero = Constant <value = int64[1] {0}> ()
            n = Gather (s, zero)
            rest = Constant <value = int64[1] {-1}> ()
            shape = Concat <axis = 0> (n, rest)
            y = Reshape (x, shape)
        }""")
    )
    assert kinds(graph) == ["Reshape"]
    assert len(gone["fold-constants"]) == 5


def test_what_would_blow_up_the_file_stays() -> None:
    side = int((MAX_GROWTH / 8) ** 0.5) + 1
    graph = MutableGraph(
        model(f"""g (float[1] x) => (float[{side},{side}] y) {{
            shape = Constant <value = int64[2] {{{side}, {side}}}> ()
            ones = ConstantOfShape <value = float[1] {{1.0}}> (shape)
            y = Mul (x, ones)
        }}""")
    )
    normalise(graph)
    assert kinds(graph) == ["ConstantOfShape", "Mul"]


def test_copies_are_gone_and_the_interface_stays() -> None:
    graph, gone = normalised(
        model("""g (float[2,3] x) => (float[2,3] y, float[2,3] z) {
            a = Identity (x)
            b = Relu (a)
            c = Identity (b)
            d, mask = Dropout (c)
            y = Identity (d)
            z = Identity (x)
        }""")
    )
    assert kinds(graph) == ["Relu", "Identity"]
    assert (graph.nodes[0].output[0], graph.outputs) == ("y", ["y", "z"])
    assert len(gone["remove-copies"]) == 4


def test_a_constant_condition_chooses_its_branch() -> None:
    graph, _ = normalised(
        model("""g (float[2,3] x) => (float[2,3] y) {
            yes = Constant <value = bool {1}> ()
            y = If (yes) <
                then_branch = t () => (float[2,3] a) { k = Relu (x)  a = Mul (k, x) },
                else_branch = e () => (float[2,3] b) { b = Neg (x) }
            >
        }""")
    )
    assert kinds(graph) == ["Relu", "Mul"]


def test_a_condition_that_is_computed_stays() -> None:
    graph, gone = normalised(
        model("""g (float[2,3] x) => (float[2,3] y) {
            zero = Constant <value = float {0.0}> ()
            total = ReduceSum <keepdims = 0> (x)
            yes = Greater (total, zero)
            y = If (yes) <
                then_branch = t () => (float[2,3] a) { a = Relu (x) },
                else_branch = e () => (float[2,3] b) { b = Neg (x) }
            >
        }""")
    )
    assert kinds(graph) == ["ReduceSum", "Greater", "If"]
    assert "inline-control-flow" not in gone


LOOP = """g (float[2,3] x) => (float[2,3] y) {{
    rounds = Constant <value = int64 {{{rounds}}}> ()
    yes = Constant <value = bool {{1}}> ()
    y = Loop (rounds, yes, x) <
        body = b (int64 i, bool c, float[2,3] v) => (bool d, float[2,3] w) {{
            d = Identity (c)
            f = Cast <to = 1> (i)
            s = Add (v, f)
            w = Mul (s, x)
        }}
    >
}}"""


@pytest.mark.parametrize("rounds", [1, 3])
def test_a_loop_of_fixed_length_is_written_out(rounds: int) -> None:
    graph, _ = normalised(model(LOOP.format(rounds=rounds)))
    assert kinds(graph) == ["Add", "Mul"] * rounds


def test_a_loop_without_end_stays() -> None:
    graph = MutableGraph(model(LOOP.format(rounds=10**9)))
    normalise(graph)
    assert kinds(graph) == ["Loop"]


def test_functions_are_written_out() -> None:
    proto = model(
        """g (float[2,3] x) => (float[2,3] y) { y = own.twice (x) }
        <domain: "own", opset_import: ["" : 17]> twice (a) => (b) { b = Add (a, a) }""",
        '<ir_version: 8, opset_import: ["" : 17, "own" : 1]>',
    )
    inlined, count = inline_functions(proto)
    assert count == 1
    graph, _ = normalised(inlined)
    assert kinds(graph) == ["Add"]


def test_sequences_become_tensors() -> None:
    graph, _ = normalised(
        model("""g (float[4,3] x) => (float[4,3] y) {
            sizes = Constant <value = int64[2] {1, 3}> ()
            parts = SplitToSequence <axis = 0> (x, sizes)
            one = Constant <value = int64 {1}> ()
            zero = Constant <value = int64 {0}> ()
            b = SequenceAt (parts, one)
            a = SequenceAt (parts, zero)
            pair = SequenceConstruct (b, a)
            y = ConcatFromSequence <axis = 0> (pair)
        }""")
    )
    assert kinds(graph) == ["Split", "Concat"]


def test_negative_axes_of_a_transpose_are_counted_from_the_front() -> None:
    proto = model("g (float[2,3,4] x) => (float[2,4,3] y) { y = Transpose <perm = [0, -1, 1]> (x) }")
    assert len(repair(proto)) == 1
    graph, _ = normalised(proto)
    assert graph.dims("y") == (2, 4, 3)


def test_an_open_batch_is_fixed_everywhere() -> None:
    proto = model("g (float[N,3] x, float[N,3] z) => (float[N,3] y) { y = Add (x, z) }")
    assert fix_batch(proto, 4) == 2
    assert MutableGraph(proto).dims("y") == (4, 3)


def test_another_operator_set() -> None:
    proto = model("g (float[2,3] x) => (float[2,3] y) { y = Softmax <axis = 1> (x) }")
    assert convert_opset(proto, 18, "m").opset_import[0].version == 18


@pytest.mark.parametrize(("scales", "offered"), [("t = Identity(s)", True), ("t = Mul(s, o)", False)])
def test_folding_is_offered_only_where_something_folds(scales: str, offered: bool, tmp_path: Path) -> None:
    text = f"""g (float[1,1,5,5] x, float[4] o) => (float[1,1,m,n] y) <float[4] s = {{1, 1, 0.5, 0.5}}> {{
        {scales}
        y = Resize <mode = "linear"> (x, , t)
    }}"""
    file = tmp_path / "model.onnx"
    onnx.save(model(text), file)
    report = audit_model(str(file), profile("tensorrt-10-safety"))
    assert report.audit is not None
    found = {part.rule: part.remedies for part in report.audit.findings if part.rule.startswith("mistranslation-")}
    assert found == {"mistranslation-resize-computed-scale": ("fold-constants",) if offered else ()}


def test_a_number_that_was_quantised_is_a_constant_and_weights_that_were_stay_quantised() -> None:
    """The factors of a written out Gelu, as a quantiser leaves them; a parser finds no axis in a scalar."""
    graph, _ = normalised(
        model("""g (float[2,4] x) => (float[2,4] y)
        <float scale = {0.25}, int8 zero = {0}, float[4] w = {1, 2, 3, 4}> {
            half = Constant <value = float {0.6}> ()
            q = QuantizeLinear (half, scale, zero) number = DequantizeLinear (q, scale, zero)
            qw = QuantizeLinear (w, scale, zero) row = DequantizeLinear (qw, scale, zero)
            a = Mul (x, number) y = Add (a, row)
        }""")
    )
    assert kinds(graph) == ["QuantizeLinear", "DequantizeLinear", "Mul", "Add"]
    assert float(graph.constant("number")) == 0.5
