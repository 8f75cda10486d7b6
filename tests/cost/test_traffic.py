"""Memory traffic by hand on small networks: what is fused, what the cache holds, what is not known."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_files import model_from_text

from safecheck.cost.macs import Precision, Volume
from safecheck.cost.traffic import BATCHES, CACHE, Cost, assumptions, cost_of, products
from safecheck.ir.model import load
from safecheck.ir.signatures import signatures

FP32, FP16, INT8 = Precision


def cost(text: str, folder: Path) -> Cost:
    file = folder / "model.onnx"
    file.write_bytes(model_from_text(text).SerializeToString())
    model = load(str(file))
    nodes = signatures(model.graph).nodes
    return cost_of(model, nodes, products(nodes))


def kernels(found: Cost) -> list[tuple[set[str], set[str], set[str]]]:
    return [(set(part.reads), set(part.weights), set(part.writes)) for part in found.kernels]


CONV = """(float[1,4,8,8] x) => (float[1,4,8,8] y)
<float[4,4,1,1] w = {1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1}>
{ c = Conv(x, w) y = Relu(c) }"""


def test_a_convolution_and_what_follows(tmp_path: Path) -> None:
    found = cost(CONV, tmp_path)
    assert kernels(found) == [({"x"}, {"w"}, {"y"})]
    assert found.macs == 4 * 4 * 64
    assert found.parameters == 16
    assert found.batch == 1
    assert found.weights == Volume(16)
    assert found.activations == Volume(4 * 256), "x, c, c, y"
    for precision, width in ((FP32, 4), (FP16, 2), (INT8, 1)):
        for batch in BATCHES:
            assert found.traffic(precision, batch) == round((2 * 256 + 16 / batch) * width)


def test_the_batch_of_the_file_is_taken_apart(tmp_path: Path) -> None:
    found = cost(CONV.replace("1,4,8,8", "4,4,8,8"), tmp_path)
    assert found.batch == 4
    assert found.macs == 4 * 4 * 4 * 64
    one = cost(CONV, tmp_path)
    for precision in Precision:
        assert [found.traffic(precision, batch) for batch in BATCHES] == [
            one.traffic(precision, batch) for batch in BATCHES
        ]


CHAIN = """(float[1,4,8,8] x) => (float[1,4,8,8] y)
{ a = Softmax(x) b = Transpose<perm = [0, 1, 3, 2]>(a) y = Add(a, b) }"""


def test_what_fits_into_the_cache_stays_on_chip(tmp_path: Path) -> None:
    found = cost(CHAIN, tmp_path)
    assert kernels(found) == [({"x"}, set(), {"a"}), ({"a"}, set(), {"b"}), ({"a", "b"}, set(), {"y"})]
    tensor = 256 * 4
    assert found.traffic(FP32) == 2 * tensor, "only the input and the output"
    assert found.traffic(FP32, cache=0) == 7 * tensor
    # From Softmax through Transpose four tensors are moved, and from Transpose through Add five.
    assert found.traffic(FP32, cache=5 * tensor) == 2 * tensor
    for cache in (5 * tensor - 1, 4 * tensor):
        assert found.traffic(FP32, cache=cache) == 6 * tensor, "a and b are written and read again, once"
    assert found.traffic(FP32, cache=4 * tensor - 1) == 7 * tensor
    assert found.traffic(FP32, 16, cache=16 * 5 * tensor) == 2 * tensor
    assert found.traffic(FP32, 16, cache=5 * tensor) == 7 * tensor


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("s = Sigmoid(x) y = Mul(x, s)", [({"x"}, set(), {"y"})]),
        ("c = Relu(x) s = Sigmoid(c) y = Mul(c, s)", [({"x"}, set(), {"y"})]),
        ("c = Softmax(x) y = Relu(c)", [({"x"}, set(), {"c"}), ({"c"}, set(), {"y"})]),
        ("p = GlobalMaxPool(x) s = Relu(p) y = Mul(x, s)", None),
        ("r = Identity(x) y = Softmax(r)", [({"x"}, set(), {"y"})]),
        ("a = Relu(x) b = Softmax(a) c = Softmax(x) d = Relu(c) e = Add(b, d) y = Add(e, a)", None),
    ],
)
def test_fusion(body: str, expected: list[tuple[set[str], set[str], set[str]]] | None, tmp_path: Path) -> None:
    found = kernels(cost(f"(float[1,4,8,8] x) => (float[1,4,8,8] y) {{ {body} }}", tmp_path))
    if expected is not None:
        assert found == expected
    available = {"x"}
    for reads, _, writes in found:  # whatever is fused, the order is one in which the kernels can run
        assert reads <= available
        available |= writes
    assert "y" in available


def test_a_gate_cannot_run_in_the_small_kernel_that_computes_it(tmp_path: Path) -> None:
    text = "(float[1,4,8,8] x) => (float[1,4,8,8] y) { p = GlobalMaxPool(x) s = Conv(p, w) y = Mul(x, s) }"
    found = cost(text.replace(" {", "\n<float[4,4,1,1] w = {1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1}>\n{"), tmp_path)
    assert kernels(found)[-1] == ({"x", "s"}, set(), {"y"})


def test_weights_are_read_by_every_kernel_that_uses_them(tmp_path: Path) -> None:
    twice = CONV.replace("y = Relu(c)", "d = Softmax(c) y = Conv(d, w)")
    found = cost(twice, tmp_path)
    assert found.weights == Volume(16)
    assert found.traffic(FP32) == 2 * 1024 + 2 * 64


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('(float["N",4] x) => (float["N",4] y) { y = Relu(x) }', "the size of a tensor of node 0 is not known"),
        ("(float[1,4] x, float[2,4] z) => (y) { y = Add(x, z) }", "the network inputs have no common batch"),
        ("() => (y) { y = RandomNormal<shape = [4]>() }", "the network inputs have no common batch"),
        (
            "(float[1,4] x, bool c) => (float[1,4] y) { y = If(c) "
            "<then_branch = g () => (float[1,4] t) { t = Relu(x) }, else_branch = h () => (float[1,4] e) "
            "{ e = Sigmoid(x) }> }",
            "what graphs inside of nodes do depends on data",
        ),
    ],
)
def test_unknown_is_said_and_never_zero(text: str, problem: str, tmp_path: Path) -> None:
    found = cost(text, tmp_path)
    assert found.problem == problem
    assert found.traffic(FP16) is None
    assert found.weights is None
    assert found.activations is None
    assert found.nodes() == []


def test_products_inside_of_nodes_make_the_sum_unknown(tmp_path: Path) -> None:
    text = (
        "(float[4,4] x, bool c) => (float[4,4] y) {{ y = If(c) "
        "<then_branch = g () => (float[4,4] t) {{ t = {}(x, x) }}, "
        "else_branch = h () => (float[4,4] e) {{ e = Sigmoid(x) }}> }}"
    )
    assert cost(text.format("MatMul"), tmp_path).macs is None
    assert cost(text.format("Add"), tmp_path).macs == 0


def test_what_is_folded_costs_nothing(tmp_path: Path) -> None:
    text = """(float[1,4,8,8] x) => (float[1,4,8,8] y) <float[4,4,1,1] w = {1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1}>
    { v = Neg(w) s = Shape(x) z = ConstantOfShape(s) t = Sigmoid(z) u = Add(x, t) c = Conv(u, v) y = Relu(c) }"""
    found = cost(text, tmp_path)
    assert [node.op_type for node in found.nodes()] == ["Add", "Conv", "Relu"]
    assert kernels(found) == [({"x"}, {"t"}, {"u"}), ({"u"}, {"v"}, {"y"})]


def test_what_is_computed_from_constants_costs_nothing(tmp_path: Path) -> None:
    text = """(float[2,3] x) => (float[2,4] y)
    <float[4,3] w = {1,1,1,1,1,1,1,1,1,1,1,1}, int64[1] a = {2}, int64[1] b = {4}>
    { v = Transpose(w) s = Concat<axis = 0>(a, b) m = MatMul(x, v) y = Reshape(m, s) }"""
    file = tmp_path / "model.onnx"
    file.write_bytes(model_from_text(text).SerializeToString())
    model = load(str(file))
    nodes = signatures(model.graph).nodes
    found = cost_of(model, nodes, products(nodes))
    assert found.products == (24, 12)
    assert found.weights == Volume(12)
    assert kernels(found) == [({"x"}, {"v"}, {"m"})]


def test_quantised_weights_stay_weights(tmp_path: Path) -> None:
    text = """(float[1,4,8,8] x) => (float[1,4,8,8] y)
    <int8[4,4,1,1] w = {1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1}, float s = {0.5}, int8 z = {0}>
    { v = DequantizeLinear(w, s, z) y = Conv(x, v) }"""
    found = cost(text, tmp_path)
    assert kernels(found) == [({"x"}, {"v"}, {"y"})]
    assert found.macs == 4 * 4 * 64


def test_a_selection_reads_what_it_selects(tmp_path: Path) -> None:
    text = """(float[1,100,8] x) => (float[1,2,8] y) <int64[1] a = {0}, int64[1] e = {2}, int64[1] i = {1}>
    { y = Slice(x, a, e, i) }"""
    found = cost(text, tmp_path)
    assert found.traffic(FP32) == 2 * 16 * 4
    assert found.weights == Volume()


def test_node_costs_add_up(tmp_path: Path) -> None:
    found = cost(CONV, tmp_path)
    convolution, relu = found.nodes()
    assert (convolution.op_type, convolution.macs, convolution.weights) == ("Conv", 1024, Volume(16))
    assert convolution.activations == relu.activations == Volume(512)
    assert (relu.index, relu.macs, relu.weights) == (1, 0, Volume())


def test_assumptions_name_the_cache() -> None:
    def of(cache: int) -> str:
        return next(part.text for part in assumptions(cache) if part.id == "cache")

    assert "4 MiB, the L2 cache of the GPU in Orin" in of(CACHE)
    assert "(0.5 MiB)" in of(1 << 19)
    assert of(0).startswith("No cache")
    assert len({part.id for part in assumptions()}) == len(assumptions())
