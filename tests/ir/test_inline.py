"""Local functions as the vendor's parser reads them: written out where they are called, or known not to be.

What the parser makes of each model was listed with tensorrt-rtx 1.4.0.76: the values of `alpha`, the axes of a softmax.
"""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from case_files import model_from_text

from safecheck.finding import ModelVerdict
from safecheck.intake.memory import InMemory
from safecheck.ir import inline
from safecheck.ir.inline import LOST_ATTRIBUTE, OTHER_COUNT, OTHER_OPSET, inlined
from safecheck.rulebook.load import profile
from safecheck.usecases.audit import audit_model

HEAD = '<ir_version: 9, opset_import: ["" : 17, "l" : 1]> g '
FUNCTION = '<domain: "l", opset_import: ["" : 17, "l" : 1]> '
LEAKY = FUNCTION + "F <alpha: float = 0.25>(a) => (b) { b = LeakyRelu<alpha: float = @alpha>(a) }"
CALL = HEAD + "(float[4] x) => (float[4] y) { y = l.F(x) } "
READ = {
    "a default": CALL + LEAKY,
    "an attribute": CALL.replace("l.F(x)", "l.F<alpha = 0.5>(x)") + LEAKY,
    "two calls": CALL.replace("y = l.F(x)", "z = l.F(x) y = l.F(z)")
    + FUNCTION + "F (a) => (b) { t = Exp(a) b = Neg(t) }",
    "a call in a call": CALL + LEAKY.replace("F <", "G <")
    + FUNCTION + "F (a) => (b) { c = l.G<alpha = 0.75>(a) b = Add(c, a) }",
    "a call in a branch": HEAD
    + "(float[4] x, bool c) => (float[4] y) { y = If(c) <then_branch = t () => (float[4] q) { q = l.F(x) }, "
    "else_branch = e () => (float[4] r) { r = Neg(x) }> } " + LEAKY,
    "a branch in a call": HEAD
    + "(float[4] x, bool c) => (float[4] y) { y = l.F(x, c) } " + FUNCTION
    + "F (a, d) => (b) { t = Exp(a) b = If(d) <then_branch = t () => (q) { q = Neg(t) }, "
    "else_branch = e () => (r) { r = Exp(t) }> }",
    "weights": HEAD + "(float[2,3] x) => (float[3,2] y) <int64[2] s = {3, 2}> { y = l.F(x, s) } "
    + FUNCTION + "F (a, s) => (b) { b = Reshape(a, s) }",
}  # fmt: skip
MISREAD = {
    "an attribute handed on": (
        CALL.replace("l.F(x)", "l.G<alpha = 0.125>(x)") + LEAKY
        + FUNCTION + "G <alpha>(a) => (b) { c = l.F<alpha: float = @alpha>(a) b = Add(c, a) }",
        LOST_ATTRIBUTE,
    ),
    "an attribute of a nested graph": (
        CALL.replace("l.F(x)", "l.F<alpha = 0.5>(x)") + FUNCTION
        + "F <alpha>(a) => (b) { c = Constant<value = bool {1}>() b = If(c) <then_branch = t () => (q) "
        "{ q = LeakyRelu<alpha: float = @alpha>(a) }, else_branch = e () => (r) { r = Neg(a) }> }",
        LOST_ATTRIBUTE,
    ),
    "an attribute left to the operator": (
        CALL + FUNCTION + "F <alpha>(a) => (b) { b = LeakyRelu<alpha: float = @alpha>(a) }",
        LOST_ATTRIBUTE,
    ),
    "another operator set": (
        HEAD + "(float[2,3,4] x) => (float[2,3,4] y) { y = l.F(x) } "
        '<domain: "l", opset_import: ["" : 11]> F (a) => (b) { b = Softmax(a) }',
        OTHER_OPSET,
    ),
    "an input left out": (CALL + FUNCTION + "F (a, c) => (b) { b = Clip(a, c) }", OTHER_COUNT),
    "an output left out": (CALL + FUNCTION + "F (a) => (b, c) { b = Neg(a) c = Exp(a) }", OTHER_COUNT),
}  # fmt: skip


