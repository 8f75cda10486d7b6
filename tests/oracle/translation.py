"""Compare many networks with their files: one process describes them all, and each comparison has one of its own."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import onnx

from safecheck.nvidia.translation import original, samples
from safecheck.nvidia.translation.compare import Comparison, compare
from safecheck.nvidia.translation.network import Network, read
from safecheck.nvidia.translation.program import chosen

PATIENCE = 60
"""Seconds for one model."""
MEMORY = 6 << 30
_DESCRIBE = """
import sys
import tensorrt_rtx_bindings as trt
from safecheck.nvidia.scope_check.description import write
log = trt.Logger(trt.Logger.INTERNAL_ERROR)
builder = trt.Builder(log)
for line in sys.stdin:
    model, description = line.rstrip("\\n").split("\\t")
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, log)
    if parser.parse_from_file(model):
        with open(description, "wb") as file:
            write(trt, network, file)
        print("described", flush=True)
    else:
        print("refused", parser.get_error(0).desc().replace("\\n", " "), flush=True)
"""
"""Without an error recorder one process may hold many networks."""


class Describer:
    """The vendor's parser, asked for many networks; one that ends it is refused by a crash."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="safecheck-")
        self.model, self.description = (os.path.join(self._folder.name, name) for name in ("model.onnx", "network"))
        self._process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", _DESCRIBE]
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def describe(self, model: bytes) -> str:
        """`described`, or why not; the model and its description are in the files of this object."""
        Path(self.model).write_bytes(model)
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{self.model}\t{self.description}\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
        answer = process.stdout.readline().strip() if ready else ""
        if not answer:
            process.kill()
            process.wait()
            self._process = self._start()
        return answer or "refused by a crash"

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()


class Result(NamedTuple):
    """What came of one model."""

    status: str
    """`same`, `different`, `undecided`, or `refused` by the parser."""
    reason: str
    differences: tuple[tuple[str, str, str, str, str], ...]
    """Tensor, sample, file, network, layer."""
    missing: tuple[tuple[str, str], ...]
    """Kind of layer, and why."""
    kinds: tuple[str, ...]
    """Of all layers of the network."""
    doubted: tuple[str, ...] = ()


def compared(describer: Describer, model: bytes, given: Iterable[dict[str, np.ndarray]] = ()) -> Result:
    """Describe and compare one model; `given` are inputs beside the usual samples."""
    answer = describer.describe(model)
    if answer != "described":
        return Result("refused", answer, (), (), ())
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        _in_child(describer, list(given), writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    if not text:
        return Result("undecided", "the comparison died, or took too long", (), (), ())
    found = json.loads(text)
    return Result(**{name: _tuples(value) for name, value in found.items()})


def _in_child(describer: Describer, given: list[dict[str, np.ndarray]], writer: int) -> None:
    signal.alarm(PATIENCE)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        network = read(Path(describer.description).read_bytes())
        found = result(original.load(describer.model), network, given)
    except Exception as error:
        found = Result("undecided", f"{type(error).__name__}: {error}", (), (), ())
    with os.fdopen(writer, "wb") as pipe:
        pipe.write(json.dumps(found._asdict()).encode())
    os._exit(0)


def result(model: onnx.ModelProto, network: Network, given: Iterable[dict[str, np.ndarray]] = ()) -> Result:
    """Compare in this process."""
    kinds = tuple(sorted({layer.kind for layer in network.layers}))
    try:
        file = original.Original(model)
        found = compare(file, network, [*(("given", part) for part in given), *_samples(file, network)])
    except original.NotRun as reason:
        found = Comparison(reasons=[str(reason)])
    differences = (
        (one.tensor, one.sample, one.file, one.network, str(one.layer)) for one in found.differences.values()
    )
    missing = tuple((layer.kind, why) for layer, why in found.missing.values())
    return Result(found.status, found.reason, tuple(differences), missing, kinds, tuple(sorted(found.doubted)))


def _samples(file: original.Original, network: Network) -> Iterator[tuple[str, dict[str, Any]]]:
    return samples.samples(file.model, file.inputs, chosen(network))


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def describe_once(model: bytes, file: IO[bytes]) -> str:
    """Describe one model into a file."""
    describer = Describer()
    try:
        answer = describer.describe(model)
        if answer == "described":
            file.write(Path(describer.description).read_bytes())
        return answer
    finally:
        describer.close()
