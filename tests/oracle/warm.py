"""The vendor's check, kept warm: one process answers many questions, half a millisecond each.

`python warm.py` is that process: it reads models from its standard input and writes an answer for each, framed by their
lengths. It keeps no error recorder (with one, a second network in the process crashes), so messages come through the
logger. Where it crashes or takes too long, only the model that was asked about is lost, and the next gets a new
process.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from typing import Any, BinaryIO

SECONDS = 20.0
"""A question of this harness takes milliseconds."""
_MODELS = 5000
"""Questions to one process; whatever it leaks goes with it."""


class CrashError(Exception):
    """The process died, or did not answer in time."""


class Warm:
    """The process that answers, started again whenever it is needed."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._asked = 0

    def ask(self, model: bytes) -> bytes:
        """The answer as `safecheck.nvidia.scope_check.answers.read` reads it.

        Raises:
            CrashError: there is none; says why.
        """
        if self._asked >= _MODELS:
            self.close()
        fresh = self._process is None
        process = self._process = self._process or _start()
        self._asked += 1
        try:
            return self._answer(process, model)
        except CrashError:
            self.close()
            if fresh:
                raise
        return self.ask(model)  # a process of its own: what went before must not answer for it

    def _answer(self, process: subprocess.Popen[bytes], model: bytes) -> bytes:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(len(model).to_bytes(8, "big") + model)
            process.stdin.flush()
        except OSError as error:
            raise CrashError(f"the process died: {error}") from error
        until = time.monotonic() + self._seconds
        size = int.from_bytes(_read(process.stdout, 8, until), "big")
        return _read(process.stdout, size, until)

    def close(self) -> None:
        """End the process."""
        process, self._process, self._asked = self._process, None, 0
        if process is not None:
            process.kill()
            process.communicate()


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    )


def _read(stream: BinaryIO, size: int, until: float) -> bytes:
    found = b""
    while len(found) < size:
        if not select.select([stream], [], [], max(0.0, until - time.monotonic()))[0]:
            raise CrashError("no answer in time")
        part = os.read(stream.fileno(), size - len(found))
        if not part:
            raise CrashError("the process died")
        found += part
    return found


def _serve() -> None:
    import tensorrt_rtx_bindings as trt

    from safecheck.nvidia.scope_check.labels import label
    from safecheck.nvidia.scope_check.words import is_skip

    class Log(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: list[str] = []
            self.skipped: list[str] = []

        def log(self, severity: object, message: str) -> None:
            if is_skip(message):
                self.skipped.append(message)
            elif severity in (trt.Logger.ERROR, trt.Logger.INTERNAL_ERROR) and "catchCudaError" not in message:
                self.errors.append(message)

    log = Log()
    builder = trt.Builder(log)

    def answer(model: bytes) -> dict[str, Any]:
        log.errors, log.skipped = [], []
        network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
        parser = trt.OnnxParser(network, log)
        found: dict[str, Any] = {"version": trt.__version__, "layers": [], "messages": []}
        if not parser.parse(model):
            errors = [parser.get_error(number) for number in range(parser.num_errors)]
            told = [[e.node_name(), f"{e.node_operator()}: {e.desc()}".removeprefix(": ")] for e in errors]
            positions = [-1 if e.local_function_stack() else e.node() for e in errors]
            return found | {"scope": "UNPARSED", "errors": told, "positions": positions, "messages": log.errors}
        config = builder.create_builder_config()
        if not builder.is_network_supported(network, config):
            return found | {"scope": "INVALID", "messages": log.errors}
        log.errors = []
        config.set_flag(trt.BuilderFlag.SAFETY_SCOPE)
        if builder.is_network_supported(network, config):
            return found | {"scope": "UNCHECKED" if log.skipped else "INSIDE", "messages": log.skipped}
        made = [network.get_layer(number) for number in range(network.num_layers)]
        layers = [[layer.name, layer.metadata, label(trt, layer)] for layer in made]
        return found | {"scope": "REFUSED", "messages": log.errors, "layers": layers}

    with os.fdopen(os.dup(0), "rb") as questions, os.fdopen(os.dup(1), "wb") as output:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        while head := questions.read(8):
            text = json.dumps(answer(questions.read(int.from_bytes(head, "big")))).encode()
            output.write(len(text).to_bytes(8, "big") + text)
            output.flush()
    os._exit(0)


if __name__ == "__main__":
    _serve()
