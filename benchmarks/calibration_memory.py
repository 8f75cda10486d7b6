"""Time and peak memory of `safecheck quantize` on CSA-tiny: 500 images of 224 x 224, entropy, limit 4 GB.

Network and images are seeded; a second run on a tenth of the images shows that memory does not grow with their number.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from fix_speed import filled
from measure import run

LIMIT_MB = 4000.0
GROWTH = 1.5
"""Most that ten times the images may cost. Allocators differ by a tenth or two; keeping what images make costs more."""


def images(folder: Path, count: int) -> Path:
    """Seeded smooth pictures as `.npy` files: noise on a coarse grid, made larger."""
    random = np.random.default_rng(0)
    folder.mkdir()
    for number in range(count):
        coarse = random.standard_normal((3, 14, 14), dtype=np.float32)
        np.save(folder / f"{number:04d}.npy", coarse.repeat(16, axis=1).repeat(16, axis=2))
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="csa_tiny__dynamo18", help="a name in tests/corpus/data")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--method", default="entropy")
    parser.add_argument("--precision", default="mixed")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a limit is exceeded")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = filled(arguments.model, folder)
        pictures = images(folder / "images", arguments.count)
        peaks = []
        print(f"{'images':>8}{'wall s':>10}{'CPU s':>10}{'peak MB':>10}")
        for count in (max(1, arguments.count // 10), arguments.count):
            command = [
                sys.executable, "-m", "safecheck", "quantize", str(model), "--images", str(pictures),
                "--count", str(count), "--method", arguments.method, "--precision", arguments.precision,
                "-o", str(folder / "out.onnx"),
            ]  # fmt: skip
            start = time.perf_counter()
            cost = run(command, frozenset({0, 1, 3}))
            peaks.append(cost.rss_mb)
            print(f"{count:>8}{time.perf_counter() - start:>10.1f}{cost.cpu_s:>10.1f}{cost.rss_mb:>10.0f}", flush=True)
    good = peaks[1] <= LIMIT_MB and peaks[1] <= GROWTH * peaks[0]
    print(f"limit {LIMIT_MB:.0f} MB, growth {peaks[1] / peaks[0]:.2f} of {GROWTH}: {'ok' if good else 'exceeded'}")
    return int(arguments.strict and not good)


if __name__ == "__main__":
    sys.exit(main())
