"""Signatures read a graph and leave it as it is: what nodes compute is told beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_files import model_from_text

from safecheck.audit.audit import audit
from safecheck.ir.graph import OpGraph
from safecheck.ir.model import Model, load
from safecheck.ir.signature import Tensor
from safecheck.ir.signatures import signatures
from safecheck.rulebook.load import profile

EXAMPLES = [Path(__file__).parents[2] / "examples" / f"{name}.onnx" for name in ("csa-block", "swin-block")]
PROFILES = ("tensorrt-8.6-restricted", "tensorrt-10-safety")
# A shape that is computed, weights that are computed, and a nested graph that reads and goes on with both.
COMPUTING = """(float[2,3] x, bool c) => (float[6] y) <int64[1] a = {1}, float[3,2] w = {1,2,3,4,5,6}>
{
    s = Shape(x) d = ReduceProd<keepdims = 1>(s) v = Transpose(w) m = Mul(x, v)
    y = If(c) <
        then_branch = g () => (float[6] t) { n = Mul(d, a) t = Reshape(m, n) },
        else_branch = h () => (float[6] e) { u = Neg(v) k = Add(m, u) e = Reshape(k, d) }
    >
}"""


@pytest.fixture
def computing(tmp_path: Path) -> Path:
    file = tmp_path / "model.onnx"
    file.write_bytes(model_from_text(COMPUTING).SerializeToString())
    return file


def tensors(graph: OpGraph) -> dict[str, dict[str, Tensor]]:
    return {scope.path: dict(scope.tensors) for scope in graph.scopes}


def told(model: Model) -> list[object]:
    """Everything that signatures say, without the nodes, which are others in another reading of the file."""
    found = signatures(model.graph)
    values = [(scope.path, dict(known)) for scope, known in found.computed.items()]
    return [*((one.signature, one.computes_constant, one.operands) for one in found.nodes), *values]


def test_what_nodes_compute_is_told_beside_the_graph(computing: Path) -> None:
    graph = load(str(computing)).graph
    found = signatures(graph)
    main, then, other = graph.scopes
    assert {scope.path: sorted(known) for scope, known in found.computed.items()} == {
        main.path: ["d", "s", "v"],
        then.path: ["n"],
        other.path: ["u"],
    }
    assert found.lookup(other, "v") == Tensor("FLOAT", (2, 3), True, (1, 3, 5, 2, 4, 6), ("Transpose:matrix",))
    assert found.lookup(main, "s") == Tensor("INT64", (2,), False, None, ("Shape",))
    assert found.lookup(then, "n").computed == ("Mul", "ReduceProd", "Shape")
    assert main.lookup("v") == Tensor("FLOAT", (2, 3)), "the graph says only what the file and inference say"
    assert found.lookup(then, "x") == main.lookup("x")
    assert found.lookup(then, "nowhere") == Tensor(None, None)


@pytest.mark.parametrize("name", PROFILES)
def test_an_audit_leaves_the_graph_as_it_is(name: str, computing: Path) -> None:
    for file in (computing, *EXAMPLES):
        model = load(str(file))
        before = tensors(model.graph)
        first = audit(model, profile(name))
        assert tensors(model.graph) == before, file.name
        assert audit(model, profile(name)) == first, file.name


def test_reading_twice_says_the_same(computing: Path) -> None:
    for file in (computing, *EXAMPLES):
        model = load(str(file))
        assert told(model) == told(model) == told(load(str(file))), file.name


def test_what_a_dropout_hands_on_stays_weights(tmp_path: Path) -> None:
    text = """(float[1,4,8,8] x) => (y) <float[1] s = {2.0}>
    { d = Dropout(s) i = Identity(d) e = Dropout(i) f = Dropout(e) y = Mul(x, d) }"""
    file = tmp_path / "model.onnx"
    file.write_bytes(model_from_text(text, 13).SerializeToString())
    nodes = signatures(load(str(file)).graph).nodes
    made = [one.signature.outputs[0] for one in nodes[:4]]
    assert [tensor is not None and tensor.constant for tensor in made] == [True, False, False, False]
    assert made[0] is not None
    assert made[0].values == (2.0,)
    assert [tensor.computed for tensor in made if tensor is not None] == [
        (),
        ("Identity",),
        ("Identity",),
        ("Identity",),
    ]
