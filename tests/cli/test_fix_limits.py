"""`safecheck fix` under limits, and interrupted: one line, and nothing left."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import onnx
import onnx.helper
import onnx.parser
import pytest

SLOW = 60
"""Convolutions of 2.4 G MACs each, of which both sides are computed on several samples."""


def network(path: Path, layers: int, side: int) -> Path:
    """Convolutions, and a pool that has to be rewritten."""
    value, kind = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    names = ["x", *(f"v{number}" for number in range(layers))]
    nodes = [
        onnx.helper.make_node("Conv", [before, "w"], [after], pads=[1, 1, 1, 1])
        for before, after in itertools.pairwise(names)
    ]
    nodes.append(onnx.helper.make_node("GlobalAveragePool", names[-1:], ["y"]))
    weights = onnx.helper.make_tensor("w", kind, [64, 64, 3, 3], [1e-3] * (64 * 64 * 9))
    shape = [1, 64, side, side]
    graph = onnx.helper.make_graph(nodes, "g", [value("x", kind, shape)], [value("y", kind, [1, 64, 1, 1])], [weights])
    opset = onnx.helper.make_opsetid("", 17)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "safecheck", "fix", *map(str, arguments)]


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (["--limit-time", 1], "error[SC-LIM-TIME]: model.onnx: fixing it took longer than 1 s"),
        (["--limit-memory", 0.05], "error[SC-LIM-MEMORY]: model.onnx: fixing it takes more memory than 0.05 GiB"),
    ],
)
def test_what_exceeds_a_limit_is_refused_in_one_line(tmp_path: Path, limit: list[object], words: str) -> None:
    network(tmp_path / "model.onnx", SLOW, 256)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    for where in (["-o", "out.onnx"], ["--dry-run"]):
        done = subprocess.run(
            command("model.onnx", *where, *limit), cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr.startswith(words)
        assert done.stderr.count("\n") == 1
        assert {path.name for path in tmp_path.iterdir()} == {"model.onnx", "temporary"}
        assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_signal_ends_it_at_once_and_leaves_nothing(tmp_path: Path, number: int, code: int) -> None:
    network(tmp_path / "model.onnx", SLOW, 256)
    network(tmp_path / "small.onnx", 1, 4)
    run = subprocess.Popen(
        command("model.onnx", "-o", "out.onnx"),
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        # a shell starts what runs in the background with interrupts ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    for _ in range(6000):
        if any(path.is_dir() for path in tmp_path.iterdir()):
            break
        time.sleep(0.01)
    workers = children(run.pid)
    assert workers
    run.send_signal(number)
    run.communicate(timeout=60)  # it would take minutes
    assert run.returncode == code
    for _ in range(500):
        if not any(Path(f"/proc/{pid}").exists() for pid in workers):
            break
        time.sleep(0.01)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    if number == signal.SIGKILL:
        subprocess.run(command("small.onnx", "-o", "small-out.onnx"), cwd=tmp_path, capture_output=True, check=True)
        (tmp_path / "small-out.onnx").unlink()
    assert {path.name for path in tmp_path.iterdir()} == {"model.onnx", "small.onnx"}


def children(parent: int) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == parent:
                found.append(int(folder.name))
    return found


@pytest.mark.parametrize("trips", [1 << 62])
def test_one_run_without_end_is_ended_and_named(tmp_path: Path, trips: int) -> None:
    """A loop of onnxruntime takes no memory and answers to nobody."""
    value, kind = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    body = onnx.parser.parse_graph("b (int64 i, bool c, float[1,3,1,1] v) => (bool k, float[1,3,1,1] w) "
                                   "{ k = Identity (c) w = Identity (v) }")  # fmt: skip
    nodes = [
        onnx.helper.make_node("GlobalAveragePool", ["x"], ["a"]),
        onnx.helper.make_node("Loop", ["n", "", "a"], ["y"], body=body),
    ]
    count = onnx.helper.make_tensor("n", onnx.TensorProto.INT64, [], [trips])
    graph = onnx.helper.make_graph(
        nodes, "g", [value("x", kind, [1, 3, 8, 8])], [value("y", kind, [1, 3, 1, 1])], [count]
    )
    opset = onnx.helper.make_opsetid("", 17)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8), tmp_path / "model.onnx")
    done = subprocess.run(
        command("model.onnx", "-o", "out.onnx", "--limit-run", 1), cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "error[SC-LIM-RUN]: model.onnx: one run of the network, or of a part of it, took longer than 1 s of processor "
        "time; nothing was written; give it more with --limit-run SECONDS\n"
    )
    assert os.listdir(tmp_path) == ["model.onnx"]
