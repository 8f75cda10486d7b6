"""How long a second audit of 20 unchanged models takes, start of the interpreter included.

Run: python benchmarks/hook_speed.py [FOLDER]   (medians of 9 runs; FOLDER holds large models to be hashed as well)

A run whose verdicts are kept does nothing but hash: the interpreter, click and the hash of the installation are a fixed
cost, the rest follows the bytes of the models.
"""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import onnx

MODELS, RUNS = 20, 9
EXAMPLE = Path(__file__).parents[1] / "examples" / "csa-block.onnx"
COMMAND = [str(Path(sys.executable).parent / "safecheck")]


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {**os.environ, "SAFECHECK_CACHE_DIR": str(folder / "kept")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installation has its bytecode
        small = folder / "small"
        small.mkdir()
        for number in range(MODELS):
            model = onnx.load(str(EXAMPLE))
            model.producer_version = str(number)
            onnx.save(model, str(small / f"{number}.onnx"))
        print(
            f"{platform.system()}, {os.cpu_count()} processors, Python {platform.python_version()}; medians of {RUNS}"
        )
        print(f"{'interpreter alone':<44}{seconds([sys.executable, '-c', ''], environment):8.3f} s")
        report("small", [str(path) for path in sorted(small.iterdir())], environment)
        if len(sys.argv) > 1:
            models = sorted(Path(sys.argv[1]).glob("*.onnx"))[:MODELS]
            report("large", [str(path) for path in models], environment)


def report(name: str, models: list[str], environment: dict[str, str]) -> None:
    size = sum(os.path.getsize(path) for path in models) / 1e6
    command = [*COMMAND, "audit", "--quiet", "--isolated"]
    title = f"{len(models)} {name} models, {size:,.0f} MB"
    first = once([*command, *models], environment)
    print(f"{title + ', first run':<44}{first:8.3f} s")
    served = subprocess.run([*command, "-v", *models], env=environment, capture_output=True, text=True, check=False)
    expected = f"{len(models)} of {len(models)} verdicts are from earlier runs"
    if expected not in served.stderr:
        raise SystemExit(f"not served from earlier runs: {served.stderr}")
    print(f"{title + ', unchanged':<44}{seconds([*command, *models], environment):8.3f} s")
    print(f"{title + ', --no-cache':<44}{seconds([*command, '--no-cache', *models], environment, 3):8.3f} s")
    shutil.rmtree(environment["SAFECHECK_CACHE_DIR"])


def seconds(command: list[str], environment: dict[str, str], runs: int = RUNS) -> float:
    once(command, environment)
    return statistics.median(once(command, environment) for _ in range(runs))


def once(command: list[str], environment: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
