"""What ONNX forbids is no network: one line that names the node and both facts, exit code 3.

The outside reason is onnxruntime, which loads or runs none of the models that are refused here, and all of the others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from case_files import model_from_text
from onnx.backend.test.case.node import collect_testcases

from safecheck.audit.audit import audit
from safecheck.errors import InputError
from safecheck.finding import ModelVerdict
from safecheck.intake.memory import InMemory
from safecheck.ir.model import load
from safecheck.ir.signatures import signatures
from safecheck.ir.validity import contradiction, violation
from safecheck.rulebook.load import profile

SCHEMA = [
    ("(float[4] x, int32[4] z) => (float[4] y) { y = Add(x, z) }", "B is INT32, but A is FLOAT"),
    ("(float[1,2,8,8] x, float[2,2,3,3] w, float16[2] b) => (float[1,2,6,6] y) { y = Conv(x, w, b) }", "B is FLOAT16"),
    ("(int32[4] x) => (int32[4] y) { y = Exp(x) }", "input is INT32, which the operator is not defined for"),
    ("(float[4] x) => (float[4] y) { y = Relu<slope = 1.0>(x) }", "attribute slope is none of this operator"),
    ("(float[4] x) => (float[4] y) { y = Softmax<axis = 0.5>(x) }", "attribute axis is of type FLOAT, but INT"),
    ("(float[4] x) => (float[8] y) { y = Concat(x, x) }", "attribute axis is required and missing"),
    ("(float[4] x) => (float[4] y) { y = Relu(x, x) }", "2 inputs, but Relu takes 1"),
    ("(float[4] x) => (float[4] y) { y = Add(, x) }", "input A is left out, but it is required"),
    ("(float[4] x) => (float[4] y) { y, z = Relu(x) }", "2 outputs, but Relu has 1"),
    (
        '(float[1,4,4,4] x) => (float y) { y = DepthToSpace<blocksize = 2, mode = "crd">(x) }',
        "mode is 'crd', but it must be one of CRD, DCR",
    ),
]
OPERANDS = [
    (
        "(float[1,3,8,8] x, float[2,2,3,3] w) => (float[1,2,6,6] y) { y = Conv(x, w) }",
        "X has 3 channels, but W takes 2",
    ),
    ("(float[1,4,8,8] x, float[3,2,3,3] w) => (float[1,3,6,6] y) { y = Conv<group = 2>(x, w) }", "W makes 3 maps"),
    (
        "(float[1,2,8,8] x, float[8,2,3,3] w, float[1] b) => (float[1,8,6,6] y) { y = Conv(x, w, b) }",
        "B has 1 elements",
    ),
    (
        "(float[1,2,8,8] x, float[2,2,3,3] w) => (float[1,2,8,8] y) { y = Conv<kernel_shape = [1,1]>(x, w) }",
        "W has 3x3",
    ),
    (
        "(float[1,2,2,2] x, float[2,2,3,3] w) => (float y) { y = Conv(x, w) }",
        "the filter reaches over 3 along dimension 2, but the padded image has 2",
    ),
    (
        "(float[1,1,5,2] x, float[1,1,3,3] w) => (float y) { y = Conv <strides = [2, 2]> (x, w) }",
        "the filter reaches over 3 along dimension 3, but the padded image has 2",
    ),
    (
        "(float[1,1,5,4] x, float[1,1,3,3] w) => (float y) { y = Conv <strides = [2, 2], dilations = [3, 3]> (x, w) }",
        "the filter reaches over 7 along dimension 2, but the padded image has 5",
    ),
    ("(float[1,2,8,8] x, float[2,2,3,3] w) => (float y) { y = Conv<strides = [0,0]>(x, w) }", "strides holds 0"),
    ("(float[1,2,8,8] x, float[2,2,3,3] w) => (float y) { y = Conv<pads = [1,1]>(x, w) }", "pads has 2 entries"),
    (
        "(float[1,3,8,8] x, float[2,2,3,3] w) => (float y) { y = ConvTranspose(x, w) }",
        "X has 3 channels, but W takes 2",
    ),
    ("(float[4] x) => (float[4] y) { y = MaxPool<kernel_shape = [2]>(x) }", "X has rank 1, but it must be at least 3"),
    ("(float[1,2,8,8] x) => (float y) { y = MaxPool<kernel_shape = [2]>(x) }", "kernel_shape has 1 entries"),
    ("(float[2,3] x, float[4,5] z) => (float[2,5] y) { y = MatMul(x, z) }", "A has 3 columns, but B has 4 rows"),
    ("(float[2,3] x, float[4,5] z) => (float[2,5] y) { y = Gemm(x, z) }", "A has 3 columns, but B has 4 rows"),
    (
        "(float[2,3] x, float[3,5] z, float[4] c) => (float[2,5] y) { y = Gemm(x, z, c) }",
        "C is 4, which does not stretch",
    ),
    ("(float[2,3] x, float[2,2] z) => (float[2,3] y) { y = Add(x, z) }", "do not stretch to a common one"),
    ("(float[2,3,4] x, float[3] z) => (float[2,3,4] y) { y = PRelu(x, z) }", "slope is 3, which does not stretch"),
    ("(float[4,8] x) => (float[5,8] y) <int64[2] s = {5, 8}> { y = Reshape(x, s) }", "the data has 32 elements"),
    (
        "(float[1,5,6] x, int64[1,5,6] i, float[1,6,6] u) => (float y) { y = ScatterElements<axis = 1>(x, i, u) }",
        "the updates are 1x6x6, but the indices 1x5x6",
    ),
    ("(float[4,8] x) => (float[4,8] y) <int64[2] a = {0, 1}> { y = CumSum(x, a) }", "the axis has 2 elements"),
    ("(float[4,8] x) => (float y) <int64[6] p = {0,0,1,0,0,1}> { y = Pad(x, p) }", "2 dimensions to pad ask for 4"),
    ("(float x) => (float y) <int64[2] p = {0, 1}> { y = Pad(x, p) }", "0 dimensions to pad ask for 0"),
    ("(float[5,1,4] x, int64 i) => (float y) { y = ScatterND(x, i, x) }", "the indices are a scalar"),
    ("(float[4,8] x) => (float[4,8] y) { y = Transpose<perm = [0,0]>(x) }", "perm is [0, 0]"),
    ("(float[4,8] x) => (float y) <int64[1,2] s = {8, 4}> { y = Reshape(x, s) }", "input 1 has rank 2"),
    ("(float[4,8] x) => (float y) <int64 s = {0}, int64 e = {2}> { y = Slice(x, s, e) }", "input 1 has rank 0"),
    ("(float[4,8] x) => (float y) <int64[1,2] s = {2, 2}> { y = Tile(x, s) }", "input 1 has rank 2"),
    ("(float[4,8] x, float[4] l) => (float[4,8] y) { y = Clip(x, l) }", "min is 4, but it must be a scalar"),
    ("(float x) => (float y) <int64[1] a = {0}> { y = Squeeze(x, a) }", "axes holds 0, but there are 0 dimensions"),
    ("(float[4,0] x) => (int64[4,1] y) { y = ArgMax<axis = 1>(x) }", "dimension 1 has 0 elements"),
    ("(float[4,8] x) => (float y, int64 i) <int64[1] k = {9}> { y, i = TopK(x, k) }", "which are fewer than 9"),
    ("(float[4,8] x) => (float y) { y = ReduceMean<axes = [2]>(x) }", "axes holds 2, but there are 2 dimensions"),
    ("(float[4,8] x) => (float y) <int64[1] a = {-3}> { y = ReduceSum(x, a) }", "axes holds -3"),
    ("(float[4,8] x) => (float y) <int64[2] a = {0, 0}> { y = Unsqueeze(x, a) }", "names a dimension twice"),
    (
        "(float[5,2,3] x, float[1,8,3] w, float[1,8,4] r) => (float y) { y = LSTM<hidden_size = 2>(x, w, r) }",
        "R is 1x8x4, but the other operands ask for 1x8x2",
    ),
    (
        "(float[5,2,3] x, float[1,6,3] w, float[1,6,2] r, float[1,6] b) => (float y) "
        "{ y = GRU<hidden_size = 2>(x, w, r, b) }",
        "B is 1x6, but the other operands ask for 1x12",
    ),
    (
        "(float[5,2,3] x, float[1,2,3] w, float[1,2,2] r, float[2,2] h) => (float y) "
        '{ y = RNN<hidden_size = 2>(x, w, r, "", "", h) }',
        "initial_h has rank 2, but it must have rank 3",
    ),
    ("(float[4,8] x) => (float[4,8] y) { y = Softmax<axis = 2>(x) }", "axis is 2, but the data has rank 2"),
    ("(float[4,8] x, float[4,4,8] z) => (float[8,8] y) { y = Concat<axis = 0>(x, z) }", "have different ranks"),
    ("(float[4,8] x, float[4,7] z) => (float[8,8] y) { y = Concat<axis = 0>(x, z) }", "differ outside of axis 0"),
    ("(float[1,6,4,4] x) => (float y) { y = DepthToSpace<blocksize = 2>(x) }", "which 4 does not divide"),
    ("(float[1,6,4,4] x, float[5] s) => (float[1,6,4,4] y) { y = BatchNormalization(x, s, s, s, s) }", "input 1 has 5"),
    ("(float[1,6,4,4] x, float[5] s) => (float[1,6,4,4] y) { y = InstanceNormalization(x, s, s) }", "input 1 has 5"),
    ("(float[2,4] x, float[2,3] s) => (float[2,4] y) { y = LayerNormalization(x, s) }", "Scale is 2x3"),
    ('(float[2,3] x, float[4,5] z) => (float[2,5] y) { y = Einsum<equation = "ij,jk->ik">(x, z) }', "letter j"),
    ("(float[2,3] x) => (float y) <int64 a = {2}> { y = CumSum(x, a) }", "axis is 2, but the data has rank 2"),
    ("(float[2,3] x) => (float y) <int64[2] i = {0, 3}> { y = Gather<axis = 1>(x, i) }", "the indices hold 3, but dim"),
    (
        "(float[2,3] x) => (float y) <int64[1] i = {-3}> { y = Gather(x, i) }",
        "the indices hold -3, but dimension 0 has 2",
    ),
    (
        "(float[2,3] x) => (float y) <int64[1,2] i = {0, 3}> { y = GatherElements<axis = 1>(x, i) }",
        "the indices hold 3, but dimension 1 has 3",
    ),
    ("(float[2,3] x) => (float y) <int64[2] i = {0, 1}> { y = GatherElements(x, i) }", "the indices have rank 1"),
    (
        "(float[2,3] x, int64[1,4] i) => (float y) { y = GatherElements(x, i) }",
        "dimension 1 of the indices is 4, but the data has 3",
    ),
    (
        "(float[2,3] x) => (float y) <int64[1,2] i = {0, 3}> { y = GatherND(x, i) }",
        "the indices hold 3, but dimension 1",
    ),
    (
        "(float[2,3] x) => (float y) <int64[1,1] i = {4}> { y = GatherND<batch_dims = 1>(x, i) }",
        "the indices hold 4, but dimension 1 has 3",
    ),
    (
        "(float[2,3] x, float[1,3] u) => (float y) <int64[1,1] i = {2}> { y = ScatterND(x, i, u) }",
        "the indices hold 2, but dimension 0 has 2",
    ),
    (
        "(float[2,3] x, float[1,1] u) => (float y) <int64[1,1] i = {-4}> { y = ScatterElements<axis = 1>(x, i, u) }",
        "the indices hold -4, but dimension 1 has 3",
    ),
]
LEGAL = [
    "(float[N,3,8,8] x, float[2,3,3,3] w) => (float y) { y = Conv(x, w) }",
    "(float[4,8] x) => (float[2,16] y) <int64[2] s = {2, -1}> { y = Reshape(x, s) }",
    "(float[4,8] x) => (float[0,8] y) { y = Compress<axis = 0>(x, c) }",
    '(float[2,3] x, float[1,5] z) => (float[2,3,5] y) { y = Einsum<equation = "ij,jk->ijk">(x, z) }',
    "(float[2,3] x, float[3,5] z, float[2,1] c) => (float[2,5] y) { y = Gemm(x, z, c) }",
    "(float[4,8] x, float[0,8] z) => (float[4,8] y) { y = Concat<axis = 0>(x, z) }",
    "(float[4,8] x) => (float y) <int64[1] a = {-2}> { y = ReduceSum(x, a) }",
    "(float x) => (float y) { y = ReduceMean(x) }",
    "(float x, float[1] z) => (float y) { y = PRelu(x, z) }",
    "(float[5,2,3] x, float[1,8,3] w, float[1,8,2] r) => (float y) { y = LSTM<hidden_size = 2>(x, w, r) }",
    "(float[2,4] x, float[1,4] s) => (float[2,4] y) { y = LayerNormalization(x, s) }",
    "(float[1,4,8,8] x) => (float[1,4,4,4] y) { y = AveragePool<kernel_shape = [2,2], strides = [2,2]>(x) }",
]


def loads(model: Any) -> bool:
    """Whether onnxruntime loads and runs a model, all of whose inputs are ones."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    types = {"tensor(float)": np.float32, "tensor(int32)": np.int32, "tensor(float16)": np.float16}
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        feeds = {
            value.name: np.ones([dim if isinstance(dim, int) else 2 for dim in value.shape], types[value.type])
            for value in session.get_inputs()
        }
        session.run(None, feeds)
    except Exception:
        return False
    return True


