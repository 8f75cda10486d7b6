"""Several models at several batches and precisions: what can be measured here, and for everything else why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from safecheck.cost.measured import METRICS, Measurement
from safecheck.errors import SafecheckError, UsageError
from safecheck.intake.dtypes import dtype_name
from safecheck.ir.model import Model, load
from safecheck.ir.signature import Tensor
from safecheck.measure.images.folder import Image
from safecheck.measure.images.input import DEFAULTS, Options, image_input
from safecheck.measure.timing.accuracy import top_1
from safecheck.measure.timing.latency import NotMeasured, Timing, time_runs
from safecheck.measure.timing.machine import Machine, this_machine, today
from safecheck.measure.timing.trtexec import time_network
from safecheck.nvidia.backends.trtexec import Trtexec
from safecheck.rewrite.canonicalize.interface import fix_batch
from safecheck.rewrite.files import read_whole, written
from safecheck.rewrite.proof.runtime import RunError, version
from safecheck.rewrite.proof.samples import FINITE, samples
from safecheck.text import printable

PRECISIONS = ("fp32", "fp16", "mixed")
_FLOAT16 = 10
Tick = Callable[[str, int, int], None]
"""Told a stage, what more of it is done, and its size."""


@dataclass(frozen=True)
class Request:
    """What the caller wants measured."""

    batches: Sequence[int] = (1,)
    precisions: Sequence[str] = ("fp32",)
    trtexec: Trtexec | None = None
    """None for onnxruntime on the CPU."""
    warmup: int = 5
    runs: int = 100
    images: Sequence[Image] = ()
    labels: dict[str, int] | None = None
    """Class by image name; Top-1 is measured where there are any."""
    options: Options = DEFAULTS


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that was asked for and has no number."""

    metric: str
    reason: str
    batch: int | None = None
    precision: str = ""


@dataclass(frozen=True)
class Column:
    """What was found about one model."""

    path: str
    sha256: str
    measurements: tuple[Measurement, ...] = ()
    gaps: tuple[Gap, ...] = ()
    error: SafecheckError | None = None
    """Why the model could not be read; None if it could."""


@dataclass(frozen=True)
class Campaign:
    """What was found."""

    request: Request
    machine: Machine
    columns: tuple[Column, ...]

    @property
    def exit_code(self) -> int:
        """0 if every model has a measurement; otherwise that of the error, or 3: nothing measured is no result."""
        errors = [column.error.exit_code for column in self.columns if column.error is not None]
        if errors:
            return min(errors)  # a usage error (2) before an unreadable model (3)
        return 0 if all(column.measurements for column in self.columns) else 3


def bench(paths: Sequence[str], request: Request, one: Callable[[str, Machine, str], Column]) -> Campaign:
    """Measure each model by `one`, which gets its path, this machine and the day; one that fails has its error."""
    date, machine = today(), this_machine()
    columns = []
    for path in paths:
        try:
            columns.append(one(path, machine, date))
        except SafecheckError as error:
            columns.append(Column(path, "", error=error))
    gpus = {part.device for column in columns for part in column.measurements} - {machine.processor}
    return Campaign(request, replace(machine, gpu=", ".join(sorted(gpus))), tuple(columns))


