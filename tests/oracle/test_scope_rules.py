"""The rules of the TensorRT 10 safety scope that ONNX text cannot meet; the check itself is not needed."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path

import pytest
from case_files import model_from_text, rules_named

from safecheck.ir.signature import UNKNOWN, Signature, Tensor
from safecheck.rulebook.judge import judge
from safecheck.rulebook.load import profile
from safecheck.rulebook.lowering.table import table_from_yaml
from safecheck.rulebook.profile import Profile
from safecheck.usecases.audit import audit_model


@cache
def rulebook() -> Profile:
    return profile("tensorrt-10-safety")


# --- what ONNX cannot express, or only in ways that end elsewhere -----------------------------------------------------

LAYERS = [
    ("scope10-assertion", "allowed", "IAssertionLayer", "BOOL"),
    ("scope10-attention", "forbidden", "IAttentionLayer", "FLOAT"),
    ("scope10-fill", "allowed", "IFillLayer, kind: kLINSPACE", "FLOAT"),
    ("scope10-normalization", "allowed", "INormalizationV2Layer", "FLOAT"),
    ("scope10-not-decided", "unproven", "IDynamicQuantizeLayer", "FLOAT"),
    ("scope10-not-decided", "unproven", "IMoELayer", "FLOAT"),
    ("scope10-not-decided", "unproven", "IPluginV3Layer", "FLOAT"),
    ("scope10-padding", "forbidden", "IPaddingLayer", "FLOAT"),
    ("scope10-pool-blend", "forbidden", "IPoolingLayer, kind: kMAX_AVERAGE_BLEND", "FLOAT"),
    ("scope10-ragged-softmax", "forbidden", "IRaggedSoftMaxLayer", "FLOAT"),
    ("scope10-layer-not-listed", "unproven", "INewLayer", "FLOAT"),
]


@pytest.mark.parametrize(("rule", "verdict", "layer", "dtype"), LAYERS)
def test_a_layer(rule: str, verdict: str, layer: str, dtype: str) -> None:
    header = rulebook().table
    text = (
        "{id: test, title: test, release: '10.15', opset: 17, source: test, types: {FLOAT: kFLOAT, BOOL: kBOOL}, "
        f"unsupported: [], patterns: {{{', '.join(f'{name}: []' for name in header.patterns)}}}, "
        f"operators: {{MaxPool: {{layers: [{{layer: {layer}}}]}}}}}}"
    )
    tested = dataclasses.replace(rulebook(), table=table_from_yaml(text, "test.yaml"))
    tensor = Tensor(dtype, (1, 4, 8, 8))
    attributes = (("kernel_shape", (2, 2)),)
    judgement = judge(tested, Signature("MaxPool", "", 17, attributes, (tensor,), (tensor,)))
    assert judgement.verdict == verdict
    named = {charge.rule.id for charge in judgement.charges} | {found.id for found in judgement.allowances}
    assert named == {rule}


# A case speaks of nodes of the main graph, the rule of those in a body.
IN_A_BODY = "scope10-parser-unset-in-loop"


@pytest.mark.parametrize(
    ("given", "node", "expected"),
    [
        ("m, ", "d = Identity(c)", {IN_A_BODY}),
        ("m, ", "d = Not(c)", {IN_A_BODY}),
        (", k", "d = Less(i, m)", {IN_A_BODY}),
        (", k", "d = Identity(c)", set()),
        ("m, k", "d = Not(c)", set()),
    ],
)
def test_what_a_loop_leaves_out(given: str, node: str, expected: set[str], tmp_path: Path) -> None:
    model = model_from_text(
        f"(float[2] x) => (y) <int64 m = {{3}}, bool k = {{1}}> {{ y = Loop({given}, x) "
        f"<body = b (int64 i, bool c, float[2] a) => (bool d, float[2] o) {{ {node} o = Add(a, a) }}> }}"
    )
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    audit = audit_model(str(tmp_path / "model.onnx"), rulebook()).audit
    assert audit is not None
    assert {finding.rule for finding in audit.findings} == expected


def test_every_rule_has_a_case() -> None:
    named = rules_named("trt-10") | {rule for rule, *_ in LAYERS} | {IN_A_BODY}
    known = {rule.id for rule in rulebook().rules if rule.id.startswith("scope10-")}
    assert sorted(known - named) == [], "give each of these rules a case"
    assert sorted(name for name in named - known if name.startswith("scope10-")) == [], "these rules do not exist"


def test_what_is_not_known_is_not_allowed() -> None:
    known = Tensor("FLOAT", (1, 4, 8, 8))
    for tensor in (
        Tensor(None, (1, 4, 8, 8)),
        Tensor("FLOAT", None),
        Tensor("FLOAT", (1, None, 8, 8)),
        Tensor("FLOAT", ("N", 4)),
    ):
        for pair in ((tensor, known), (known, tensor)):
            signature = Signature("Relu", "", 17, (), pair[:1], pair[1:])
            assert judge(rulebook(), signature).verdict == "unproven", signature
    signature = Signature("MaxPool", "", 17, (("kernel_shape", UNKNOWN),), (known,), (known,))
    assert judge(rulebook(), signature).verdict == "unproven"
