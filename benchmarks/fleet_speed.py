"""What a run over many small models costs: one process, two, and once more over unchanged models, as a hook runs.

Run: python benchmarks/fleet_speed.py [MODELS] [PAIRS]      (1,000 models of 16 to 121 nodes, 5 pairs)

CPU seconds are those of all processes of a run; ratios are medians of the ratios of pairs that take turns, after one
run of each that is not counted. What a run costs before its first model is taken out of "a model": the same run over a
tenth of the models is subtracted. Wall time says something only where nothing else runs.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
from measure import run
from onnx import TensorProto, helper, numpy_helper

COMMAND = [str(Path(sys.executable).parent / "safecheck")]
AUDIT = [*COMMAND, "audit", "--isolated", "--no-cache", "--quiet"]


def main() -> None:
    models = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    pairs = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as name:
        os.environ["SAFECHECK_CACHE_DIR"] = str(Path(name, "kept"))
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installation has its bytecode
        folder, few = Path(name, "models"), Path(name, "few")
        for place, count in ((folder, models), (few, models // 10)):
            place.mkdir()
            for number in range(count):
                onnx.save(model(number), place / f"{number:05}.onnx")
        versions = f"Python {platform.python_version()}, onnx {onnx.__version__}"
        print(f"{platform.system()}, {os.cpu_count()} processors, {versions}")
        print(f"{models} models, medians of {pairs} pairs; load {os.getloadavg()[0]:.1f}")
        sides: dict[str, list[tuple[float, float, float]]] = {"1": [], "2": []}
        for number in range(pairs + 1):
            for jobs in "12" if number % 2 else "21":
                found = measured([*AUDIT, "-j", jobs, str(folder)])
                if number:
                    sides[jobs].append(found)
        start = statistics.median(measured([*AUDIT, "-j", "1", str(few)])[0] for _ in range(3))
        one = statistics.median(cpu for cpu, _, _ in sides["1"])
        print(f"{'-j 1, CPU a model after the start':<44}{(one - start) / (models - models // 10) * 1e3:8.2f} ms")
        print(f"{'-j 1, CPU a model with the start':<44}{one / models * 1e3:8.2f} ms")
        paired = list(zip(sides["1"], sides["2"], strict=True))
        print(f"{'-j 2, CPU against -j 1':<44}{statistics.median(b[0] / a[0] for a, b in paired):8.2f} x")
        print(f"{'-j 2, wall time against -j 1':<44}{statistics.median(b[1] / a[1] for a, b in paired):8.2f} x")
        largest = [max(cost[2] for cost in sides[jobs]) for jobs in "12"]
        print(f"{'largest process, -j 1 and -j 2':<44}{largest[0]:8.0f} {largest[1]:.0f} MB")
        hook(folder)


def hook(folder: Path) -> None:
    """A hook that is called with every model of a repository, none of which has changed."""
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    os.chdir(folder)
    command = [*COMMAND, "hook", "--isolated", "--", *sorted(os.listdir())[1:]]
    for _ in range(2):
        measured(command)  # the first run audits, the second keeps what it read in one file
    warm = statistics.median(measured(command)[0] for _ in range(9))
    print(f"{'hook, all models unchanged, CPU':<44}{warm:8.2f} s")


def measured(argv: list[str]) -> tuple[float, float, float]:
    """CPU seconds of all processes of a run, seconds on the clock, and MB of its largest process."""
    begun = time.monotonic()
    cost = run(argv, frozenset({0}))
    return cost.cpu_s, time.monotonic() - begun, cost.rss_mb


def model(number: int) -> onnx.ModelProto:
    """Five to forty blocks of a convolution, an activation and a sum, no two models alike."""
    random = np.random.default_rng(number)
    channels, nodes, weights, value = 8 + number % 24, [], [], "input"
    for block in range(5 + number * 7 % 36):
        kernel = (random.standard_normal((channels, channels, 1, 1)) * 0.1).astype(np.float32)
        weights += [
            numpy_helper.from_array(kernel, f"{block}.w"),
            numpy_helper.from_array(np.zeros(channels, np.float32), f"{block}.b"),
        ]
        nodes += [
            helper.make_node("Conv", [value, f"{block}.w", f"{block}.b"], [f"{block}.c"], kernel_shape=[1, 1]),
            helper.make_node("Relu", [f"{block}.c"], [f"{block}.r"]),
            helper.make_node("Add", [f"{block}.r", value], [f"{block}.a"]),
        ]
        value = f"{block}.a"
    nodes.append(helper.make_node("Relu", [value], ["output"]))
    shape = [1, channels, 8, 8]
    ends = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("input", "output"))
    graph = helper.make_graph(nodes, "g", [next(ends)], [next(ends)], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


if __name__ == "__main__":
    main()