@pytest.mark.parametrize(
    ("code", "text", "words"),
    [("SC-ONNX-SCHEMA", *row) for row in SCHEMA] + [("SC-ONNX-OPERAND", *row) for row in OPERANDS],
)
def test_what_onnx_forbids_is_no_network(code: str, text: str, words: str) -> None:
    model = model_from_text(text)
    assert not loads(model)
    with pytest.raises(InputError) as caught:
        audit(load(InMemory(model.SerializeToString())), profile("tensorrt-10-safety"))
    error = caught.value
    assert (error.code, error.exit_code) == (code, 3)
    assert words in error.what
    assert "\n" not in str(error)
    assert "node 0" in str(error)


@pytest.mark.parametrize("text", LEGAL)
def test_what_onnx_allows_is_judged(text: str) -> None:
    model = model_from_text(text, weights={"c": "bool[4]"} if "Compress" in text else None)
    assert loads(model)
    audit(load(InMemory(model.SerializeToString())), profile("tensorrt-10-safety"))


@pytest.mark.slow
def test_no_model_of_onnx_is_taken_for_none() -> None:
    """The models of onnx's own node tests are what ONNX allows."""
    refused = []
    for case in collect_testcases(None):
        try:
            graph = load(InMemory(case.model.SerializeToString())).graph
        except InputError:
            continue
        nodes = signatures(graph).nodes
        found = [violation(node.signature) for node in nodes]
        found += [contradiction(node.signature) for node in nodes if not node.node.scope.path]
        refused += [(case.name, what) for what in found if what is not None]
    assert refused == []


