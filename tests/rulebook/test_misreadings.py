"""The facts about misreadings against onnxruntime: they say no more and no less than that the two results differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from case_files import model_from_text
from hypothesis import given, settings
from hypothesis import strategies as st

from safecheck.ir.graph import graph_of
from safecheck.ir.signature import Signature
from safecheck.ir.signatures import signatures
from safecheck.rulebook.facts import misreadings


def signature(model: Any) -> Signature:
    return signatures(graph_of(model)).nodes[-1].signature


def run(model: Any, data: Any) -> Any:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, {"x": data})[0]


def deconvolved(data: Any, kernel: Any, stride: int, begin: int, length: int) -> Any:
    """What the layer computes along one axis: the whole result, cut at the begin, and as long as it is said to be."""
    whole = np.zeros(stride * (len(data) - 1) + len(kernel) + length + 9, np.float32)
    for at, value in enumerate(data):
        whole[at * stride : at * stride + len(kernel)] += value * kernel
    return whole[begin : begin + length]


@settings(max_examples=60, deadline=None)
@given(
    size=st.integers(1, 4), width=st.integers(1, 5), stride=st.integers(1, 3), extra=st.integers(0, 2),
    mode=st.sampled_from(["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]), less=st.none() | st.integers(0, 3),
)  # fmt: skip
def test_deconvolution(size: int, width: int, stride: int, extra: int, mode: str, less: int | None) -> None:
    natural = stride * (size - 1) + width + extra
    if stride > width or extra >= max(stride, 1) or (less is not None and less >= natural):
        return  # what a file may not say, and strides over the kernel, which the texts leave open
    shape = "" if less is None else f", output_shape=[1,{natural - less}]"
    model = model_from_text(
        f"(float[1,1,1,{size}] x) => (y) {{ y = ConvTranspose<kernel_shape=[1,{width}], strides=[1,{stride}],"
        f' output_padding=[0,{extra}], auto_pad="{mode}"{shape}>(x, w) }}',
        weights={"w": f"float[1,1,1,{width}]"},
    )
    data, kernel = np.arange(1, size + 1, dtype=np.float32), np.arange(1, width + 1, dtype=np.float32) ** 2
    model.graph.initializer[0].raw_data = kernel.tobytes()
    right = run(model, data.reshape(1, 1, 1, size)).ravel()

    same = mode in ("SAME_UPPER", "SAME_LOWER")
    if mode == "NOTSET":
        length = natural if less is None else natural - less
        padding = natural - length
    else:
        length = stride * size if same else natural - extra
        padding = max(natural - extra - length, 0)
    begin = padding - padding // 2 if mode == "SAME_LOWER" else padding // 2
    layer = deconvolved(data, kernel, stride, begin, length)
    agree = right.shape == layer.shape and np.allclose(right, layer)
    assert misreadings.deconvolution_misplaced(signature(model)) is not agree


@settings(max_examples=60, deadline=None)
@given(
    size=st.integers(1, 12), width=st.integers(1, 4), stride=st.integers(1, 5), before=st.integers(0, 3),
    after=st.integers(0, 3),
)  # fmt: skip
def test_pooling_windows(size: int, width: int, stride: int, before: int, after: int) -> None:
    if max(before, after) >= width or size + before + after < width:
        return
    text = f"y = MaxPool<kernel_shape=[{width}], strides=[{stride}], pads=[{before},{after}], ceil_mode=1>(x)"
    model = model_from_text(f"(float[1,1,{size}] x) => (y) {{ {text} }}")
    layer = -(-(size + before + after - width) // stride) + 1
    right = run(model, np.ones((1, 1, size), np.float32)).shape[-1]
    assert misreadings.last_window_outside(signature(model)) is (layer != right)
    assert misreadings.adds_window(signature(model)) is (layer != (size + before + after - width) // stride + 1)


@settings(max_examples=60, deadline=None)
@given(
    size=st.integers(1, 12), ratio=st.sampled_from([0.5, 0.4, 0.75, 1.25, 1.5, 1.6, 2.0, 2.5, 3.0]),
    how=st.sampled_from(["asymmetric", "half_pixel"]),
    rounding=st.sampled_from(["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]),
)  # fmt: skip
def test_nearest_neighbours(size: int, ratio: float, how: str, rounding: str) -> None:
    length = int(np.float32(size) * np.float32(ratio))
    if length < 1 or length == size:  # the runtime copies where the length stays, whatever the scale
        return
    attributes = f'mode="nearest", coordinate_transformation_mode="{how}", nearest_mode="{rounding}"'
    scales = model_from_text(
        f"(float[{size}] x) => (y) <float[1] s = {{{ratio}}}> {{ y = Resize<{attributes}>(x, , s) }}"
    )
    sizes = model_from_text(
        f"(float[{size}] x) => (y) <int64[1] s = {{{length}}}> {{ y = Resize<{attributes}>(x, , , s) }}"
    )
    data = np.arange(size, dtype=np.float32)
    agree = np.array_equal(run(scales, data), run(sizes, data))
    told = misreadings.resize_readings_differ(signature(scales))
    assert told or agree
    if rounding == "floor" and ratio in (0.5, 1.5, 2.5):  # else a runtime decides ties by its own arithmetic
        assert told is not agree
    assert misreadings.resize_readings_differ(signature(sizes)) is False


@pytest.mark.parametrize(("given", "known"), [("0.5", "2"), ("2.0", "n")])
def test_what_is_whole_at_every_length_needs_no_length(given: str, known: str) -> None:
    model = model_from_text(
        f"(float[n] x) => (y) <float[1] s = {{{given}}}> {{ y = Resize(x, , s) }}".replace("n", known)
    )
    assert misreadings.resize_readings_differ(signature(model)) is False
