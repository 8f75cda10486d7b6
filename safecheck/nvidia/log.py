"""What the log of a build says: release, GPU, options in force, how it ended, and every error.

The lines are those of trtexec from 6.0 to 11.1 and of the libraries from 7.0 to 10.16; `safecheck build` with the
Python package writes the same. A log is hostile input: lines are read one by one, cut, and never believed to be short.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from safecheck.nvidia import version
from safecheck.nvidia.dla_warnings import Warnings
from safecheck.nvidia.version import from_code, release_of

_MAX_LINE = 8192
_MAX_ERROR = 4000
_MAX_ERRORS = 2000
"""Lines of errors that are looked at; a log is not believed to be of good will."""
_PREFIX = re.compile(r"\A(?:\[[0-9/]{8,10}-[0-9:]{8}\] ?)?(?P<tags>(?:\[(?:[EWIVF]|TRT)\] ?){0,3})")
_ERROR = re.compile(r".*\[[EF]\]")
_MILDER = re.compile(r".*\[[WIV]\]")
_UNTAGGED = re.compile(
    r"Error\[|[0-9]{1,3}: \[.{1,200}\] Error Code|Error Code [0-9]{1,3}: |"
    r"\[(?:Layer|Network)\w{1,60}\] \[[IE]\]|While parsing node number "
)
_MARK = re.compile(r"&&&& (?P<mark>RUNNING|PASSED|FAILED)\b(?:.{0,100}?\[TensorRT v(?P<code>[0-9]{4,6})\])?")
"""7.x and older give no version."""
_VERSION = re.compile(r"(?:[6-9]|[1-9][0-9])(?:\.[0-9]{1,5}){1,3}\Z", re.ASCII)
_ONNX = re.compile(r" --onnx=(?P<path>.+?)(?= --[a-zA-Z0-9]|$)")
_OPTION = re.compile(r"(?P<name>[A-Z][A-Za-z0-9 ]{2,40}): (?P<value>.*)\Z")
_BUILT = re.compile(r"Engine built in (?P<seconds>[0-9.e+-]{1,20}) sec")
_SIZE = re.compile(r"Created engine with size: (?P<size>[0-9.e+-]{1,20}) MiB")
_SKIPPED = re.compile(r"Safety scope (?:validation|check) skipped for [\w -]{1,60}")

# Anchored, or bare words: a search that tries every start with every length would take minutes on a hostile log.
_NAME = r"(?P<layer>.{1,1000}?)"
_KIND = r"(?:\{[\w ]{1,60}\} )?"
_DRIVE = r"(?:(?:DRIVE OS|DriveOS) 6\.0 )?"
_CODE = r"(?:Error Code:? [0-9]{1,3}: *)?"
_SCOPE = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\A{_NAME}: \w{{1,60}}Layer not supported in safety restricted mode",
        rf"\A{_CODE}Layer {_KIND}\"?{_NAME}\"? failed {_DRIVE}safety scope validation",
        rf"\A.{{0,80}}?\b[Ll]ayer {_NAME} is not supported on DLA",
        r"(?P<layer>)[Ll]ayer (?:of given type )?not supported in safety restricted mode",
        r"(?P<layer>)not within safety scope|-D tensor not supported in safety|beyond safety supported range",
        r"(?P<layer>)Safety scope does not support |not supported in GPU [Ss]afety restricted mode",
        r"(?P<layer>)DataType does not match TensorFormats in DRIVE OS|Network IO tensors are not in safety scope",
        r"(?P<layer>)failed (?:DRIVE OS|DriveOS) 6\.0 safety scope validation|Safe DLA is enabled but not all layers",
        r"(?P<layer>)Safety certified DLA should only have one graph for the whole network",
        r"(?P<layer>)nvmRegionOptimizer\.cpp::forceToUseNvmIO",
    )
)
_FAILED_LAYER = re.compile(rf"\ALayer {_NAME} failed validation\Z")
_TRIED = re.compile(r"(?=\[(?:Layer|Network)\w{1,60}\] \[[IE]\] )")
_LIMIT = re.compile(r"\[(\w{1,80})\] \[E\] (.{1,300})")
_NODE_DUMP = re.compile(r"--- (?:Begin|End) node ---")
_CLOSING = "safety scope validation, please check the logs"
_REASON = re.compile(r"ERROR: .{1,200} In function ")
_PARSER = (
    re.compile(r'While parsing node number (?P<index>[0-9]{1,9}) \[(?P<op>\w{1,100})(?: -> "(?P<output>.*)")?\]'),
    re.compile(r"In node (?P<index>-?[0-9]{1,9}) with name: (?P<name>.{0,1000}?) and operator: (?P<op>\w{1,100}) \("),
)
_TACTIC = re.compile(rf"Could not find any implementation for node {_NAME}\.?(?: \[|\)|\Z)")
_NO_SAFETY = re.compile(
    r"Safety is not supported because safety runtime library is unavailable|Safety build is not enabled|"
    r"No safety builds are supported on this platform|kSAFETY specified but no conformant implementation exists"
)
_NO_GPU = re.compile(r"CUDA initialization failure|no CUDA-capable device|Cannot find any available GPU|CUDA driver")


@dataclass(frozen=True, slots=True)
class LogError:
    """One error of the builder."""

    kind: str
    """`scope`, `parser`, `tactic` or `other`."""
    layer: str
    """The layer or node as the builder names it; empty if it names none."""
    text: str
    """The builder's own words, one line."""
    index: int | None = None
    """Position of the ONNX node, where the parser says it."""


