"""A proof shows what it claims, and a wrong replacement fails it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import onnx.parser
import pytest

from safecheck.ir.signature import Tensor
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.proof import local, site
from safecheck.rewrite.proof.difference import difference
from safecheck.rewrite.proof.index_map import enumerations
from safecheck.rewrite.proof.local import prove
from safecheck.rewrite.proof.runtime import Session
from safecheck.rewrite.proof.samples import EXTREME, SPECIAL, TYPICAL
from safecheck.rewrite.proof.site import UnprovedError
from safecheck.rewrite.proof.whole import compare_models
from safecheck.rewrite.replacement import Replacement
from safecheck.rewrite.rule import Claim


def bench_of(text: str) -> MutableGraph:
    return MutableGraph(onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]>\n{text}'))


def replaced(graph: MutableGraph, op_type: str, **attributes: Any) -> Replacement:
    builder = Builder(graph, "y")
    return builder.replacement(["x"], {"y": builder.add(op_type, ["x"], **attributes)})


MOVES = Claim("exact", "moves", moves_data=True)


def test_an_element_in_another_place_is_noticed() -> None:
    graph = bench_of("g (float[2,3,3] x) => (float[3,3,2] y) { y = Transpose <perm = [1, 2, 0]> (x) }")
    assert prove(graph, replaced(graph, "Transpose", perm=[1, 2, 0]), MOVES).difference.same_bits
    with pytest.raises(UnprovedError, match="another place"):
        prove(graph, replaced(graph, "Transpose", perm=[2, 1, 0]), MOVES)


def test_exact_means_every_bit_unless_it_says_otherwise() -> None:
    graph = bench_of("""g (float[2,3] x) => (float[2,3] y) {
        zero = Constant <value = float {0.0}> ()
        y = Add (x, zero)
    }""")
    copy = replaced(graph, "Identity")
    with pytest.raises(UnprovedError, match="zeros sample"):  # -0 + 0 is +0
        prove(graph, copy, Claim("exact", "adding zero"))
    assert prove(graph, copy, Claim("exact", "adding zero", finite_only=True)).domain == "finite values"


@pytest.mark.parametrize("kind", ["tested", "bounded"])
def test_nan_is_never_within_a_tolerance(kind: Any) -> None:
    graph = bench_of("g (float[4,8] x) => (float[4,8] y) { y = Abs (x) }")
    claim = Claim(kind, "wrong", limit=lambda feed, expected: np.inf, bound="anything")
    with pytest.raises(UnprovedError, match="NaN"):
        prove(graph, replaced(graph, "Sqrt"), claim)


def test_a_bound_that_is_exceeded_is_noticed() -> None:
    graph = bench_of("g (float[4,8] x) => (float[4,8] y) { y = Sigmoid (x) }")
    rough = replaced(graph, "HardSigmoid")
    loose = Claim("bounded", "an approximation", limit=lambda feed, expected: 0.5, bound="one half", finite_only=True)
    tight = Claim("bounded", "an approximation", limit=lambda feed, expected: 1e-6, bound="1e-6", finite_only=True)
    assert prove(graph, rough, loose).bound == "one half"
    with pytest.raises(UnprovedError, match="exceeds the derived bound"):
        prove(graph, rough, tight)


def test_weights_beyond_one_message_are_a_reason_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    """No library serialises more than 2 GiB, or runs what is."""
    text = "g (float[1,4] x) => (float[1,4] y) <float[1,4] w = {1, 2, 3, 4}> { y = Add (x, w) }"
    graph = bench_of(text)
    builder = Builder(graph, "y")
    more = builder.replacement(["x"], {"y": builder.add("Add", ["x", builder.constant(np.float32([[1, 2, 3, 4]]))])})
    assert prove(graph, more, Claim("exact", "the same"))
    for limit, held in ((16, True), (15, False)):
        monkeypatch.setattr(site, "SIZE_LIMIT", limit)
        if held:
            prove(graph, more, Claim("exact", "the same"))
        else:
            with pytest.raises(UnprovedError, match="larger than the 2 GiB"):
                prove(graph, more, Claim("exact", "the same"))


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The models that onnxruntime is asked to run from here on."""
    loaded: list[bytes] = []

    def session(model: bytes, folder: str | None) -> Session:
        loaded.append(model)
        return Session(model, folder=folder)

    monkeypatch.setattr(local, "Session", session)
    return loaded


