"""The exact trtexec line of a plan, for the trtexec of that release."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence

from safecheck.errors import UsageError
from safecheck.nvidia import version
from safecheck.nvidia.plan import BuildPlan, Port
from safecheck.nvidia.version import Release, release_of


def arguments(plan: BuildPlan, model: str, engine: str, layers: str = "") -> list[str]:
    """The arguments behind the executable; `layers` is where the layer information goes, if that release writes any.

    Every path is the value of an option, so that none can be taken for one.

    Raises:
        UsageError: that trtexec has no option for the safety scope.
    """
    release = release_of(plan.release)
    found = [f"--onnx={model}", f"--saveEngine={engine}"]
    if release in version.OPTION_EXPLICIT_BATCH:
        found.append("--explicitBatch")
    found += _safety(plan, release)
    if plan.dla_core is not None:
        found += [f"--inputIOFormats={_formats(plan.inputs)}", f"--outputIOFormats={_formats(plan.outputs)}"]
        if "DIRECT_IO" in plan.flags and release in version.OPTION_DIRECT_IO:
            found.append("--directIO")
    found += [f"--{name.lower()}" for name in plan.flags if name in ("FP16", "INT8")]
    if "STRONGLY_TYPED" in plan.network_flags and release in version.OPTION_STRONGLY_TYPED:
        found.append("--stronglyTyped")
    if plan.aux_streams is not None:
        found.append(f"--maxAuxStreams={plan.aux_streams}")
    inspectable = plan.capability == "STANDARD"  # a safe engine is not
    if layers and inspectable and release in version.OPTION_EXPORT_LAYERS:
        found += ["--profilingVerbosity=detailed", f"--exportLayerInfo={layers}"]
    return [*found, "--skipInference" if release in version.OPTION_SKIP_INFERENCE else "--buildOnly", "--verbose"]


def _safety(plan: BuildPlan, release: Release) -> list[str]:
    if plan.dla_core is not None:
        option = "--buildDLAStandalone" if release in version.OPTION_DLA_STANDALONE else "--safe"
        return [f"--useDLACore={plan.dla_core}", option]
    if plan.capability != "STANDARD":
        return ["--safe"]
    if "SAFETY_SCOPE" not in plan.flags:
        return []
    if release not in version.OPTION_RESTRICTED:
        what = f"the trtexec of TensorRT {plan.release} has no --restricted"
        raise UsageError("SC-BUILD-RELEASE", "--tensorrt", what, "use --backend tensorrt, or TensorRT 8.2 or later")
    return ["--restricted"]


def _formats(ports: Sequence[Port]) -> str:
    return ",".join(f"{port.type}:{port.format}" for port in ports)


def shell_line(executable: str, found: Sequence[str]) -> str:
    """The line for a POSIX shell, whatever the paths hold; bytes that are no UTF-8 stay as they are."""
    name = executable if os.sep in executable or not executable.startswith("-") else f"./{executable}"
    return shlex.join([name, *found])
