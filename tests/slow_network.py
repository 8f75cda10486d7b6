"""A network of some bytes that takes minutes to run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.parser

SLOW = """
<ir_version: 8, opset_import: ["" : 17]>
g (float[1,3,16,16] x) => (float[1,3,16,16] y)
  <float[3,3,1,1] v = {1,0,0,0,1,0,0,0,1}, int64[4] s = {1,1,1800,1800}, int64[4] w = {1,1,900,900}> {
    c = Conv (x, v)
    a = ConstantOfShape (s)
    b = ConstantOfShape (w)
    k = Conv (a, b)
    m = ReduceMax <axes = [2, 3], keepdims = 1> (k)
    y = Add (c, m)
}
"""
"""A few bytes that take 6.6e11 multiply-accumulates, and a convolution that can be quantised."""


def slow(folder: Path) -> None:
    """Put it there as `slow.onnx`, with an image to calibrate it by."""
    onnx.save(onnx.parser.parse_model(SLOW), folder / "slow.onnx")
    (folder / "images").mkdir()
    np.save(folder / "images" / "0.npy", np.ones((3, 16, 16), np.float32))