TWINS = """g (float[2,3] x, float[2,3] z) => (float[2,3] y, float[2,3] v)
    <float[1] one = {1.0}, float[1] same = {1.0}, float[1] two = {2.0}>
    { a = Abs (x) y = Mul (a, one) b = Abs (z) v = Mul (b, FACTOR) }"""


def plain(graph: MutableGraph, source: str, result: str) -> Replacement:
    builder = Builder(graph, result)
    return builder.replacement([source], {result: builder.add("Abs", [source])})


@pytest.mark.parametrize(("factor", "runs"), [("same", 2), ("two", 4)])
def test_sites_that_differ_in_names_only_are_proved_once(sessions: list[bytes], factor: str, runs: int) -> None:
    graph = bench_of(TWINS.replace("FACTOR", factor))
    claim = Claim("exact", "a product with one")
    first = prove(graph, plain(graph, "x", "y"), claim)
    if factor == "same":
        assert prove(graph, plain(graph, "z", "v"), claim) == first
    else:
        with pytest.raises(UnprovedError, match="not exact"):
            prove(graph, plain(graph, "z", "v"), claim)
    assert len(sessions) == runs


def test_a_proof_answers_for_its_own_claim_only(sessions: list[bytes]) -> None:
    graph = bench_of(TWINS.replace("FACTOR", "same"))
    claim = Claim("exact", "a product with one")
    claims = [
        claim,
        replace(claim, caveats=("a caveat",)),
        replace(claim, finite_only=True),
        replace(claim, floors={"x": 0.5}),
    ]
    proofs = [prove(graph, plain(graph, "x", "y"), one) for one in claims]
    assert [(proof.caveats, proof.domain) for proof in proofs] == [
        ((), "all values"), (("a caveat",), "all values"), ((), "finite values"), ((), "all values"),
    ]  # fmt: skip
    assert len(sessions) == 2 * len(claims)


def test_what_cannot_be_shown_is_tried_once(sessions: list[bytes]) -> None:
    graph = bench_of(TWINS.replace("FACTOR", "same"))
    for source, result in (("x", "y"), ("z", "v")):
        builder = Builder(graph, result)
        wrong = builder.replacement([source], {result: builder.add("Neg", [source])})
        with pytest.raises(UnprovedError, match="not exact on the normal sample"):
            prove(graph, wrong, Claim("exact", "wrong"))
    assert len(sessions) == 2


def test_differences_are_measured() -> None:
    one, other = np.array([1, 2], np.float32), np.array([1, np.nextafter(np.float32(2), np.float32(3))], np.float32)
    found = difference(one, other)
    assert found.max_ulp == 1
    assert found.max_rel == pytest.approx(2**-23)
    assert difference(one, one.astype(np.float64)).max_abs == float("inf")
    nan = np.array([1, np.nan], np.float32)
    assert difference(nan, nan).same_bits
    assert not difference(one, nan).same_nonfinite
    assert difference(np.float32([0.0]), np.float32([-0.0])).same_values
    assert not difference(np.float32([0.0]), np.float32([-0.0])).same_bits


@pytest.mark.parametrize("dtype", ["FLOAT", "FLOAT16", "DOUBLE", "INT32", "INT64", "INT8", "UINT8", "BOOL"])
def test_an_enumeration_tells_all_elements_apart(dtype: str) -> None:
    types = {"a": Tensor(dtype, (40, 100)), "b": Tensor(dtype, (300,))}
    feeds = list(enumerations(types))
    codes = np.stack([np.concatenate([feed["a"].reshape(-1), feed["b"]]).astype(np.float64) for feed in feeds])
    assert len(np.unique(codes, axis=1).T) == 4300
    if dtype != "BOOL":
        assert codes.min() >= 1


