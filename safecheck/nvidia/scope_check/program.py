"""The program that asks, with the arguments `MODEL|- [--layers] [--describe FILE]`. One question, then it ends.

The package `tensorrt_rtx_cu13_bindings` 1.4.0.76 holds NVIDIA's ONNX parser and the safety-scope check of a late
TensorRT 10.x, and needs no GPU. What its use taught:

- With an error recorder, messages go to the recorder and not to the logger.
- A recorder and a second network in one process crash: one process per question, which leaves without cleaning up, and
  what the network was made of must stay alive until then.
- The check says no to an invalid network as well. Asked a second time without the flag, it tells the two apart.
- A property that is not set complains to the recorder: a network is described after everything else.
- A dynamic or data-dependent shape anywhere switches the check off, and the answer is still yes. A verbose message is
  the only trace of that.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import Any

from safecheck.nvidia.scope_check.labels import label
from safecheck.nvidia.scope_check.words import is_skip

_KEPT: list[object] = []


def answer(model: str | bytes, layers: bool = False, description: str = "") -> dict[str, Any]:
    """The check's answer about a model, given as a path or as its bytes, as plain values for `answers.read`.

    `layers` asks for every layer that the parser made; a refusal brings them in any case. The network is described in
    the file `description`, which is left out where that fails. Ask once per process.

    Raises:
        ImportError: the package is not installed.
    """
    import tensorrt_rtx_bindings as trt

    log, recorder = _listeners(trt)
    builder = trt.Builder(log)
    builder.error_recorder = recorder
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, log)
    _KEPT.extend([log, recorder, builder, network, parser])
    found: dict[str, Any] = {"version": trt.__version__, "library": _library(), "messages": [], "layers": []}
    if not (parser.parse(model) if isinstance(model, bytes) else parser.parse_from_file(model)):
        errors = [parser.get_error(number) for number in range(parser.num_errors)]
        told = [[error.node_name(), f"{error.node_operator()}: {error.desc()}".removeprefix(": ")] for error in errors]
        found["positions"] = [-1 if error.local_function_stack() else error.node() for error in errors]
        return found | {"scope": "UNPARSED", "errors": told, "messages": recorder.errors}
    plain = builder.create_builder_config()
    config = builder.create_builder_config()
    _KEPT.extend([plain, config])
    if not builder.is_network_supported(network, plain):
        messages = list(recorder.errors)
        if description:
            _describe(trt, network, description)
        return found | {"scope": "INVALID", "messages": messages}
    recorder.errors = []
    config.set_flag(trt.BuilderFlag.SAFETY_SCOPE)
    inside = builder.is_network_supported(network, config)
    found |= {"messages": log.skipped if inside else list(recorder.errors)}
    if layers or not inside:
        made = [network.get_layer(number) for number in range(network.num_layers)]
        found["layers"] = [[layer.name, layer.metadata, label(trt, layer)] for layer in made]
    if description:
        _describe(trt, network, description)
    return found | {"scope": "REFUSED" if not inside else "UNCHECKED" if log.skipped else "INSIDE"}


def _describe(trt: Any, network: Any, path: str) -> None:
    """Write the network to a file, or no file."""
    from safecheck.nvidia.scope_check.description import write

    try:
        with open(path, "wb") as file:
            write(trt, network, file)
    except Exception:
        with suppress(OSError):
            os.unlink(path)


def _library() -> str:
    """Path of the shared library that holds the check, as the process has mapped it; empty where that is not told."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
            paths = [line.rstrip("\n").split(maxsplit=5)[-1] for line in maps]
    except OSError:
        return ""
    return next((path for path in paths if os.path.basename(path).startswith("libtensorrt_rtx.so")), "")


def _listeners(trt: Any) -> tuple[Any, Any]:
    class Log(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.skipped: list[str] = []

        def log(self, _: object, message: str) -> None:
            if is_skip(message):
                self.skipped.append(message)

    class Recorder(trt.IErrorRecorder):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IErrorRecorder.__init__(self)
            self.errors: list[str] = []

        def clear(self) -> None:
            self.errors.clear()

        def get_error_code(self, _: int) -> object:
            return trt.ErrorCodeTRT.UNSPECIFIED_ERROR

        def get_error_desc(self, index: int) -> str:
            return self.errors[index]

        def has_overflowed(self) -> bool:
            return False

        def num_errors(self) -> int:
            return len(self.errors)

        def report_error(self, _: object, text: str) -> bool:
            if "catchCudaError" not in text:  # there is no GPU, and the check needs none
                self.errors.append(text)
            return False

    return Log(), Recorder()


def main(arguments: list[str]) -> None:
    """Answer on standard output, where nothing that the library prints can get in between."""
    with os.fdopen(os.dup(1), "wb") as output:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        model: str | bytes = sys.stdin.buffer.read() if arguments[0] == "-" else arguments[0]
        try:
            described = arguments.index("--describe") + 1 if "--describe" in arguments[1:] else 0
            found = answer(model, "--layers" in arguments[1:], arguments[described] if described else "")
        except Exception as error:
            found = {"scope": "CRASHED", "messages": [f"{type(error).__name__}: {error}"]}
        output.write(json.dumps(found).encode())
    os._exit(0)
