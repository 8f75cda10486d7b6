"""Ask the safety-scope check of TensorRT 10.x about a model, on a CPU.

The package `tensorrt_rtx_cu13_bindings` 1.4.0.76 holds NVIDIA's ONNX parser and the check itself. What its use taught:

- With an error recorder, messages go to the recorder and not to the logger.
- A recorder and a second network in one process crash: every question is asked in a child process, which leaves without
  cleaning up, and what the network was made of must stay alive until then.
- The check says no to an invalid network as well. Asked a second time without the flag, it tells the two apart.
- A dynamic or data-dependent shape anywhere switches the check off and the answer is still yes. A verbose message is
  the only trace; it makes the answer `UNCHECKED`, which is agreement with nothing.
"""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

VERSION = "1.4.0.76"
_TIME_LIMIT_S = 60
_SKIPPED = re.compile(r"safety scope (check|validation) skipped", re.IGNORECASE)
_REFUSED_LAYER = re.compile(r'Layer \{(\w+)\} "([^"\n]*)" failed safety scope validation')
_LIMIT = re.compile(r"\[((?:Layer|Network)\w+)\] \[E\] ([^\n]*)")
_KEPT: list[object] = []
_NODE = re.compile(r"\[ONNX Layer: ([^\]\n]*)\]")


class Scope(Enum):
    """What the check says about a model."""

    INSIDE = "in scope"
    REFUSED = "refused"
    UNCHECKED = "unchecked"
    INVALID = "invalid network"
    UNPARSED = "refused by the parser"
    CRASHED = "crashed"

    @property
    def decided(self) -> bool:
        """Whether the answer is about the safety scope."""
        return self in (Scope.INSIDE, Scope.REFUSED)


class Answer(NamedTuple):
    """The answer about one model."""

    scope: Scope
    reasons: tuple[str, ...] = ()
    nodes: frozenset[str] = frozenset()
    """Names of the ONNX nodes whose layers are refused; empty if a network input or output is."""


Ask = Callable[[bytes], Answer]


def scope_check() -> Ask:
    """The check; ImportError with a reason where it is not installed."""
    import tensorrt_rtx_bindings as trt

    if trt.__version__ != VERSION:
        raise ImportError(f"tensorrt_rtx_bindings is {trt.__version__}; only {VERSION} is known to ask the 10.x check")
    classes = _classes(trt)
    return lambda model: _in_child(lambda: _ask(trt, classes, model))


def _in_child(question: Callable[[], dict[str, Any]]) -> Answer:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read)
            signal.alarm(_TIME_LIMIT_S)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            answer = question()
        except BaseException as error:
            answer = {"scope": "CRASHED", "reasons": [repr(error)[:500]]}
        with os.fdopen(write, "wb") as pipe:
            pipe.write(json.dumps(answer).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    if not text:
        return Answer(Scope.CRASHED, (f"the child ended with status {status}",))
    found = json.loads(text)
    return Answer(Scope[found["scope"]], tuple(found.get("reasons", ())), frozenset(found.get("nodes", ())))


def _classes(trt: Any) -> tuple[type, type]:
    class Log(trt.ILogger):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.skipped = False

        def log(self, _: object, message: str) -> None:
            self.skipped = self.skipped or bool(_SKIPPED.search(message))

    class Recorder(trt.IErrorRecorder):  # type: ignore[misc,name-defined]
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

    return Log, Recorder


def _ask(trt: Any, classes: tuple[type, type], model: bytes) -> dict[str, Any]:
    log, recorder = (make() for make in classes)
    builder = trt.Builder(log)
    builder.error_recorder = recorder
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, log)
    _KEPT.extend([log, recorder, builder, network, parser])
    if not parser.parse(model):
        errors = [parser.get_error(number).desc() for number in range(parser.num_errors)]
        return {"scope": "UNPARSED", "reasons": errors or recorder.errors}
    if not builder.is_network_supported(network, builder.create_builder_config()):
        return {"scope": "INVALID", "reasons": list(recorder.errors)}
    recorder.errors.clear()
    config = builder.create_builder_config()
    _KEPT.append(config)
    config.set_flag(trt.BuilderFlag.SAFETY_SCOPE)
    if builder.is_network_supported(network, config):
        return {"scope": "UNCHECKED" if log.skipped else "INSIDE"}
    text = "\n".join(recorder.errors)
    refused = {name for _, name in _REFUSED_LAYER.findall(text)}
    nodes: set[str] = set()
    for layer in (network.get_layer(number) for number in range(network.num_layers)):
        if layer.name in refused:
            nodes.update(_NODE.findall(layer.metadata))
    reasons = [": ".join(limit) for limit in _LIMIT.findall(text)] + [
        f"{kind} refused" for kind, _ in _REFUSED_LAYER.findall(text)
    ]
    return {"scope": "REFUSED", "reasons": sorted(set(reasons)) or recorder.errors, "nodes": sorted(nodes)}