def test_a_sample_that_the_original_refuses_proves_nothing_against_the_new_model() -> None:
    """Axes are an input here, and most random integers are no axis of it."""
    reduced = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 18]>\n'
        "g (float[3,2,2] x, int64[1] a) => (float[N,M,K] y) { s = ReduceSum(x, a) y = Identity(s) }"
    ).SerializeToString()
    other = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 18]>\n'
        "g (float[3,2,2] x, int64[1] a) => (float[N,M,K] y) { s = ReduceMax(x, a) y = Identity(s) }"
    ).SerializeToString()
    inputs = {"x": Tensor("FLOAT", (3, 2, 2)), "a": Tensor("INT64", (1,))}
    same = compare_models(reduced, reduced, inputs)
    assert same.ran
    assert same.holds
    assert 0 < len(same.by_sample) < len((*TYPICAL, *EXTREME, SPECIAL))
    assert not compare_models(reduced, other, inputs).holds


@pytest.mark.parametrize(("factor", "holds"), [("1.0", True), ("1.00001", False)])
def test_what_an_optimiser_does_to_the_same_function_is_not_held_against_a_rewrite(
    factor: str, holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fuses a quantised convolution with a bias of whole numbers, and none with the same bias as a float."""

    def written(number: str, output: str) -> bytes:
        nodes = f"{output} = Mul (x, f) y = Identity ({output})"
        body = f"g (float[3] x) => (float[3] y) <float f = {{{number}}}> {{ {nodes} }}"
        return bytes(onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 18]>\n{body}').SerializeToString())

    before, after = written("1.0", "a"), written(factor, "b")

    class Fused(Session):
        def __init__(self, model: bytes, optimised: bool = False) -> None:
            super().__init__(model, optimised)
            self._shift = 0.1 if optimised and model == after else 0.0

        def run(self, feed: Mapping[str, Any]) -> list[Any]:
            return [result + np.float32(self._shift) for result in super().run(feed)]

    monkeypatch.setattr("safecheck.rewrite.proof.pieces.Session", Fused)
    assert compare_models(before, after, {"x": Tensor("FLOAT", (3,))}).holds is holds


@pytest.mark.parametrize("factor", ["1.0", "1.00001", "1.01"])
def test_results_too_large_to_keep_are_judged_one_at_a_time_and_alike(
    factor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not kept is computed again, and looked at in pieces: nothing of the answer changes."""

    def written(number: str) -> bytes:
        nodes = f"c = Constant <value = float {{{number}}}> () a = Mul (x, c) l = Log (a) y = Softmax (a)"
        text = f"g (float[2,5,7,3] x) => (float[2,5,7,3] y, float[2,5,7,3] l) {{ {nodes} }}"
        return bytes(onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 18]>\n{text}').SerializeToString())

    before, after, inputs = written("1.0"), written(factor), {"x": Tensor("FLOAT", (2, 5, 7, 3))}
    whole = compare_models(before, after, inputs)
    opened: list[bytes] = []

    class Counted(Session):
        def __init__(self, model: bytes, optimised: bool = False) -> None:
            super().__init__(model, optimised)
            opened.append(model)

    monkeypatch.setattr("safecheck.rewrite.proof.whole.Session", Counted)
    monkeypatch.setattr("safecheck.rewrite.proof.whole._KEPT", 0)
    monkeypatch.setattr("safecheck.rewrite.proof.channels.BLOCK", 10)
    monkeypatch.setattr("safecheck.rewrite.proof.difference.BLOCK", 10)
    assert compare_models(before, after, inputs) == whole
    assert whole.ran
    assert whole.holds == (factor != "1.01")
    assert opened.count(before) > len(whole.by_sample)
