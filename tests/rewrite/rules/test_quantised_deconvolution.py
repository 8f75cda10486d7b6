"""Transposed convolutions whose weights are stored as whole numbers, against sums over the definition."""

from __future__ import annotations

from itertools import product
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mended import RESTRICTED, SAFETY_10, Mended, mended, model, run

INS, OUTS = 4, 6


class Form(NamedTuple):
    """How weights are stored."""

    kind: Any
    along: int | None
    """The axis along which there is a scale each; None for one of all."""
    zero: str = ""
    """`one` or `each`: a zero point other than the middle."""
    quantised: bool = False
    """Whether a QuantizeLinear of numbers stands before."""


FORMS = {
    "one scale": Form(np.int8, None), "one zero point": Form(np.int8, None, "one"),
    "a scale each": Form(np.int8, 1), "a zero point each": Form(np.int8, 1, "each"),
    "a scale for each input": Form(np.int8, 0), "unsigned": Form(np.uint8, None, "one"),
    "unsigned each": Form(np.uint8, 1, "each"), "unsigned for each input": Form(np.uint8, 0, "each"),
    "numbers": Form(np.int8, 1, "", True),
}  # fmt: skip


def transposed(x: Any, weights: Any, stride: int, pads: tuple[int, int], extra: int, group: int) -> Any:
    """Every element of the input, times the kernel, added where it falls (ONNX, ConvTranspose), in float64."""
    batch, ins, height, width = x.shape
    kernel, outs = weights.shape[2], weights.shape[1] * group
    made = np.zeros((batch, outs, *((size - 1) * stride + kernel + extra for size in (height, width))))
    for at in range(group):
        given_ = slice(at * ins // group, (at + 1) * ins // group)
        own = np.einsum("ncyx,cokl->noyxkl", x[:, given_].astype(np.float64), weights[given_])
        for row, column in product(range(height), range(width)):
            places = slice(row * stride, row * stride + kernel), slice(column * stride, column * stride + kernel)
            made[(slice(None), slice(at * outs // group, (at + 1) * outs // group), *places)] += own[:, :, row, column]
    low, high = pads
    return made[:, :, low : made.shape[2] - high, low : made.shape[3] - high]


def compared(
    form: str, kernel: int, stride: int, pads: tuple[int, int], extra: int, group: int, profile_id: str, *names: str
) -> Mended:
    """The rewritten network and onnxruntime are both what the definitions of the two operators say."""
    how = FORMS[form]
    random, shape = np.random.default_rng(7), (INS, OUTS // group, kernel, kernel)
    ends = np.iinfo(how.kind)
    stored = random.integers(ends.min, ends.max, shape, endpoint=True).astype(how.kind)
    count = 1 if how.along is None else shape[how.along]
    scale = random.uniform(0.005, 0.02, count).astype(np.float32)
    zero = random.integers(ends.min // 2, ends.max // 2, count).astype(how.kind) if how.zero else np.zeros(count)
    wide = [-1 if axis == how.along else 1 for axis in range(4)]
    exact = (stored.astype(np.float64) - zero.reshape(wide)) * scale.astype(np.float64).reshape(wide)
    axis = "" if how.along is None else f"<axis = {how.along}>"
    weights: dict[str, Any] = {"w": stored, "ws": scale, "b": random.standard_normal(OUTS).astype(np.float32)}
    if how.zero or how.quantised or how.kind is np.uint8:
        weights["wz"] = zero.astype(how.kind)
    if how.along is None:
        weights |= {name: array.reshape(()) for name, array in weights.items() if name in ("ws", "wz")}
    steps = ", ".join(name for name in ("ws", "wz") if name in weights)
    body, source = "", "w"
    if how.quantised:
        weights["w"], source = exact.astype(np.float32), "wq"
        body = f"wq = QuantizeLinear {axis} (w, {steps})\n"
    x = random.standard_normal((2, INS, 5, 3)).astype(np.float32)
    want = transposed(x, exact, stride, pads, extra, group) + weights["b"].reshape(1, -1, 1, 1)
    attributes = (
        f"strides = [{stride}, {stride}], pads = [{pads[0]}, {pads[0]}, {pads[1]}, {pads[1]}], "
        f"output_padding = [{extra}, {extra}], group = {group}"
    )
    text = f"""g (float{list(x.shape)} x) => (float{list(want.shape)} y) {{
        {body} wd = DequantizeLinear {axis} ({source}, {steps})
        y = ConvTranspose <{attributes}> (x, wd, b)
    }}"""
    case = mended(model(text, weights), *names, profile_id=profile_id)
    size = transposed(np.abs(x), np.abs(exact), stride, pads, extra, group) + 5
    for network in (case.before, case.after):
        assert (np.abs(run(network, {"x": x})[0] - want) <= 3e-6 * size).all()
    return case


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("kernel", "stride", "pads", "extra", "group"),
    [(2, 2, (0, 0), 0, 1), (4, 2, (1, 1), 0, 1), (3, 2, (1, 1), 1, 2), (3, 1, (1, 1), 0, 1), (4, 4, (0, 0), 0, 2)],
)
@pytest.mark.parametrize("profile_id", [RESTRICTED, SAFETY_10])
def test_every_way_to_store_weights(
    form: str, kernel: int, stride: int, pads: tuple[int, int], extra: int, group: int, profile_id: str
) -> None:
    case = compared(form, kernel, stride, pads, extra, group, profile_id)
    assert case.weights[1].total == 0, case.reasons
    if profile_id == RESTRICTED:
        assert not {"ConvTranspose", "DequantizeLinear", "QuantizeLinear"} & set(case.operators)


@pytest.mark.parametrize("form", ["one scale", "a scale each", "a scale for each input", "one zero point"])
@pytest.mark.parametrize(("kernel", "stride", "group"), [(2, 2, 1), (4, 2, 1), (3, 1, 1), (3, 1, 2), (6, 3, 2)])
def test_the_convolution_in_its_place_stays_quantised(form: str, kernel: int, stride: int, group: int) -> None:
    """Where nothing else is rewritten; a scale for each input is none of a convolution, nor are shifted numbers."""
    case = compared(form, kernel, stride, (0, kernel - stride), 0, group, RESTRICTED, "deconvolution-to-convolution")
    assert case.applied == ["deconvolution-to-convolution"]
    (conv,) = [node for node in case.after.graph.node if node.op_type == "Conv"]
    kept = [node.output[0] for node in case.after.graph.node if node.op_type == "DequantizeLinear"]
    assert (conv.input[1] in kept) == (form in ("one scale", "a scale each"))


def test_scales_stay_with_their_channels() -> None:
    """One channel a thousand times as large as the next: a scale at another channel would be seen."""
    weights = {
        "w": np.random.default_rng(3).integers(-127, 128, (4, 6, 2, 2)).astype(np.int8),
        "ws": np.float32([1e-3, 1, 1e-3, 1, 1e-3, 1]),
    }  # fmt: skip
    text = """g (float[1,4,5,5] x) => (float[1,6,10,10] y) {
        wd = DequantizeLinear <axis = 1> (w, ws) y = ConvTranspose <strides = [2, 2]> (x, wd)
    }"""
    case = mended(model(text, weights))
    assert case.weights[1].total == 0, case.reasons
    x = np.random.default_rng(5).standard_normal((1, 4, 5, 5)).astype(np.float32)
    exact = weights["w"] * weights["ws"].astype(np.float64).reshape(1, -1, 1, 1)
    want = transposed(x, exact, 2, (0, 0), 0, 1)
    got = run(case.after, {"x": x})[0]
    for channel in range(6):
        assert np.abs(got[:, channel] - want[:, channel]).max() < 1e-5 * np.abs(want[:, channel]).max()


@settings(max_examples=40, deadline=None)
@given(
    form=st.sampled_from(sorted(FORMS)), kernel=st.integers(1, 5), stride=st.integers(1, 4),
    pads=st.tuples(st.integers(0, 2), st.integers(0, 2)), extra=st.integers(0, 2), group=st.sampled_from([1, 2]),
    profile_id=st.sampled_from([RESTRICTED, SAFETY_10]),
)  # fmt: skip
def test_any_quantised_transposed_convolution(
    form: str, kernel: int, stride: int, pads: tuple[int, int], extra: int, group: int, profile_id: str
) -> None:
    assume(max(pads) < kernel and extra < stride)
    assume(min((size - 1) * stride + kernel + extra - sum(pads) for size in (5, 3)) > 0)
    case = compared(form, kernel, stride, pads, extra, group, profile_id)
    onnx.checker.check_model(case.after, full_check=True)
