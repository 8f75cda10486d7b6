"""`safecheck bench` and `quantize` run a whole network: in a process of its own, and only so long."""

from __future__ import annotations

import json
import os
from pathlib import Path

import onnx
import onnx.parser
import pytest
from processes import safecheck_text
from slow_network import SLOW, slow

TOO_LONG = "one run of the network, or of a part of it, took longer than 1 s of processor time"


def test_quantize_is_stopped_and_writes_nothing(tmp_path: Path) -> None:
    slow(tmp_path)
    done = safecheck_text(
        "quantize", "slow.onnx", "--images", "images", "-o", "q.onnx", "--output", "json=q.json", "--limit-run", 1,
        cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        f"error[SC-LIM-RUN]: slow.onnx: {TOO_LONG}; nothing was written; give it more with --limit-run SECONDS\n"
    )
    assert sorted(os.listdir(tmp_path)) == ["images", "slow.onnx"]


def test_bench_is_stopped_and_measures_the_others(tmp_path: Path) -> None:
    slow(tmp_path)
    onnx.save(onnx.parser.parse_model(SLOW.replace("1800", "18").replace("900", "9")), tmp_path / "quick.onnx")
    done = safecheck_text(
        "bench", "slow.onnx", "quick.onnx", "--runs", 3, "-o", "m.json", "--limit-run", 1, cwd=tmp_path
    )
    assert done.returncode == 3
    assert done.stderr.splitlines()[0] == (
        f"error[SC-LIM-RUN]: slow.onnx: {TOO_LONG}; nothing is known of it; give it more with --limit-run SECONDS"
    )
    found = json.loads((tmp_path / "m.json").read_text())
    assert {part["metric"] for part in found["measurements"]} == {"latency", "throughput"}


@pytest.mark.slow
def test_what_takes_all_memory_is_one_line(tmp_path: Path) -> None:
    """Sixteen values of 1.2 GB each."""
    chain = " ".join(f"v{number + 1} = Add (v{number}, v{number})" for number in range(16))
    text = f"""<ir_version: 8, opset_import: ["" : 17]>
        g (float[1,3,16,16] x) => (float[1,3,16,16] y) <int64[4] s = {{1,3,10000,10000}}> {{
            v0 = ConstantOfShape (s) {chain} m = ReduceMax <axes = [2, 3], keepdims = 1> (v16) y = Add (x, m) }}"""
    onnx.save(onnx.parser.parse_model(text), tmp_path / "large.onnx")
    done = safecheck_text("bench", "large.onnx", "--limit-memory", 0.5, cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr.splitlines()[0] == (
        "error[SC-LIM-MEMORY]: large.onnx: measuring it takes more memory than 0.5 GiB; nothing is known of it; give "
        "it more with --limit-memory GIB"
    )