@dataclass(slots=True)
class Summary:
    """What a log says, as far as it was understood."""

    tensorrt: str = ""
    gpu: str = ""
    model: str = ""
    """The path that trtexec was given."""
    command: str = ""
    passed: bool | None = None
    """The closing mark; None if there is none."""
    seconds: float | None = None
    size_mib: float | None = None
    """Size of the engine, as the log says it."""
    options: dict[str, str] = field(default_factory=dict)
    """What trtexec says of itself as `name: value`, each as it is said first: options and measured times alike."""
    errors: list[LogError] = field(default_factory=list)
    skipped: str = ""
    """The line that says that the scope check was left out."""
    no_safety: str = ""
    """The line that says that this machine's TensorRT has no safety builds."""
    no_gpu: str = ""
    off_dla: dict[str, str] = field(default_factory=dict)
    """Layers that the library takes off DLA, as its warnings name them, each with all that they say about it."""
    complaints: int = 0
    """Lines that are marked as errors, with those that only repeat or explain another."""
    last: str = ""
    """The last line that is not empty, as it stands."""

    @property
    def effective(self) -> tuple[str, ...]:
        """Capability and flags that were in force; empty if the log does not show its options."""
        on = {name for name, value in self.options.items() if value == "Enabled"}
        if not self.options.keys() & {"Safe mode", "Restricted mode", "Precision"}:
            return ()
        release = release_of(self.tensorrt, "log") if self.tensorrt else (0,)
        new = release in version.NEW_CAPABILITIES
        dla = self.options.get("DLACore", "").isdigit()
        capability = "STANDARD"
        if "Safe mode" in on or "Build DLA standalone loadable" in on:
            capability = "SAFETY" if new else "SAFE_GPU"
            if dla or "Build DLA standalone loadable" in on:
                capability = "DLA_STANDALONE" if new else "SAFE_DLA"
        flags = [f"EngineCapability.{capability}"]
        if "Restricted mode" in on and release not in version.FLAG_IGNORED:
            flags.append("SAFETY_SCOPE")
        precision = self.options.get("Precision", "")
        flags += [name for name in ("FP16", "INT8") if name in precision]
        flags += ["DIRECT_IO"] if "DirectIO mode" in on else []
        flags += ["STRONGLY_TYPED"] if precision == "Strongly Typed" or release in version.ALWAYS_STRONGLY_TYPED else []
        return tuple(flags)


def read(path: Path) -> Summary:
    """Everything that is understood of a log file; an unknown line says nothing."""
    with path.open("rb") as file:
        return parse(file)


def parse(log: IO[bytes]) -> Summary:
    """The same of an open log."""
    found = Summary()
    limits: list[str] = []
    warnings = Warnings(found.off_dla)
    for line in _lines(log):
        found.last = line.strip() or found.last
        prefix = _PREFIX.match(line)
        assert prefix is not None
        text = line[prefix.end() :].strip()
        if (mark := _MARK.match(text)) is not None:
            _mark(found, mark, text)
        elif _ERROR.match(prefix["tags"]) or (not _MILDER.match(prefix["tags"]) and _UNTAGGED.match(text)):
            found.complaints += 1
            if found.complaints <= _MAX_ERRORS:
                _error(found, text[:_MAX_ERROR], limits)
        elif "[W]" in prefix["tags"] and "[TRT]" in prefix["tags"]:
            found.skipped = found.skipped or _skipped(text)
            warnings.take(text[:_MAX_ERROR])
        else:
            _fact(found, text, "[TRT]" in prefix["tags"])
    return found


