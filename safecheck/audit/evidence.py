"""What the vendor's own software said about a model: its scope check, and a build. Values only."""

from __future__ import annotations

from enum import Enum

from safecheck.finding import Location
from safecheck.values import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that the vendor's software refused."""

    layer: str
    """The layer as the vendor names it."""
    limit: str
    """The vendor's own words, one line."""
    location: Location | None
    """The ONNX node it comes from; None where that is not known."""
    rules: tuple[str, ...] = ()
    """Our rules that speak of the same node and do not allow it; empty is a disagreement."""


class Sameness(Enum):
    """Whether the network that the vendor's parser made computes the same as the file."""

    SAME = "same"
    DIFFERENT = "different"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Misreading:
    """A tensor that the network computes otherwise than the file."""

    tensor: str
    sample: str
    """Name of the inputs on which it showed first."""
    layer: str
    """The vendor's layer that writes it, by name."""
    parameters: str
    """Kind and parameters of that layer, one line."""
    file: str
    """What the file computes: a shape, or the element that differs most and its place."""
    network: str
    """What the network computes there."""
    error: float | None
    """The largest absolute difference; None where it is no finite number."""
    location: Location | None
    """The ONNX node; None where that is not known."""
    rules: tuple[str, ...] = ()
    """Our rules that speak of the same node and do not allow it."""


@dataclass(frozen=True, slots=True)
class Translation:
    """What came of running the vendor's network, by the documented meaning of its layers, beside the file."""

    status: Sameness
    reason: str = ""
    """Why nothing is decided; empty if it is."""
    samples: tuple[str, ...] = ()
    seed: int = 0
    compared: int = 0
    """Tensors that both have."""
    outputs: tuple[tuple[str, float | None], ...] = ()
    """Outputs of the model that are the same, with the largest absolute difference."""
    differences: tuple[Misreading, ...] = ()
    not_raised: tuple[tuple[str, str, str, str], ...] = ()
    """Layers whose meaning is not known: kind, name, ONNX node, and why."""
    doubted: tuple[str, ...] = ()
    """Tensors on which onnxruntime does not agree with ONNX's text or reference, and the network may be right."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The answer of the vendor's scope check, which runs without a GPU and without building an engine."""

    package: str
    version: str
    library_sha256: str
    checked: bool
    """False where the check was skipped or did not finish, which never counts as a pass."""
    in_scope: bool | None
    """None unless `checked`."""
    reason: str = ""
    """Why nothing was checked; empty if `checked`."""
    refusals: tuple[Refusal, ...] = ()
    layers: tuple[tuple[str, str, str], ...] = ()
    """The layers that the vendor's parser made: name, type, and the ONNX node if the name tells it."""
    parsed: bool | None = None
    """False where the vendor's parser refuses the model, and not for what this package alone lacks; None if open."""
    translation: Translation | None = None
    """Whether the parser's network computes the same; None where there is none."""


@dataclass(frozen=True, slots=True)
class BuildEvidence:
    """What is known of an engine build of exactly this model. An empty field is an open slot, never a pass."""

    backend: str
    """`tensorrt`, `trtexec`, or `imported` for evidence that was made elsewhere."""
    succeeded: bool | None
    """None where nobody has built."""
    scope_checked: bool
    """True only where the release that built is one whose builder checks the safety scope and the flag was in force."""
    reason: str = ""
    """Why this build says nothing about the scope, or why it failed."""
    engine_sha256: str = ""
    companion_sha256: str = ""
    log_sha256: str = ""
    tensorrt: str = ""
    gpu: str = ""
    flags_set: tuple[str, ...] = ()
    flags_effective: tuple[str, ...] = ()
    command: str = ""
    seconds: float | None = None
    consistency_checker: str = ""
    """Result of the vendor's consistency checker on the engine, where somebody has run it."""
    kpi_run: str = ""
    """Identifier of the performance regression run on this model, where there is one."""
    errors: tuple[Refusal, ...] = ()
    refused: bool = False
    """Whether the builder refused the network itself, for its safety scope or because its parser cannot read it."""
    layers_sha256: str = ""
    """Of the layer information that was kept beside the engine."""

    def slots(self) -> tuple[tuple[str, str], ...]:
        """Name and content of every slot of the evidence, in the order of a report; an empty content is open."""
        return (
            ("engine SHA-256", self.engine_sha256),
            ("companion library SHA-256", self.companion_sha256),
            ("build log SHA-256", self.log_sha256),
            ("layer information SHA-256", self.layers_sha256),
            ("TensorRT", self.tensorrt),
            ("GPU", self.gpu),
            ("flags as set", " ".join(self.flags_set)),
            ("flags as effective", " ".join(self.flags_effective)),
            ("consistency checker", self.consistency_checker),
            ("KPI regression run", self.kpi_run),
        )


NO_BUILD = BuildEvidence(backend="", succeeded=None, scope_checked=False, reason="nobody has built this model")
"""The slots of a model without build evidence."""
