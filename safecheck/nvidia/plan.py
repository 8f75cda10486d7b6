"""What a build sets, decided without any builder: a pure function of target, model and options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from safecheck.errors import InputError, UsageError
from safecheck.ir.signature import UNKNOWN, Tensor
from safecheck.nvidia import version
from safecheck.nvidia.version import Release, dotted, generation
from safecheck.text import printable

PRECISIONS = ("fp32", "fp16", "int8", "mixed")
_QUANTIZERS = frozenset({"QuantizeLinear", "DequantizeLinear"})
_FLAGS = {"fp32": (), "fp16": ("FP16",), "int8": ("INT8",), "mixed": ("FP16", "INT8")}
_DLA_FORMATS = {"fp16": ("fp16", "chw16"), "mixed": ("fp16", "chw16"), "int8": ("int8", "chw32")}
"""Accepted for inputs and outputs of stand-alone loadables by every trtexec from 7.1 on."""


@dataclass(frozen=True, slots=True)
class Port:
    """A network input or output and the format the build gives it."""

    name: str
    type: str
    """`fp16` or `int8` where the build sets it, `as declared` where it does not."""
    format: str
    """`linear`, `chw16` or `chw32`."""


@dataclass(frozen=True, slots=True)
class Ports:
    """A model as a plan sees it."""

    inputs: tuple[tuple[str, Tensor], ...]
    outputs: tuple[tuple[str, Tensor], ...]
    floats: frozenset[str]
    """Element types of the floating-point weights and network inputs."""
    quantized: bool
    """Whether it holds QuantizeLinear or DequantizeLinear."""

    @property
    def precision(self) -> str:
        """The precision that the file itself says: what a strongly typed network computes in."""
        half = "FLOAT16" in self.floats
        if self.quantized:
            return "mixed" if half else "int8"
        return "mixed" if half and "FLOAT" in self.floats else "fp16" if half else "fp32"

    @property
    def batch(self) -> int | None:
        """The first dimension that all network inputs have in common; None if they have none."""
        firsts = {tensor.shape[0] if tensor.shape else None for _, tensor in self.inputs}
        first = firsts.pop() if len(firsts) == 1 else None
        return first if isinstance(first, int) else None


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """Everything that a builder is told."""

    profile: str
    release: str
    capability: str
    """Name in EngineCapability: STANDARD, SAFETY, SAFE_GPU or DLA_STANDALONE."""
    flags: tuple[str, ...]
    """Names in BuilderFlag, never numbers: SAFETY_SCOPE is 9 in 8.x and 8 in 10.x."""
    network_flags: tuple[str, ...]
    precision: str
    batch: int | None
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    dla_core: int | None
    aux_streams: int | None
    scope: str
    """Which safety scope the builder checks; empty if it checks none."""
    note: str
    """Why this build proves nothing about the safety scope of the profile; empty if it does."""

    @property
    def scope_checked(self) -> bool:
        """Whether a build by this plan answers the question of the profile."""
        return not self.note

    @property
    def settings(self) -> tuple[str, ...]:
        """Capability and flags, as evidence names them."""
        return (f"EngineCapability.{self.capability}", *self.flags, *self.network_flags)


def ports_of(proto: Any, operators: Iterable[str], tensors: Mapping[str, Tensor]) -> Ports:
    """What a plan needs of a ModelProto; `tensors` are the values of its main graph."""
    weights = {tensor.name for tensor in proto.graph.initializer}
    inputs = tuple((value.name, tensors[value.name]) for value in proto.graph.input if value.name not in weights)
    outputs = tuple((value.name, tensors[value.name]) for value in proto.graph.output)
    types = {tensors[name].dtype for name in weights} | {tensor.dtype for _, tensor in inputs}
    floats = frozenset(type_ for type_ in types if type_ in ("FLOAT", "FLOAT16", "BFLOAT16", "DOUBLE"))
    return Ports(inputs, outputs, floats, not _QUANTIZERS.isdisjoint(operators))


def plan(
    profile: str,
    target: Mapping[str, str],
    wanted: Release,
    release: Release,
    model: Ports,
    precision: str | None = None,
    batch: int | None = None,
    safety: bool = True,
) -> BuildPlan:
    """The plan for a builder of `release`, for a profile whose own release is `wanted`.

    `safety=False` leaves the safety capability away, for machines whose TensorRT does not have it.

    Raises:
        UsageError: precision or batch contradict the model.
        InputError: a network input has an open dimension; the scope check would be skipped and say nothing.
    """
    _check_shapes(model)
    _check_batch(model, batch)
    dla = target["device"] == "dla"
    strong = release in version.STRONGLY_TYPED
    precision = _precision(model, precision, strong, dla)
    capability, flags = _capability(target, release, safety)
    ports = _DLA_FORMATS[precision] if dla else ("as declared", "linear")
    scope, note = _scope(capability, flags, wanted, release, safety)
    return BuildPlan(
        profile=profile,
        release=dotted(release),
        capability=capability,
        flags=(
            *flags,
            *(() if strong else _FLAGS[precision]),
            *(("DIRECT_IO",) if dla and release in version.FLAG_DIRECT_IO else ()),
        ),
        network_flags=(
            *(("EXPLICIT_BATCH",) if release in version.FLAG_EXPLICIT_BATCH else ()),
            *(("STRONGLY_TYPED",) if strong else ()),
        ),
        precision=precision,
        batch=model.batch,
        inputs=tuple(Port(name, *ports) for name, _ in model.inputs),
        outputs=tuple(Port(name, *ports) for name, _ in model.outputs),
        dla_core=0 if dla else None,
        aux_streams=0 if capability == "SAFETY" and release in version.AUX_STREAMS else None,
        scope=scope,
        note=note,
    )


def _capability(target: Mapping[str, str], release: Release, safety: bool) -> tuple[str, tuple[str, ...]]:
    if target["device"] == "dla":
        return "DLA_STANDALONE" if release in version.NEW_CAPABILITIES else "SAFE_DLA", ()
    if release in version.SAFETY_FLAG:
        return "STANDARD", ("SAFETY_SCOPE",)
    if release not in version.NEW_CAPABILITIES:
        return "SAFE_GPU", ()
    return ("SAFETY" if safety and target["capability"] == "safety" else "STANDARD"), ()


def _scope(capability: str, flags: tuple[str, ...], wanted: Release, release: Release, safety: bool) -> tuple[str, str]:
    if capability == "STANDARD" and "SAFETY_SCOPE" not in flags:
        why = "this machine's TensorRT has no safety builds" if not safety else "the target is no safety build"
        return "", (
            f"TensorRT {dotted(release)} ignores SAFETY_SCOPE (since 10.16), and {why}: "
            "a standard build proves nothing about the safety scope"
        )
    scope = f"{'DLA' if 'DLA' in capability else 'GPU safety'} of TensorRT {generation(release)}"
    if generation(release) != generation(wanted):
        return scope, (
            f"the builder is TensorRT {dotted(release)}, the profile speaks of {dotted(wanted)}: "
            "their safety scopes differ, so this build proves nothing about the profile"
        )
    return scope, ""


def _precision(model: Ports, asked: str | None, strong: bool, dla: bool) -> str:
    own = model.precision
    chosen = asked or (own if strong or model.quantized else "fp16")
    if strong and chosen != own:
        what = f"{asked} is asked for, but the network is strongly typed and the file says {own}"
        raise UsageError("SC-BUILD-PRECISION", "--precision", what, "convert the model, or leave the option away")
    if chosen in ("int8", "mixed") and not strong and not model.quantized:
        what = f"{chosen} needs scales, and the model holds no QuantizeLinear"
        raise UsageError("SC-BUILD-PRECISION", "--precision", what, "quantise the model first, or build fp16")
    if dla and chosen == "fp32":
        todo = "convert the model to fp16" if strong else "use --precision fp16"
        raise UsageError("SC-BUILD-PRECISION", "--precision", "DLA computes in fp16 or int8", todo)
    return chosen


def _check_shapes(model: Ports) -> None:
    for name, tensor in model.inputs:
        if tensor.dims is UNKNOWN:
            where = f"network input '{printable(name, 60)}'"
            what = "it has an open dimension, and the builder checks no safety scope of dynamic shapes"
            raise InputError("SC-BUILD-SHAPE", where, what, "fix it first: safecheck fix MODEL --batch N -o FIXED.onnx")


def _check_batch(model: Ports, batch: int | None) -> None:
    if batch is not None and batch != model.batch:
        what = f"batch {batch} is asked for, but the model has {'none' if model.batch is None else model.batch}"
        todo = "export it with that batch; an open one is set by safecheck fix --batch"
        raise UsageError("SC-BUILD-BATCH", "--batch", what, todo)
