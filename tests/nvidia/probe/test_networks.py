"""Every network that the probe writes asks about the form it was made for, and is a model that runs."""

from __future__ import annotations

import tempfile
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from agreement import filled
from case_files import model_from_text
from nvidia.probe import few

from safecheck.ir.model import load
from safecheck.ir.signatures import signatures
from safecheck.nvidia.probe.networks import NODE
from safecheck.nvidia.probe.questions import Question, Unasked, questions
from safecheck.rulebook.facts.signature_hash import form_id

DATA = Path(__file__).parents[2] / "corpus" / "data"
NETWORKS = ("csa_tiny__dynamo20", "csa_tiny_sizes_mean__legacy17", "swin_tiny__legacy13", "convnext_tiny__legacy13")
NETWORKS += ("cvt_13__dynamo20",)


@cache
def of_cases() -> tuple[tuple[bytes, tuple[Question, ...]], ...]:
    """The questions of every rule case, with the case's own model."""
    models = [case.proto().SerializeToString() for case in few.rule_cases()]
    return tuple(
        (model, tuple(found for found in questions(audit, few.book()) if isinstance(found, Question)))
        for model in models
        for audit in few.audited([model])
    )


def runs(model: bytes) -> bool:
    onnxruntime.set_default_logger_severity(4)
    try:
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        session.run(None, {value.name: np.ones(value.shape, _type(value.type)) for value in session.get_inputs()})
    except Exception:
        return False
    return True


def _type(name: str) -> Any:
    names = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(bool)": "bool"}
    return np.dtype(names.get(name, name.removeprefix("tensor(").removesuffix(")")))


def elements(question: Question) -> int:
    """Of the largest tensor: some cases are about the largest dimension that there can be."""
    graph = question.model.graph
    values = [*graph.input, *graph.output]
    return max(prod(dim.dim_value for dim in value.type.tensor_type.shape.dim) for value in values)


def same_signature(question: Question) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.onnx"
        file.write_bytes(question.model.SerializeToString())
        (occurrence,) = signatures(load(str(file)).graph).nodes
    assert form_id(occurrence.signature) == question.id, question.title
    assert occurrence.node.proto.name == NODE


@pytest.mark.slow
def test_networks_of_the_rule_cases() -> None:
    asked = [(model, question) for model, found in of_cases() for question in found if elements(question) < 1 << 24]
    assert len(asked) > 150
    odd = set()
    for model, question in asked:
        same_signature(question)
        if not runs(question.model.SerializeToString()):
            assert not runs(model), f"the case runs, its network does not: {question.title}"
            odd.add(question.id)
    assert len(odd) < len(asked) / 8, "types that onnxruntime does not implement"


@pytest.mark.slow
@pytest.mark.parametrize("name", [NETWORKS[0], *(pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS[1:])])
def test_networks_of_whole_models(name: str) -> None:
    (audit,) = few.audited([filled(DATA / f"{name}.onnx.gz")])
    found = list(questions(audit, few.book()))
    asked = [question for question in found if isinstance(question, Question)]
    assert len(asked) > 30
    assert len({question.id for question in asked}) == len(asked)
    for question in asked:
        same_signature(question)
        assert runs(question.model.SerializeToString()), question.title


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(float[N,4] x) => (float[N,4] y) { y = Relu(x) }", "a type or a shape is not known"),
        (
            "(float[4,8] x) => (y) { c = Constant<value_ints=[0]>() a = Add(c, c) y = Slice(x, c, c, a) }",
            "from constants",
        ),
        (
            "(float[4] x, bool c) => (float[4] y) { y = If(c) <then_branch = t () => (float[4] t) { t = Relu(x) }, "
            "else_branch = e () => (float[4] e) { e = Neg(x) }> }",
            "it holds graphs of its own",
        ),
        (
            '<ir_version: 8, opset_import: ["" : 17, "a" : 1]> g (float[4] x) => (float[4] y) { y = a.Bar(x) }',
            "it is no operator of ai.onnx",
        ),
    ],
)
def test_what_cannot_be_asked(text: str, reason: str) -> None:
    (audit,) = few.audited([model_from_text(text).SerializeToString()])
    unasked = [found for found in questions(audit, few.book()) if isinstance(found, Unasked)]
    assert any(reason in found.reason for found in unasked), list(questions(audit, few.book()))


def test_one_operand_twice_stays_one() -> None:
    (audit,) = few.audited([model_from_text("(float[4,8] x) => (float[4,8] y) { y = Mul(x, x) }").SerializeToString()])
    (question,) = questions(audit, few.book())
    assert isinstance(question, Question)
    assert list(question.model.graph.node[0].input) == ["x0", "x0"]
    assert len(question.model.graph.input) == 1
