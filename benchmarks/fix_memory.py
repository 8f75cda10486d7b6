"""Peak memory of `safecheck fix` beside the size of the file: at most three times as much.

Two networks of seeded weights that are all rewritten: products that become convolutions, and products too wide for
one convolution behind convolutions with holes. Memory is that of the command and its child together, what is its own
and what is of files (weights that are mapped count there, and the system can have them back), 50 times a second.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from network import Network

LIMIT = 3.0
"""Times the size of the file."""
_EVERY = 0.02


class Memory(NamedTuple):
    """Of some processes, in units of 10**6 bytes."""

    total: float
    own: float
    files: float


def products(megabytes: int) -> tuple[Network, list[int]]:
    """Products with weights, sums and Relu on 16 rows of 2048 numbers."""
    found, value = Network([1, 16, 2048]), "input"
    for _ in range(max(1, megabytes * 10**6 // (4 * 2048**2))):
        value = found.node("MatMul", value, found.weight(2048, 2048))
        value = found.node("Relu", found.node("Add", value, found.weight(2048)))
    return found, [1, 16, 2048]


def convolutions(megabytes: int) -> tuple[Network, list[int]]:
    """Convolutions with dilation on a map of 8 x 8, then products with 1024 and 4096 channels in turn."""
    found, value = Network([1, 1024, 8, 8]), "input"
    half = max(1, megabytes * 10**6 // 2 // (4 * 9 * 1024**2))
    for _ in range(half):
        weights = found.weight(1024, 1024, 3, 3)
        value = found.node("Relu", found.node("Conv", value, weights, dilations=[4, 4], pads=[4, 4, 4, 4]))
    value = found.node("Reshape", value, found.integers(1, 1024, 64))
    value = found.node("Transpose", value, perm=[0, 2, 1])
    for _ in range(max(1, megabytes * 10**6 // 2 // (8 * 4 * 1024**2))):
        for dims in ((1024, 4096), (4096, 1024)):
            value = found.node("Relu", found.node("MatMul", value, found.weight(*dims)))
    return found, [1, 64, 1024]


NETWORKS = {"products": products, "convolutions": convolutions}


def watched(command: list[str]) -> tuple[Memory, float, int]:
    """The largest of each while a command ran with its children, the seconds it took, and how it ended."""
    start = time.perf_counter()
    most = Memory(0, 0, 0)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            now = [_memory(number) for number in _tree(process.pid)]
            own, files = (sum(part[at] for part in now) * 1024 / 1e6 for at in (0, 1))
            most = Memory(max(most.total, own + files), max(most.own, own), max(most.files, files))
            time.sleep(_EVERY)
    return most, time.perf_counter() - start, process.returncode


def _tree(number: int) -> list[int]:
    found = [number]
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{number}/task"):
            for child in Path(f"/proc/{number}/task/{thread}/children").read_text().split():
                found += _tree(int(child))
    return found


def _memory(number: int) -> tuple[int, int]:
    """KiB that are a process's own, and of files and shared memory."""
    with suppress(OSError):
        lines = Path(f"/proc/{number}/status").read_text().splitlines()
        sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith("Rss")}
        return sizes.get("RssAnon", 0), sizes.get("RssFile", 0) + sizes.get("RssShmem", 0)
    return 0, 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=470)
    parser.add_argument("--external", action="store_true", help="keep the weights outside, as zeros")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a limit is exceeded")
    given = parser.parse_args()
    over = False
    print(f"{'network':<14}{'file MB':>8}{'peak MB':>9}{'own':>7}{'files':>7}{'ratio':>7}{'wall s':>8}")
    for name, network in NETWORKS.items():
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            model, (made, shape) = folder / "model.onnx", network(given.megabytes)
            if given.external:
                made.write_external(model, shape, folder / "model.onnx.data")
            else:
                made.write(model, shape)
            size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
            command = [sys.executable, "-m", "safecheck", "fix", str(model), "-o", str(folder / "fixed.onnx")]
            most, seconds, code = watched(command)
            if code not in (0, 1, 3) or not (folder / "fixed.onnx").exists():
                print(f"{name}: ended with {code}, and nothing was written")
                return 2
        over |= most.total > LIMIT * size
        numbers = (
            f"{size:>8.0f}{most.total:>9.0f}{most.own:>7.0f}{most.files:>7.0f}{most.total / size:>7.2f}{seconds:>8.1f}"
        )
        print(f"{name:<14}{numbers}", flush=True)
    print(f"limit {LIMIT:g}: {'exceeded' if over else 'ok'}")
    return int(over and given.strict)


if __name__ == "__main__":
    sys.exit(main())
