"""Native inference cannot hang, crash or fill the memory of an audit: what is not proved harmless runs in a copy."""

from __future__ import annotations

from collections.abc import Iterator

import onnx
import pytest
from onnx import TensorProto, helper

from safecheck.audit.audit import audit
from safecheck.finding import ModelVerdict
from safecheck.intake.memory import InMemory
from safecheck.ir.graph import graph_of
from safecheck.ir.model import load
from safecheck.ir.shape_inference.bounded import infer_bounded, objection
from safecheck.ir.shape_inference.harmless import harmless
from safecheck.ir.shape_inference.infer import forget_declared, infer, infer_plainly
from safecheck.limits import set_limits
from safecheck.machine.fork import StoppedError
from safecheck.rulebook.load import DEFAULT, profile

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


@pytest.fixture(autouse=True)
def _limits() -> Iterator[None]:
    set_limits({"memory": 0.25, "time": 5.0})
    yield
    set_limits({})


def value(name: str, kind: int, shape: list[int | str] | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def ints(name: str, *values: int) -> onnx.TensorProto:
    return helper.make_tensor(name, INT64, [len(values)], values)


def model(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    written: tuple[onnx.TensorProto, ...] = (),
    kind: int = FLOAT,
    opset: int = 17,
) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "g", inputs, [value("y", kind, None)], list(written))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def node(op_type: str, inputs: list[str], output: str = "y", **attributes: object) -> onnx.NodeProto:
    return helper.make_node(op_type, inputs, [output], **attributes)


def chain(op_type: str, count: int, more: list[str], **attributes: object) -> list[onnx.NodeProto]:
    """`count` nodes, each on the result of the last one and on `more`."""
    names = ["x", *(f"v{number}" for number in range(count - 1)), "y"]
    return [node(op_type, [names[n], *more], names[n + 1], **attributes) for n in range(count)]


IMAGE = value("x", FLOAT, [1, 3, 8, 8])
LONG = value("x", INT64, [1 << 40])
SHORT = value("x", INT64, [4])
SIMPLE = {
    "elementwise": model(chain("Relu", 20, []), [IMAGE]),
    "convolution": model([node("Conv", ["x", "w"])], [IMAGE, value("w", FLOAT, [4, 3, 3, 3])]),
    "reshape": model([node("Reshape", ["x", "s"])], [IMAGE], (ints("s", 1, -1),)),
    "constant": model([node("Constant", [], "s", value_ints=[1, -1]), node("Reshape", ["x", "s"])], [IMAGE]),
    "open batch": model([node("Add", ["x", "x"])], [value("x", FLOAT, ["N", 3, 8, 8])]),
    "rows": model([node("Gather", ["w", "x"])], [SHORT, value("w", FLOAT, [10, 4])]),
}
SHAPE_OF_X = [node("Shape", ["x"], "s"), node("Reshape", ["x", "s"])]
HARMFUL = {
    "computed shape": model(SHAPE_OF_X, [IMAGE]),
    "long shape": model([node("Expand", ["x", "s"])], [IMAGE, value("s", INT64, [(1 << 63) - 1])], opset=8),
    "ranks that double": model([node("Gather", [f"v{n}" if n else "x"] * 2, f"v{n + 1}") for n in range(50)], [SHORT]),
    "ranks that add up": model(chain("Unsqueeze", 5000, ["a"]), [IMAGE], (ints("a", *range(8)),)),
    "a long rank": model([node("Reshape", ["x", "s"])], [IMAGE], (ints("s", *[1] * 100),)),
    "an operator that reads beyond its operands": model([node("LayerNormalization", ["x", "x"], axis=9)], [IMAGE]),
    "another domain of ONNX": model([node("Scaler", ["x"], domain="ai.onnx.ml")], [IMAGE]),
    "many nodes": model([node("Relu", ["x"], f"v{n}") for n in range(60_000)], [IMAGE]),
}


@pytest.mark.parametrize("name", SIMPLE)
def test_what_is_proved_harmless_has_the_same_types_either_way(name: str) -> None:
    one, other = onnx.ModelProto(), onnx.ModelProto()
    one.CopyFrom(SIMPLE[name])
    other.CopyFrom(SIMPLE[name])
    forget_declared(one)
    assert harmless(one)
    found, expected = infer_plainly(one), infer(other)
    assert graph_of(found.proto, found.types).scopes[0].tensors == graph_of(expected.proto).scopes[0].tensors
    assert (found.problem, found.conflicts) == (expected.problem, expected.conflicts)


@pytest.mark.parametrize("name", HARMFUL)
def test_what_steers_shapes_is_not_proved_harmless(name: str) -> None:
    assert not harmless(HARMFUL[name])


def test_a_copy_finds_what_is_found_here() -> None:
    one, other = onnx.ModelProto(), onnx.ModelProto()
    one.CopyFrom(HARMFUL["computed shape"])
    other.CopyFrom(one)
    assert infer_bounded(one) == infer(other)