def test_an_output_says_of_what_type_it_is() -> None:
    """The vendor's parser fails to convert the type of an output that has none."""
    model = model_from_text("(float[4] x) => (float[4] y) { y = Relu(x) }")
    model.graph.output[0].ClearField("type")
    with pytest.raises(InputError, match="does not say of what type") as caught:
        load(InMemory(model.SerializeToString()))
    assert caught.value.code == "SC-MODEL-OUTPUT"
    model.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    load(InMemory(model.SerializeToString()))


def test_a_list_of_operands_has_no_gaps() -> None:
    """onnxruntime dies of it, so it is not asked."""
    model = model_from_text("(float[4] x, float[4] z) => (float[4] y) { y = Min(x, x, z) }")
    model.graph.node[0].input[1] = ""
    with pytest.raises(InputError, match="input 1 is left out, but data_0 has no gaps") as caught:
        audit(load(InMemory(model.SerializeToString())), profile("tensorrt-10-safety"))
    assert (caught.value.code, caught.value.exit_code) == ("SC-ONNX-SCHEMA", 3)


@pytest.mark.parametrize("name", ["trip count", "condition"])
def test_what_limits_a_loop_is_one_element(name: str) -> None:
    """ONNX asks for a scalar or one element; the vendor's parser dies of two."""
    lengths = {"m": 2 if name == "trip count" else 1, "c": 2 if name == "condition" else 1}
    model = model_from_text(
        f"(float[4] x, int64[{lengths['m']}] m, bool[{lengths['c']}] c) => (float[4] y) "
        "{ y = Loop(m, c, x) <body = b (int64 i, bool go, float[4] v) => (bool again, float[4] w) "
        "{ again = Identity(go) w = Abs(v) }> }"
    )
    with pytest.raises(InputError, match=f"the {name} has 2 elements, but it must have one"):
        audit(load(InMemory(model.SerializeToString())), profile("tensorrt-10-safety"))


