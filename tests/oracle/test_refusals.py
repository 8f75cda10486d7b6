"""What the parser refuses: every refusal that is called measured has a rule case, or a form here that ONNX forbids."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any

import onnx
import pytest
from agreement import scope_profile
from scope_check import Ask, scope_check

from safecheck.finding import Grade
from safecheck.nvidia.scope_check.answers import Scope
from safecheck.rulebook.cases import cases, model_from_text
from safecheck.rulebook.load import profile
from safecheck.usecases.audit import audit_model

CASES = cases("trt-10")

# Forms that ONNX itself forbids, which no audit of a valid file reaches: the text of the refusal, operators, a model.
IMAGE = "[1,4,8,8] x) => (y) { y = $op"
FORBIDDEN_BY_ONNX = [
    (
        "Only floating point data is accepted.",
        "Acos Acosh Asin Asinh Atan Atanh Ceil Cos Cosh Erf Exp Floor Hardmax Log Reciprocal Round Sin Sinh Sqrt Tan",
        f"(int32{IMAGE}(x) }}",
    ),
    (
        "INT32, BOOL and UINT8 data is rejected.",
        "Elu Gelu HardSigmoid LeakyRelu Selu Sigmoid Softplus Softsign Tanh ThresholdedRelu",
        f"(int32{IMAGE}(x) }}",
    ),
    (
        "BOOL and UINT8 data is rejected.",
        "Abs Neg ReduceL1 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Sign",
        f"(bool{IMAGE}(x) }}",
    ),
    (
        "BOOL operands are rejected.",
        "Add Div Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mul Pow Sub Sum",
        f"(bool{IMAGE}(x, x) }}",
    ),
    ("Both operands must be BOOL.", "And Or Xor", f"(int32{IMAGE}(x, x) }}"),
    ("Only BOOL data is accepted.", "Not", f"(float{IMAGE}(x) }}"),
    (
        "Only FP32 and FP16 data is accepted.",
        "GlobalLpPool LpNormalization MeanVarianceNormalization Mish",
        f"(int32{IMAGE}(x) }}",
    ),
    ("Only FP32 and FP16 data is accepted.", "LpPool", f"(int32{IMAGE}<kernel_shape=[2,2]>(x) }}"),
    ("Only FP32, FP16 and INT8 data is accepted.", "HardSwish", f"(int32{IMAGE}(x) }}"),
    ("Only FP32, FP16, INT8 and INT32 data is accepted.", "Shrink", f"(bool{IMAGE}(x) }}"),
    (
        "The constants are FP32, and a strongly typed network converts nothing.",
        "Celu",
        f"(float16{IMAGE}(x) }}",
    ),
    ("Only rank 4 is accepted.", "DepthToSpace SpaceToDepth", "(float[4,8,8] x) => (y) { y = $op<blocksize=2>(x) }"),
    ("Only rank 2 is accepted.", "EyeLike", "(float[2,2,2] x) => (y) { y = $op(x) }"),
    ("The rank must be at least 2.", "Trilu", "(float[4] x) => (y) { y = $op(x) }"),
    ("The rank must be at least 2.", "ReverseSequence", "(float[4] x, int64[4] l) => (y) { y = $op(x, l) }"),
    ("sequence_lens must be 1-D.", "ReverseSequence", "(float[4,4] x, int64[4,1] l) => (y) { y = $op(x, l) }"),
    ("The shape must be 1-D.", "Expand", "(float[2,2] x) => (y) <int64[1,2] p = {2,2}> { y = $op(x, p) }"),
    (
        "Scale, bias, mean and variance must be 1-D.",
        "BatchNormalization",
        "(float[1,4,8,8] x, float[1,4] c) => (y) { y = $op(x, c, c, c, c) }",
    ),
    ("UINT8 is rejected.", "QuantizeLinear", "(uint8[4] x) => (y) <float s = {1}, int8 z = {0}> { y = $op(x, s, z) }"),
    (
        "A constant bias must be 1-D.",
        "Conv ConvTranspose",
        "(float[1,1,8,8] x) => (y) <float[1,1,1,1] w = {1}, float[1,1] b = {0}> { y = $op(x, w, b) }",
    ),
    ("Both factors must be 2-D.", "Gemm", "(float[2,2,2] x) => (y) { y = $op(x, x) }"),
    (
        "The length must be a rank-0 tensor.",
        "BlackmanWindow HammingWindow HannWindow",
        "() => (y) <int64[1] n = {8}> { y = $op(n) }",
    ),
    (
        "Only FP32 and FP16 results are accepted.",
        "RandomNormal RandomUniform",
        "() => (y) { y = $op<shape=[2], dtype=16>() }",
    ),
    (
        "Only FP32 and FP16 results are accepted.",
        "RandomNormalLike RandomUniformLike",
        "(float[4] x) => (y) { y = $op<dtype=16>(x) }",
    ),
    (
        "The operands must all be integers or all be FP32.",
        "Range",
        "() => (y) <float16 a = {0}, float16 b = {5}, float16 c = {1}> { y = $op(a, b, c) }",
    ),
    (
        "pads must not be written beside SAME.",
        "ConvTranspose",
        '(float[1,1,8,8] x, float[1,1,3,3] w) => (y) { y = $op<auto_pad="SAME_UPPER", pads=[0,0,0,0]>(x, w) }',
    ),
    (
        "Every gate needs an activation.",
        "RNN",
        "(float[2,1,3] x, float[1,4,3] w, float[1,4,4] r) => (y) { y = $op<activations: strings=[]>(x, w, r) }",
    ),
]


@pytest.fixture(scope="module")
def ask() -> Ask:
    try:
        return scope_check()
    except ImportError as reason:
        pytest.skip(f"the check is not installed (extra `oracle`): {reason}")


def with_types(model: Any) -> bytes:
    """The model with the types of its outputs, which cases leave out and the parser needs."""
    for output, known in zip(model.graph.output, onnx.shape_inference.infer_shapes(model).graph.output, strict=True):
        output.CopyFrom(known)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(("text", "operators", "model"), FORBIDDEN_BY_ONNX, ids=lambda value: value[:30])
def test_forms_that_onnx_forbids(ask: Ask, text: str, operators: str, model: str) -> None:
    for operator in operators.split():
        answer = ask(with_types(model_from_text(Template(model).substitute(op=operator), 23)))
        assert answer.scope is Scope.UNPARSED, (operator, answer)


def shown(folder: str) -> Iterator[tuple[str, str]]:
    """Operators of all cases with the texts of what the parser refuses."""
    for case in CASES:
        file = Path(folder) / "case.onnx"
        file.write_bytes(case.proto().SerializeToString())
        audit = audit_model(str(file), scope_profile()).audit
        for finding in audit.findings if audit is not None else ():
            if finding.rule == "scope10-parser-refuses":
                yield from ((finding.location.op_type, str(evidence.actual)) for evidence in finding.evidence)


def test_what_is_called_measured_has_a_case() -> None:
    table = profile("tensorrt-10-safety").table
    measured = set()
    for name in table.operators:
        operator = table.operator(name)
        assert operator is not None
        measured |= {(name, refusal.text) for refusal in operator.refuses if refusal.grade is Grade.MEASURED}
    with tempfile.TemporaryDirectory() as folder:
        known = set(shown(folder))
    known |= {(name, text) for text, operators, _ in FORBIDDEN_BY_ONNX for name in operators.split()}
    assert sorted(measured - known) == [], "give each of these refusals a case, or call its operator unasked"