BOMBS = {
    "Cast": model([node("Cast", ["x"], to=INT64)], [LONG], kind=INT64),
    "Size": model([node("Size", ["x"])], [LONG], kind=INT64),
    "Gather": model([node("Gather", ["x", "i"])], [LONG], (ints("i", 0),), INT64),
    "Unsqueeze": model([node("Unsqueeze", ["x", "a"])], [LONG], (ints("a", 0),), INT64),
    "Add": model([node("Add", ["x", "x"])], [LONG], kind=INT64),
    "Slice": model(
        [node("Slice", ["x", "b", "e", "a", "t"])], [LONG],
        (ints("b", 0), ints("e", 1 << 40), ints("a", 0), ints("t", 1 << 31)), INT64,
    ),
    "ConstantOfShape": model([node("ConstantOfShape", ["x"])], [LONG]),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_long_vectors_are_not_written_down(name: str) -> None:
    found = load(InMemory(BOMBS[name].SerializeToString()))
    assert found.inference_problem == ""


def many_nodes(declared: list[int | str] | None) -> onnx.ModelProto:
    """More than one inference is trusted with."""
    many = onnx.ModelProto()
    many.CopyFrom(HARMFUL["many nodes"])
    many.graph.output[0].CopyFrom(value("v3", FLOAT, declared))
    return many


def test_many_nodes_cost_no_copy_and_no_message_for_each_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """A million of them took 2.4 GiB, most of it for the same few types."""
    monkeypatch.setattr("safecheck.ir.shape_inference.bounded.in_copy", None)
    found = load(InMemory(many_nodes(None).SerializeToString()))
    tensors = found.graph.scopes[0].tensors
    assert len({id(tensors[f"v{number}"]) for number in range(60_000)}) == 2  # the output is declared, the rest alike
    assert tensors["v59999"].shape == (1, 3, 8, 8)


def test_many_nodes_that_contradict_what_is_declared() -> None:
    assert infer_bounded(many_nodes([1, 3, 8, 8])).conflicts == ()
    assert infer_bounded(many_nodes([1, 3, 8, 9])).conflicts == ("v3",)


@pytest.mark.parametrize(("nodes", "times"), [(chain("Relu", 3, []), 1), ([*SHAPE_OF_X[:1], node("Relu", ["x"])], 2)])
def test_nothing_is_inferred_twice_in_the_same_way(
    nodes: list[onnx.NodeProto], times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without elements to follow the second inference would be the first one, and cost the limit once more."""
    tried = []

    def stop(*_: object) -> None:
        tried.append(1)
        raise StoppedError("it takes too long", timed_out=True)

    monkeypatch.setattr("safecheck.ir.shape_inference.bounded.in_copy", stop)
    monkeypatch.setattr("safecheck.ir.shape_inference.bounded.harmless", lambda *_, **__: False)
    assert "SC-LIM-TIME" in infer_bounded(model(nodes, [IMAGE])).problem
    assert len(tried) == times


NOT_FOLLOWED = "elements of shapes were not followed: it "
NO_MEMORY = "it takes more than 0.25 GiB of memory (SC-LIM-MEMORY; give it more with --limit-memory)"


@pytest.mark.parametrize("step", [1 << 31, 1 << 62, -(1 << 63)])
def test_a_step_that_overflows_in_the_library_costs_what_it_steers_and_no_more(step: int) -> None:
    """It crashes, or writes down elements without end; the rest is inferred without it."""
    nodes = [node("Shape", ["x"], "p"), node("Slice", ["p", "b", "e", "a", "t"], "q"), node("Reshape", ["x", "q"])]
    written = (ints("b", 0 if step > 0 else -1), ints("e", 4 if step > 0 else -9), ints("a", 0), ints("t", step))
    found = load(InMemory(model(nodes, [IMAGE], written).SerializeToString()))
    assert found.inference_problem in ("", f"{NOT_FOLLOWED}crashed (SIGSEGV)", NOT_FOLLOWED + NO_MEMORY[3:])
    assert found.graph.scopes[0].tensors["p"].shape == (4,)


def test_a_long_vector_that_only_elements_tell_of_ends_at_the_limit() -> None:
    nodes = [node("Shape", ["x"], "s"), node("Reshape", ["x", "s"], "f"), node("Cast", ["f"], to=INT64)]
    found = load(InMemory(model(nodes, [value("x", FLOAT, [1 << 33])], kind=INT64).SerializeToString()))
    assert found.inference_problem == NOT_FOLLOWED + NO_MEMORY[3:]
    assert audit(found, profile(DEFAULT)).verdict is not ModelVerdict.COMPLIANT


def test_ranks_without_end_leave_the_nodes_and_no_shapes() -> None:
    nodes = [node("Gather", [f"v{n}" if n else "x"] * 2, f"v{n + 1}" if n < 39 else "y") for n in range(40)]
    found = load(InMemory(model(nodes, [value("x", INT64, [2, 2])], kind=INT64).SerializeToString()))
    assert (
        found.inference_problem
        == "it takes more than 0.25 GiB of memory (SC-LIM-MEMORY; give it more with --limit-memory)"
    )
    assert len(found.proto.graph.node) == 40


def test_time_is_limited_and_the_limit_named() -> None:
    set_limits({"time": 0.2})
    found = infer_bounded(model([node("Expand", ["x", "s"])], [IMAGE, value("s", INT64, [1 << 62])], opset=8))
    assert "more than 0.2 s of processor time (SC-LIM-TIME; give it more with --limit-time)" in found.problem


def test_a_crash_of_the_library_is_an_objection_and_no_crash_here() -> None:
    lost = model([node("LayerNormalization", ["x", "x"], axis=-(1 << 40))], [value("x", FLOAT, [2, 2])])
    assert objection(lost)
    assert objection(SIMPLE["elementwise"]) == ""