def test_scales_are_a_vector() -> None:
    """onnxruntime takes a matrix of as many elements for one; the vendor's parser does not."""
    model = model_from_text(
        '(float[1,1,8] x) => (float y) <float[1,3] s = {1, 1, 1}> { y = Resize<mode = "linear">(x, "", s) }'
    )
    with pytest.raises(InputError, match="input 2 has rank 2, but it must be a vector"):
        audit(load(InMemory(model.SerializeToString())), profile("tensorrt-10-safety"))


def test_a_branch_that_never_runs_may_hold_what_does_not_fit() -> None:
    """PyTorch's atleast_1d reshapes scalars only, and its export says so by a condition on the rank."""
    model = model_from_text(
        "(float[2,2] x, bool c) => (float y) <int64[1] one = {1}> { y = If(c) "
        "<then_branch = a () => (float[1] t) { t = Reshape(x, one) }, "
        "else_branch = b () => (float[2,2] e) { e = Identity(x) }> }"
    )
    found = audit(load(InMemory(model.SerializeToString())), profile("tensorrt-8.6-restricted"))
    said = [part.actual for finding in found.findings for part in finding.evidence if part.fact == "operands"]
    assert said == ["the data has 4 elements, but the result 1 has 1"]
    assert found.verdict is not ModelVerdict.COMPLIANT


