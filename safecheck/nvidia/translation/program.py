"""The program that runs both and compares, with the arguments `MODEL|- DESCRIPTION`. One comparison, then it ends."""

from __future__ import annotations

import json
import math
import os
import sys
from typing import Any

import onnx

from safecheck.nvidia.translation.compare import Comparison, compare
from safecheck.nvidia.translation.network import Layer, Network, read, volume
from safecheck.nvidia.translation.original import NotRun, Original, load
from safecheck.nvidia.translation.samples import NAMES, samples

_MOST = 100
"""Differences and layers that are told; the counts are of all."""
# A network whose tensors hold more elements than these is run on fewer samples.
_SMALL = 2_000_000
_MEDIUM = 20_000_000


def chosen(network: Network) -> tuple[str, ...]:
    """The samples for a network of that size: the same for the same network, on whatever machine."""
    shapes = [tensor.shape for layer in network.layers for tensor in layer.outputs if tensor.shape is not None]
    elements = sum(volume(shape) for shape in shapes if -1 not in shape)
    if elements <= _SMALL:
        return NAMES
    return ("normal", "large", "zeros") if elements <= _MEDIUM else ("normal",)


def answer(model: onnx.ModelProto, network: Network) -> dict[str, Any]:
    """What came out, as plain values for `ask.read`."""
    try:
        original = Original(model)
        found = compare(original, network, samples(model, original.inputs, chosen(network)))
    except NotRun as reason:
        found = Comparison(reasons=[str(reason)])
    return {
        "status": found.status,
        "reason": found.reason if found.status == "undecided" else "",
        "samples": found.samples,
        "compared": len(found.equal) + len(found.differences),
        "outputs": [[name, _error(found.equal[name])] for name in found.outputs if name in found.equal],
        "differences": [
            {
                "tensor": one.tensor,
                "sample": one.sample,
                "layer": one.layer.name,
                "metadata": one.layer.metadata,
                "parameters": str(one.layer),
                "file": one.file,
                "network": one.network,
                "error": _error(one.error),
            }
            for one in list(found.differences.values())[:_MOST]
        ],
        "missing": [[*_named(layer), reason] for layer, reason in list(found.missing.values())[:_MOST]],
        "doubted": sorted(found.doubted),
    }


def _named(layer: Layer) -> tuple[str, str, str]:
    return layer.kind, layer.name, layer.metadata


def _error(value: float) -> float | None:
    """Two digits: the rest hangs on the processor. None is no finite number."""
    return float(f"{value:.1e}") if math.isfinite(value) and value < 1e300 else None


def main(arguments: list[str]) -> None:
    """Answer on standard output, where nothing that a library prints can get in between."""
    with os.fdopen(os.dup(1), "wb") as output:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        path, description = arguments
        try:
            with open(description, "rb") as file:
                network = read(file.read())
            model = onnx.load_model_from_string(sys.stdin.buffer.read()) if path == "-" else load(path)
            found = answer(model, network)
        except Exception as error:
            found = {"status": "undecided", "reason": f"{type(error).__name__}: {error}"}
        output.write(json.dumps(found).encode())
    os._exit(0)