def _lines(log: IO[bytes]) -> Iterator[str]:
    rest = False
    while data := log.readline(_MAX_LINE):
        if not rest:
            yield data.decode("utf-8", "replace").rstrip("\r\n")
        rest = not data.endswith(b"\n")


def _mark(found: Summary, mark: re.Match[str], text: str) -> None:
    found.tensorrt = found.tensorrt or from_code(int(mark["code"] or 0))
    if mark["mark"] != "RUNNING":
        found.passed = mark["mark"] == "PASSED" and found.passed is not False
        return
    found.command = text.partition(" # ")[2]
    onnx = _ONNX.search(" " + found.command)
    found.model = onnx["path"].strip() if onnx is not None else ""


def _fact(found: Summary, text: str, library: bool) -> None:
    found.skipped = found.skipped or _skipped(text)
    if library:
        return  # the library repeats names out of the model; only trtexec itself says what is in force
    elif (built := _BUILT.search(text)) is not None:
        found.seconds = _number(built["seconds"])
    elif (size := _SIZE.search(text)) is not None:
        found.size_mib = _number(size["size"])
    elif (option := _OPTION.match(text)) is not None:
        name, value = option["name"], option["value"].strip()
        if name == "Selected Device":
            found.gpu = value
        elif name == "TensorRT version" and _VERSION.match(value):
            found.tensorrt = value
        else:
            found.options.setdefault(name, value)


def _skipped(text: str) -> str:
    match = _SKIPPED.search(text)
    return "" if match is None else match[0]


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < 1e12 else None


def _error(found: Summary, text: str, limits: list[str]) -> None:
    if _TRIED.search(text):  # 10.x says the limits that it tried first, then the layer that breaks one
        limits += [": ".join(limit.groups()).strip() for part in _TRIED.split(text) if (limit := _LIMIT.match(part))]
        return
    if _NODE_DUMP.search(text):
        return
    if _NO_SAFETY.search(text):
        found.no_safety = found.no_safety or text
    if _NO_GPU.search(text):
        found.no_gpu = found.no_gpu or text
    error = _classified(text)
    if error.kind == "scope" and limits:
        error = LogError("scope", error.layer, f"{'; '.join(dict.fromkeys(limits))} ({text})")
    limits.clear()
    last = found.errors[-1] if found.errors else None
    if last is not None and last.kind == "parser" and _REASON.search(text):  # the parser says where, then why
        found.errors[-1] = replace(last, text=f"{last.text} {text}")
    elif not _said(found.errors, error):
        found.errors.append(error)


def _said(errors: list[LogError], error: LogError) -> bool:
    """Whether an error says once more what is known: a check runs twice, 7.x names a layer twice."""
    if error in errors or _CLOSING in error.text:
        return error in errors or any(part.kind == "scope" for part in errors)
    if error.kind == "parser":
        return any(part.kind == "parser" and part.index == error.index for part in errors)
    return error.kind == "other" and bool(error.layer) and any(part.layer == error.layer for part in errors)


def _classified(text: str) -> LogError:
    # `Error Code 4: Internal Error (...)` holds the sentence that was meant
    inner = re.search(r"Error Code [0-9]{1,3}: [\w ]{1,60} \((?P<inner>.*)\)\s*\Z", text)
    said = inner["inner"] if inner is not None else text
    for pattern in _SCOPE:
        if (match := pattern.search(said) or pattern.search(text)) is not None:
            return LogError("scope", match["layer"] or "", text)
    for pattern in _PARSER:
        if (match := pattern.search(said)) is not None and int(match["index"]) >= 0:
            parts = match.groupdict()
            return LogError("parser", parts.get("name") or parts.get("output") or "", text, int(match["index"]))
    if (match := _TACTIC.search(said)) is not None:
        return LogError("tactic", match["layer"], text)
    if (match := _FAILED_LAYER.search(said)) is not None:
        return LogError("other", match["layer"], text)
    return LogError("other", "", text)