def column(path: str, request: Request, machine: Machine, date: str, tick: Tick) -> Column:
    """What is found about one model.

    Raises:
        SafecheckError: it cannot be read or run.
    """
    model = load(path)
    found: list[Measurement] = []
    gaps: list[Gap] = []

    def keep(metric: str, value: float | None, batch: int | None, precision: str, device: str, versions: str) -> None:
        if value is None:
            few = f"{request.runs} runs are too few for it"
            reason = "this trtexec does not print it" if request.trtexec is not None else few
            gaps.append(Gap(metric, reason, batch, precision))
            return
        found.append(
            Measurement(model.sha256, metric, value, METRICS[metric], batch, precision, device, versions, date)
        )

    # Top-1 first: what is wrong with the labels shall not cost the hours before it.
    if request.labels:
        source = image_input(model.proto, printable(path), request.options)
        stage = f"{printable(path, 60)} Top-1"
        total = len(request.labels)
        share = top_1(
            path, printable(path), source, request.images, request.labels, lambda done: tick(stage, done, total)
        )
        keep("top-1", share.percent, None, _written_in(model), machine.processor, f"onnxruntime {version()}")
    for batch in request.batches:
        for precision in request.precisions:
            try:
                timing = _timed(model, batch, precision, request, tick)
            except NotMeasured as reason:
                gaps.append(Gap("latency", str(reason), batch, precision))
                continue
            place = (batch, precision, timing.device or machine.processor, timing.versions)
            keep("latency", timing.median, *place)
            keep("latency-p95", timing.p95, *place)
            keep("latency-p99", timing.p99, *place)
            keep("throughput", timing.throughput, *place)
            if request.trtexec is not None:
                keep("gpu-time", timing.gpu_time, *place)
    gaps.append(Gap("memory-traffic", "no counter of this backend tells it; safecheck compare shows an estimate"))
    return Column(path, model.sha256, tuple(found), tuple(gaps))


def _written_in(model: Model) -> str:
    """The precision of the file itself."""
    if any(node.op_type == "QuantizeLinear" for node in model.proto.graph.node):
        return "mixed"
    types = {tensor.data_type for tensor in model.proto.graph.initializer}
    return "fp16" if _FLOAT16 in types else "fp32"


def _timed(model: Model, batch: int, precision: str, request: Request, tick: Tick) -> Timing:
    own = _written_in(model)
    if precision == "mixed" and own != "mixed":
        raise NotMeasured("the model has no Q/DQ nodes: make them with safecheck quantize, and measure its result")
    if own == "mixed" and precision != "mixed":
        raise NotMeasured(f"the model is quantised: measure the original in {precision}")
    if request.trtexec is None and precision == "fp16":
        raise NotMeasured("onnxruntime's CPU kernels compute FP16 models in FP32: measure on the target")
    if precision == "fp32" and own == "fp16":
        raise NotMeasured("the model is written in FP16: measure the FP32 export")
    stage = f"{printable(model.path, 60)} batch {batch} {precision}"
    proto = _rebatched(model, batch)
    feeds = _feeds(proto)
    with written(proto, None, bool(model.external_data)) as place:
        if request.trtexec is not None:
            timing = time_network(request.trtexec, place, batch, precision, request.runs)
            tick(stage, request.runs, request.runs)
            return timing
        try:
            timing = time_runs(
                place, feeds, batch, request.warmup, request.runs, lambda done: tick(stage, done, request.runs)
            )
        except RunError as error:
            raise NotMeasured(f"onnxruntime cannot run it: {printable(str(error), 300)}") from error
    return replace(timing, versions=f"onnxruntime {version()}")


def _rebatched(model: Model, batch: int) -> Any:
    proto = read_whole(model)
    try:
        fix_batch(proto, batch)
    except UsageError as error:
        raise NotMeasured(f"{error.what}: export the model with an open batch") from error
    return proto


def _feeds(proto: Any) -> dict[str, Any]:
    """Seeded normal values for every input."""
    weights = {tensor.name for tensor in proto.graph.initializer}
    inputs = {}
    for value in proto.graph.input:
        if value.name in weights:
            continue
        tensor = value.type.tensor_type
        shape = tuple(dim.dim_value if dim.HasField("dim_value") else 0 for dim in tensor.shape.dim)
        dtype = dtype_name(tensor.elem_type)
        if dtype is None or not all(shape) or not tensor.HasField("shape"):
            raise NotMeasured(f"the shape of input {printable(value.name, 60)} is not fixed beside its batch")
        inputs[value.name] = Tensor(dtype, shape)
    return next(samples(inputs, FINITE[:1]))[1]
