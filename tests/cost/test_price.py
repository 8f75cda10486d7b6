"""Prices by hand on small networks: multiply-accumulates, bytes, kernels, and the one number that orders them."""

from __future__ import annotations

from pathlib import Path

from case_files import model_from_text

from safecheck.cost.price import LAUNCH, MACS_PER_BYTE, Price, price, ratio
from safecheck.ir.model import load
from safecheck.ir.signatures import signatures


def priced(text: str, folder: Path) -> Price | None:
    file = folder / "model.onnx"
    file.write_bytes(model_from_text(text).SerializeToString())
    model = load(str(file))
    return price(signatures(model.graph).nodes, model.graph.scopes[0].outputs)


def conv(channels: int, more: str = "") -> str:
    return f"""(float[1,4,8,8] x) => (float[1,{channels},8,8] y)
    <float[{channels},4,1,1] w = {{{",".join("1" * 4 * channels)}}}> {{ c = Conv(x, w) {more or "y = Relu(c)"} }}"""


def test_a_convolution_with_its_relu_is_one_kernel(tmp_path: Path) -> None:
    found = priced(conv(4), tmp_path)
    assert found is not None
    assert found.macs == 4 * 4 * 64
    assert found.activations == 4 * 256 * 2, "x, c, c, y, two bytes an element"
    assert found.traffic == (256 + 256 + 16) * 2, "x and y and the weights; c stays on chip"
    assert found.kernels == 1
    assert found.estimate == 1056 + 1024 // MACS_PER_BYTE + LAUNCH


def test_what_does_the_same_in_more_kernels_costs_more(tmp_path: Path) -> None:
    short = priced(conv(4), tmp_path)
    turned = "t = Transpose<perm = [0,1,3,2]>(c) r = Relu(t) y = Transpose<perm = [0,1,3,2]>(r)"
    long = priced(conv(4, turned), tmp_path)
    assert short is not None
    assert long is not None
    assert (long.macs, long.traffic) == (short.macs, short.traffic), "all of it fits into the cache"
    assert long.kernels == 4, "a convolution, a copy, a Relu, a copy"
    assert long.estimate - short.estimate == 3 * LAUNCH
    assert ratio(long, short) > 3.9


def test_unknown_sizes_have_no_price(tmp_path: Path) -> None:
    assert priced("(float[N,4] x) => (float[N,4] y) { y = Relu(x) }", tmp_path) is None


def test_nothing_costs_nothing() -> None:
    assert price([], ["x"]) == Price()
    assert ratio(Price(), Price()) == 1
    assert ratio(Price(kernels=1), Price()) == float("inf")