def test_a_required_output_has_a_name() -> None:
    model = model_from_text("(float[4,8] x) => (int64[4,2] i) <int64[1] k = {2}> { v, i = TopK(x, k) }")
    assert loads(model)
    model.graph.node[0].output[0] = ""
    assert not loads(model)
    with pytest.raises(InputError, match="output Values has no name, but it is required"):
        audit(load(InMemory(model.SerializeToString())), profile("tensorrt-10-safety"))


def test_a_constant_has_one_value() -> None:
    """onnxruntime takes one of them; which, no text says (Constant-13: exactly one)."""
    model = model_from_text(
        "(float[4] x) => (float[4] y) { c = Constant<value_float = 1.0, value_int = 2>() y = Add(x, c) }"
    )
    with pytest.raises(InputError, match="but a Constant has one"):
        audit(load(InMemory(model.SerializeToString())), profile("tensorrt-10-safety"))


@pytest.mark.parametrize(
    ("opset", "text", "words"),
    [
        (
            23,
            "(float[2,3] x, float[2] w) => (float y) { y = RMSNormalization(x, w) }",
            "Scale is 2, which does not stretch to 2x3 of X",
        ),
        (
            18,
            "(float[4] x) => (float y) { y, z = Split<num_outputs = 3>(x) }",
            "num_outputs is 3, but the node has 2",
        ),
        (
            20,
            '(float[4] x) => (float y) { y = Gelu<approximate = "erf">(x) }',
            "approximate is 'erf', but it must be one",
        ),
        (14, "(float[3,3] x) => (float y) <int64[2] k = {0, 1}> { y = Trilu(x, k) }", "the diagonal has 2 elements"),
        (
            17,
            "(float[1,2,4,4] x) => (float y) <float[4] s = {1, 1, 0, 1}> { y = Resize(x, , s) }",
            "a factor or size is 0.0, but it must be above 0",
        ),
        (
            13,
            "(float[1,2,4,4] x) => (float y) <int64[4] s = {1, 2, 0, 4}> { y = Resize(x, , , s) }",
            "a factor or size is 0, but it must be above 0",
        ),
        (
            10,
            "(float[1,2,4,4] x) => (float y) <float[4] s = {1, 1, -2, 1}> { y = Resize(x, s) }",
            "a factor or size is -2.0",
        ),
        (
            9,
            "(float[1,2,4,4] x) => (float y) <float[4] s = {1, 1, 0, 1}> { y = Upsample(x, s) }",
            "a factor or size is 0.0",
        ),
        (
            7,
            "(float[1,2,4,4] x) => (float y) { y = Upsample<scales = [1.0, 1.0, 0.0, 1.0]>(x) }",
            "a factor or size is 0.0",
        ),
        (
            16,
            '(float[1,2,4,4] x, float[1,3,3,2] g) => (float y) { y = GridSample<mode = "linear">(x, g) }',
            "mode is 'linear', but it must be one of bicubic, bilinear, nearest",
        ),
        (
            20,
            '(float[1,2,4,4] x, float[1,3,3,2] g) => (float y) { y = GridSample<mode = "bilinear">(x, g) }',
            "mode is 'bilinear', but it must be one of cubic, linear, nearest",
        ),
        (
            13,
            '(float[1,2,4,4] x, float[2] c) => (float y) { y, "" = BatchNormalization(x, c, c, c, c) }',
            "2 outputs, but BatchNormalization has 1 or 5",
        ),
        (
            17,
            "(float[3,5] x, float[2,9] z) => (float y) { s = Shape(z) y = Reshape(x, s) v = Neg(z) }",
            "the data has 15 elements, but the result 2x9 has 18",
        ),
    ],
)
def test_what_later_operator_sets_and_computed_targets_forbid(opset: int, text: str, words: str) -> None:
    model = model_from_text(text, opset)
    assert not loads(model)
    with pytest.raises(InputError, match=words):
        audit(load(InMemory(model.SerializeToString())), profile("tensorrt-10-safety"))


@pytest.mark.parametrize("slopes", ["1.0, 1.0, 1", "1.0, 1, 1.0"])
def test_an_attribute_of_a_wrong_type_is_not_taken_for_an_equal_one(slopes: str) -> None:
    names = ["x", "a", "b", "c"]
    nodes = [
        f"{made} = LeakyRelu<alpha = {slope}>({given})"
        for given, made, slope in zip(names, names[1:], slopes.split(", "), strict=False)
    ]
    text = f"(float[1,3,8,8] x) => (float[1,3,8,8] y) {{ {' '.join([*nodes, 'y = Relu(c)'])} }}"
    model = model_from_text(text)
    with pytest.raises(onnx.checker.ValidationError, match="alpha"):
        onnx.checker.check_model(model)
    with pytest.raises(InputError, match="alpha is of type INT"):
        audit(load(InMemory(model.SerializeToString())), profile("tensorrt-8.6-restricted"))
