"""Ask the safety-scope check of TensorRT 10.x many questions, quickly: one fork per question instead of one program."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from typing import NamedTuple

from safecheck.nvidia.scope_check import program as scope
from safecheck.nvidia.scope_check.answers import Answer as Told
from safecheck.nvidia.scope_check.answers import Scope, failed, read
from safecheck.nvidia.scope_check.ask import VERSION
from safecheck.nvidia.scope_check.words import origin

_TIME_LIMIT_S = 60


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
    return lambda model: answer(_in_child(model))


def answer(told: Told) -> Answer:
    if told.scope is not Scope.REFUSED:
        return Answer(told.scope, (told.reason,) if told.reason else ())
    refused = {one.layer for one in told.refused}
    nodes = {origin(layer.metadata)[0] for layer in told.layers if layer.name in refused}
    return Answer(told.scope, tuple(sorted({one.limit for one in told.refused})), frozenset(nodes - {""}))


def _in_child(model: bytes) -> Told:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        signal.alarm(_TIME_LIMIT_S)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(json.dumps(scope.answer(model)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    status = os.waitpid(child, 0)[1]
    return failed(f"the child ended with status {status}") if status else read(text)
