"""What a finished build proves about one model under one profile, and what it does not."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from safecheck.audit.audit import Audit
from safecheck.audit.evidence import BuildEvidence
from safecheck.nvidia.blame import refusals
from safecheck.nvidia.dla_warnings import ALL_ON_DLA
from safecheck.nvidia.log import LogError, Summary
from safecheck.nvidia.version import FLAG_IGNORED, Release, dotted, generation, release_of
from safecheck.text import printable

_SHOWN_OPTIONS = (
    "--safe", "--restricted", "--buildDLAStandalone", "--useDLACore", "--fp16", "--int8", "--best", "--stronglyTyped",
    "--directIO", "--inputIOFormats", "--outputIOFormats", "--explicitBatch", "--allowGPUFallback", "--noTF32",
    "--maxAuxStreams", "--remoteAutoTuningConfig", "--cpuOnly",
)  # fmt: skip
_MAX_REFUSALS = 200


def evidence(summary: Summary, succeeded: bool, target: Mapping[str, str], audit: Audit | None) -> BuildEvidence:
    """What a log says, held against a target; hashes, backend and flags as set are for the caller to add."""
    wanted = release_of(target["tensorrt"], "profile")
    release = release_of(summary.tensorrt, "log") if summary.tensorrt else ()
    errors = on_dla(summary) if target["device"] == "dla" else summary.errors
    scope_errors = [error for error in errors if error.kind == "scope"]
    checked, reason = _checked(summary, release, wanted, target["device"], bool(scope_errors))
    same = bool(release) and generation(release) == generation(wanted)
    refused = checked and bool(scope_errors)
    if not succeeded and same:
        kinds = {error.kind for error in errors}
        # from 10.16 on a violation of the scope is a tactic that the compiler does not find
        refused = refused or "parser" in kinds or (checked and release in FLAG_IGNORED and "tactic" in kinds)
    # what follows a refusal (`Engine set up failed`, ...) tells nothing of its own
    telling = [error for error in errors if error.kind != "other"]
    if not (telling or succeeded):
        telling = errors
    if not succeeded:
        said = [summary.no_safety] if summary.no_safety else [error.text for error in telling]
        failed = f"the build failed: {printable(said[0], 300)}" if said else "the build failed"
        reason = f"{failed}; {reason}" if reason else failed
    return BuildEvidence(
        backend="",
        succeeded=succeeded,
        scope_checked=checked,
        reason=reason,
        tensorrt=summary.tensorrt,
        gpu=printable(summary.gpu),
        flags_effective=summary.effective,
        seconds=summary.seconds,
        errors=refusals(telling[:_MAX_REFUSALS], audit),
        refused=refused,
    )


def on_dla(summary: Summary) -> list[LogError]:
    """The errors as they concern a network that must run on DLA as a whole: every layer that is taken off is one.

    That not all layers are on DLA is then no news.
    """
    if not summary.off_dla:
        return summary.errors
    taken = [LogError("scope", layer, text) for layer, text in summary.off_dla.items()]
    return [*taken, *(error for error in summary.errors if error.layer or not ALL_ON_DLA.search(error.text))]


def _checked(summary: Summary, release: Release, wanted: Release, device: str, refused: bool) -> tuple[bool, str]:
    if not release:
        return False, "the log does not say which TensorRT built"
    if summary.skipped:
        return False, f"the builder did not check the scope: {summary.skipped}"
    if not refused and not in_force(summary.effective, device):  # a refusal shows that the check ran
        if not summary.effective:
            return False, "the log does not show the options in force"
        if release in FLAG_IGNORED:
            why = f"TensorRT {dotted(release)} restricts only EngineCapability.SAFETY, which was not in force"
            return False, f"{why}: this build proves nothing about the safety scope"
        return False, "no safety flag was in force: this build proves nothing about the safety scope"
    if generation(release) != generation(wanted):
        return False, mismatch(release, wanted)
    if summary.passed and summary.options.get("Network supported") == "False":
        return False, "isNetworkSupported answers no although the build succeeded: the two contradict each other"
    return True, ""


def in_force(effective: tuple[str, ...], device: str) -> bool:
    """Whether settings restrict a build for this device."""
    if device == "dla":
        return bool({"EngineCapability.DLA_STANDALONE", "EngineCapability.SAFE_DLA"}.intersection(effective))
    return bool({"SAFETY_SCOPE", "EngineCapability.SAFETY", "EngineCapability.SAFE_GPU"}.intersection(effective))


def mismatch(release: Release, wanted: Release) -> str:
    """Why a build by one release says nothing about a profile of another."""
    return f"TensorRT {dotted(release)} built, the profile speaks of {dotted(wanted)}: their safety scopes differ"


def held_against(found: BuildEvidence, target: Mapping[str, str]) -> BuildEvidence:
    """Evidence from a file under another profile than it was made for: it can only prove less."""
    wanted = release_of(target["tensorrt"], "profile")
    release = release_of(found.tensorrt, "evidence") if found.tensorrt else ()
    if not found.scope_checked and not found.refused:
        return found
    if not release or generation(release) != generation(wanted):
        reason = mismatch(release, wanted) if release else "the evidence does not say which TensorRT built"
        return replace(found, scope_checked=False, refused=False, reason=reason)
    if found.scope_checked and not found.refused and not in_force(found.flags_effective, target["device"]):
        return replace(found, scope_checked=False, reason="no safety flag of this target was in force")
    return found


def imported(summary: Summary) -> tuple[str, ...]:
    """The options of a trtexec line that matter, without the paths; for logs made elsewhere."""
    try:
        words = shlex.split(summary.command)
    except ValueError:  # trtexec prints its arguments without quotes
        words = summary.command.split()
    return tuple(printable(word, 100) for word in words if word.partition("=")[0] in _SHOWN_OPTIONS)


def sha256(path: Path) -> str:
    """The hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
