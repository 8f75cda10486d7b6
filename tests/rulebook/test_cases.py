"""The rules of 8.6: each has a case of its own, and those that ONNX text cannot meet are met in Python."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path

import pytest
from case_files import model_from_text, rules_named

from safecheck.ir.signature import Signature, Tensor
from safecheck.rulebook.facts import plugin
from safecheck.rulebook.judge import judge
from safecheck.rulebook.load import DEFAULT, profile
from safecheck.rulebook.lowering.table import table_from_yaml
from safecheck.rulebook.profile import Profile
from safecheck.usecases.audit import audit_model

# Rules that no ONNX file can meet, or that need a name too long for a case file; tested in Python below.
ELSEWHERE = frozenset({"plugin-dynamic-ext", "plugin-io-ext", "layer-not-listed", "io-name-length"})


@cache
def rulebook() -> Profile:
    return profile(DEFAULT)


def test_every_rule_in_force_has_a_case() -> None:
    named = rules_named("trt-8.6")
    known = {rule.id for rule in rulebook().rules}
    assert sorted(known - named - ELSEWHERE) == [], "give each of these rules a case"
    assert sorted((named | ELSEWHERE) - known) == [], "these rules do not exist"
    assert sorted(ELSEWHERE & named) == [], "these rules have cases now"


# --- what ONNX cannot express ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x" * 1023, set()),
        ("x" * 1024, {"io-name-length"}),
        ("é" * 511 + "x", set()),
        ("é" * 512, {"io-name-length"}),
    ],
    ids=["1023 letters", "1024 letters", "1023 bytes", "1024 bytes"],
)
@pytest.mark.parametrize("place", ["input", "output"])
def test_length_of_io_names(name: str, expected: set[str], place: str, tmp_path: Path) -> None:
    model = model_from_text("(float[4,8,6,6] x) => (y) { y = Sigmoid(x) }")
    if place == "input":
        model.graph.input[0].name = model.graph.node[0].input[0] = name
    else:
        model.graph.output[0].name = model.graph.node[0].output[0] = name
    file = tmp_path / "model.onnx"
    file.write_bytes(model.SerializeToString())
    report = audit_model(str(file), rulebook())
    assert report.audit is not None
    assert {finding.rule for finding in report.audit.findings} == expected
    assert report.exit_code == (1 if expected else 0)


def of_layer(type_: str, op_type: str = "Thing") -> tuple[str, set[str], set[str]]:
    """Verdict, findings and allowances of a node that becomes one layer of this type."""
    header = rulebook().table
    text = (
        "{id: test, title: test, release: '8.6', opset: 17, source: test, types: {FLOAT: kFLOAT}, unsupported: [], "
        f"patterns: {{{', '.join(f'{name}: []' for name in header.patterns)}}}, "
        f"operators: {{{op_type}: {{layers: [{{layer: {type_}}}]}}}}}}"
    )
    tested = dataclasses.replace(rulebook(), table=table_from_yaml(text, "test.yaml"))
    tensor = Tensor("FLOAT", (4, 8, 6, 6))
    judgement = judge(tested, Signature(op_type, "", 17, (), (tensor,), (tensor,)))
    return (
        str(judgement.verdict),
        {charge.rule.id for charge in judgement.charges},
        {rule.id for rule in judgement.allowances},
    )


def test_a_layer_that_no_rule_names() -> None:
    assert of_layer("IBrandNewLayer") == ("unproven", {"layer-not-listed"}, set())


@pytest.mark.parametrize(
    ("interface", "expected"),
    [
        ("IPluginV2IOExt", ("allowed", set(), {"plugin-io-ext"})),
        ("IPluginV2DynamicExt", ("forbidden", {"plugin-dynamic-ext"}, set())),
        ("IPluginV3", ("unproven", {"plugin-unknown"}, set())),
    ],
)
def test_plugin_of_a_known_interface(
    interface: str, expected: tuple[str, set[str], set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(plugin._STANDARD_PLUGINS, "Thing", interface)
    assert of_layer("IPluginV2Layer") == expected


@pytest.mark.parametrize("type_", ["IFullyConnectedLayer", "IRaggedSoftMaxLayer", "IRNNv2Layer"])
def test_layers_of_old_exporters(type_: str) -> None:
    verdict, findings, _ = of_layer(type_)
    assert (verdict, findings) in (
        ("unproven", {"fully-connected"}), ("forbidden", {"ragged-softmax"}), ("forbidden", {"rnn-v2"}),
    )  # fmt: skip


def test_an_attribute_of_a_function_parameter_is_not_known(tmp_path: Path) -> None:
    text = """
        <ir_version: 8, opset_import: ["" : 17, "local" : 1]> g (float[4,8,6,6] x) => (y) { y = local.f<type=1>(x) }
        <domain: "local", opset_import: ["" : 17]> f <type> (a) => (b) { b = Cast<to: int = @type>(a) }
    """.strip()
    file = tmp_path / "model.onnx"
    file.write_bytes(model_from_text(text).SerializeToString())
    report = audit_model(str(file), rulebook())
    assert report.audit is not None
    assert [str(node.verdict) for node in report.audit.nodes] == ["unproven", "unproven"]


def test_the_domain_ai_onnx_may_be_spelled_out(tmp_path: Path) -> None:
    text = '<ir_version: 8, opset_import: ["ai.onnx" : 17]> g (float[4,8,6,6] x) => (y) { y = ai.onnx.Sigmoid(x) }'
    file = tmp_path / "model.onnx"
    file.write_bytes(model_from_text(text).SerializeToString())
    code = audit_model(str(file), rulebook()).exit_code
    assert code == 0
