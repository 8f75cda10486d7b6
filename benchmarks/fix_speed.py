"""What `safecheck fix` costs, proofs included, beside the simplifiers that people run: onnxsim and onnxslim.

Both are installed for the measurement only (`pip install onnxsim onnxslim`); one that is missing is left out.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx

DATA = Path(__file__).parents[1] / "tests" / "corpus" / "data"
LIMIT = 6.0


def filled(name: str, folder: Path) -> Path:
    """A weight-stripped export of the corpus with seeded weights, of full size."""
    model = onnx.load_model_from_string(gzip.decompress((DATA / f"{name}.onnx.gz").read_bytes()))
    random = np.random.default_rng(0)
    for tensor in model.graph.initializer:
        if tensor.doc_string == "stripped":
            values = random.standard_normal(tuple(tensor.dims), dtype=np.float32) * 0.02
            if "var" in tensor.name or (len(tensor.dims) == 1 and "weight" in tensor.name):
                values += 1
            tensor.raw_data = values.astype(np.float32).tobytes()
            tensor.ClearField("doc_string")
    path = folder / f"{name}.onnx"
    onnx.save(model, path)
    return path


def seconds(command: list[str], codes: set[int]) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    taken = time.perf_counter() - start
    if done.returncode not in codes:
        raise SystemExit(f"{command} ended with {done.returncode}: {done.stderr.decode(errors='replace')[-500:]}")
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="csa_tiny_sizes_mean__dynamo18", help="a name in tests/corpus/data")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = str(filled(arguments.model, folder))
        out = str(folder / "out.onnx")
        fix = [str(Path(sys.executable).with_name("safecheck")), "fix", model, "-o", out]
        others = [tool for tool in ("onnxsim", "onnxslim") if importlib.util.find_spec(tool)]
        taken: dict[str, list[float]] = {"fix": [], **{tool: [] for tool in others}}
        for run in range(arguments.runs + 1):
            for tool in taken:
                command = fix if tool == "fix" else [sys.executable, "-m", tool, model, out]
                spent = seconds(command, {0, 1, 3} if tool == "fix" else {0})
                if run:
                    taken[tool].append(spent)
        ours = statistics.median(taken["fix"])
        size = os.path.getsize(model) / 1e6
        print(f"{arguments.model}, {size:.0f} MB, {arguments.runs} runs each, medians of wall time")
        print(f"safecheck fix  {ours:.2f} s")
        for tool in others:
            median = statistics.median(taken[tool])
            print(f"{tool:<13}  {median:.2f} s   fix / {tool} = {ours / median:.2f}  (limit {LIMIT:.0f})")


if __name__ == "__main__":
    main()