@pytest.mark.parametrize("text", READ.values(), ids=READ)
def test_a_body_stands_where_it_is_called(text: str) -> None:
    """The model with the calls written out computes the same."""
    model = model_from_text(text)
    out = inlined(model)
    assert out is not None
    assert out.misread == {}
    assert not any(node.domain == "l" for node in out.proto.graph.node)
    value = model.graph.input[0].type.tensor_type.shape.dim
    feeds = {"x": np.linspace(-1, 1, int(np.prod([dim.dim_value for dim in value])), dtype=np.float32)}
    feeds["x"] = feeds["x"].reshape([dim.dim_value for dim in value])
    if len(model.graph.input) > 1:
        feeds["c"] = np.array(True)
    results = [onnxruntime.InferenceSession(one.SerializeToString()).run(None, feeds)[0] for one in (model, out.proto)]
    np.testing.assert_array_equal(*results)
    report = audit_model(InMemory(model.SerializeToString()), profile("tensorrt-10-safety"))
    assert report.verdict is ModelVerdict.COMPLIANT


@pytest.mark.parametrize(("text", "why"), MISREAD.values(), ids=MISREAD)
def test_what_the_parser_reads_otherwise_is_no_pass(text: str, why: str) -> None:
    model = model_from_text(text)
    out = inlined(model)
    assert out is not None
    assert set(out.misread.values()) == {why}
    report = audit_model(InMemory(model.SerializeToString()), profile("tensorrt-10-safety"))
    assert report.verdict is ModelVerdict.NON_COMPLIANT
    assert report.audit is not None
    (finding,) = [one for one in report.audit.findings if "function" in one.rule]
    assert finding.location.op_type in ("F", "G")


def test_every_call_is_judged_by_its_own_shapes() -> None:
    """One of two calls is refused: the node of the function is, once."""
    model = model_from_text(
        HEAD + "(float[2,3] x, float[3] z) => (float[2,3] y, float[3] w) { y = l.F(x) w = l.F(z) } "
        + FUNCTION + "F (a) => (b) { b = Softmax<axis = -1>(a) }"
    )  # fmt: skip
    report = audit_model(InMemory(model.SerializeToString()), profile("tensorrt-10-safety"))
    assert report.audit is not None
    assert len(report.audit.nodes) == 3
    (node,) = [one for one in report.audit.nodes if one.location.scope == "function:l:F"]
    assert node.verdict == "forbidden"
    assert len(report.audit.findings) == len({finding.rule for finding in report.audit.findings})


def test_what_would_grow_too_large_stays_unproven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inline, "MAX_NODES", 3)
    model = model_from_text(READ["two calls"])
    assert inlined(model) is None
    report = audit_model(InMemory(model.SerializeToString()), profile("tensorrt-10-safety"))
    assert report.verdict is ModelVerdict.INCONCLUSIVE


@pytest.mark.parametrize(("calls", "verdict"), [(1, ModelVerdict.COMPLIANT), (2, ModelVerdict.NON_COMPLIANT)])
def test_a_function_that_quantises_may_be_called_once(calls: int, verdict: ModelVerdict) -> None:
    """Quantisation layers are named like their nodes, and a second one of a name is refused (10.15, measured)."""
    steps = "t = l.F(x, s, p) y = l.F(t, s, p)" if calls == 2 else "y = l.F(x, s, p)"
    model = model_from_text(
        HEAD + f"(float[4] x) => (float[4] y) <float s = {{0.5}}, int8 p = {{0}}> {{ {steps} }} " + FUNCTION
        + "F (a, s, p) => (b) { c = QuantizeLinear(a, s, p) b = DequantizeLinear(c, s, p) }"
    )  # fmt: skip
    report = audit_model(InMemory(model.SerializeToString()), profile("tensorrt-10-safety"))
    assert report.verdict is verdict
