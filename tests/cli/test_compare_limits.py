"""`safecheck compare` plans rewrites, which runs parts of a network: in a process of its own, and only so long."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import onnx
import onnx.parser

SLOW = """
<ir_version: 8, opset_import: ["" : 17]>
g (float[1,3,16,16] x) => (float[1,3,16,16] y) <int64[4] s = {1,1,1800,1800}, int64[4] w = {1,1,900,900}> {
    a = ConstantOfShape (s)
    b = ConstantOfShape (w)
    k = Conv (a, b)
    m = ReduceMax <axes = [2, 3], keepdims = 1> (k)
    y = Add (x, m)
}
"""
"""A constant of a few bytes that takes 6.6e11 multiply-accumulates."""
QUICK = """
<ir_version: 8, opset_import: ["" : 17]>
g (float[1,3,8,8] x) => (float[1,3,8,8] y) { y = Relu (x) }
"""


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "safecheck", "compare", *map(str, arguments)]


def models(folder: Path) -> None:
    onnx.save(onnx.parser.parse_model(SLOW), folder / "slow.onnx")
    onnx.save(onnx.parser.parse_model(QUICK), folder / "quick.onnx")


def test_a_model_that_takes_too_long_is_one_line_and_the_others_are_compared(tmp_path: Path) -> None:
    models(tmp_path)
    done = subprocess.run(
        command("slow.onnx", "quick.onnx", "--limit-run", 1, "--jobs", 1, "--output", "json"),
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 3
    assert done.stderr == (
        "error[SC-LIM-RUN]: slow.onnx: one run of the network, or of a part of it, took longer than 1 s of processor "
        "time; nothing is known of it; give it more with --limit-run SECONDS\n"
    )
    verdicts = [model["standings"][0]["verdict"] for model in json.loads(done.stdout)["models"]]
    assert verdicts == ["inconclusive", "compliant"]


def test_an_interrupt_is_answered_at_once_and_leaves_no_process(tmp_path: Path) -> None:
    models(tmp_path)
    run = subprocess.Popen(
        command("slow.onnx"), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    workers: list[str] = []
    for _ in range(6000):
        if workers := Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split():
            break
        time.sleep(0.01)
    assert workers
    time.sleep(0.5)
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=60)  # its limit is an hour
    assert run.returncode == 130
    for _ in range(500):
        if not any(Path(f"/proc/{pid}").exists() for pid in workers):
            break
        time.sleep(0.01)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
