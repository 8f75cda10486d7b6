"""What `quantize` did, for people: the verdict of the new model, how it was calibrated, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator

from safecheck.measure.quantize.quantize import Quantised
from safecheck.render.line import STYLE, Line
from safecheck.text import printable

_MEANING = {
    "mixed": "Q/DQ before convolutions and matrix products; the rest FP16 or FP32, as the builder is told",
    "int8": "Q/DQ before every operator that TensorRT and onnxruntime both know in INT8",
}


def document(done: Quantised) -> Iterator[Line]:
    """All lines."""
    request, after = done.request, done.after
    headline = Line(f"{str(after.verdict).upper()}  {printable(after.path)}", STYLE[after.verdict])
    yield headline
    yield Line(f"  profile   {after.profile.id} {after.profile.version}: {after.profile.title}")
    yield Line(f"  before    {done.before.verdict}")
    yield Line(f"  precision {request.precision}: {_MEANING[request.precision]}")
    method = f"{request.method} {request.percentile:g}" if request.method == "percentile" else request.method
    yield Line(f"  method    {method}, symmetric INT8, weights per channel")
    yield Line(f"  images    {done.used} of {done.found}, seed {request.seed}")
    yield Line(f"  scales    {len(done.thresholds)} activations, {done.pairs} Q/DQ pairs")
    if done.accuracy is not None:
        first, second = done.accuracy
        change = f"{second.percent - first.percent:+.2f} points"
        yield Line(f"  Top-1     {first.percent:.2f} % before, {second.percent:.2f} % after ({change})")
        yield Line(f"            on {first.total} images, {done.calibrated_on} of which the calibration has seen, too")
    asked = printable((*after.profile.files, after.profile.name)[0])
    yield Line(f"  findings  safecheck audit {printable(after.path)} --profile {asked} lists them")
    yield headline
