"""`safecheck fix --calibrate`: the ranges of bounds are measured, widened, and part of every report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import processes
import pytest
from mended import model, normal


@pytest.fixture
def network(tmp_path: Path) -> Path:
    weights = {"w": 0.3 * normal(16, 3, 3, 3), "s": 1 + 0.1 * normal(16), "b": 0.1 * normal(16, seed=2)}
    text = """g (float[1,3,8,8] x) => (float[1,16,8,8] y) {
        c = Conv <pads = [1, 1, 1, 1]> (x, w)\n i = InstanceNormalization (c, s, b)
        q = Mul (i, i)\n y = Sqrt (q) }"""
    onnx.save(model(text, weights), tmp_path / "model.onnx")
    return tmp_path


def ranges(folder: Path, *arguments: str) -> tuple[int, Any]:
    done = processes.safecheck_text("fix", "model.onnx", "-o", "fixed.onnx", "--output", "json", *arguments, cwd=folder)
    assert done.stderr == ""
    found = json.loads(done.stdout)
    proofs = {rewrite["name"]: rewrite["proof"] for rewrite in found["rewrites"] if rewrite["proof"]}
    return done.returncode, {name: proof["ranges"] for name, proof in proofs.items()}


def measured(folder: Path, feeds: list[Any]) -> float:
    """The largest variance of the convolution's channels."""
    from mended import run

    proto = onnx.load(folder / "model.onnx")
    del proto.graph.node[1:]
    del proto.graph.output[:]
    proto.graph.output.extend([onnx.helper.make_tensor_value_info("c", onnx.TensorProto.FLOAT, [1, 16, 8, 8])])
    return max(float(run(proto, {"x": x})[0].astype(np.float64).var((2, 3)).max()) for x in feeds)


def test_without_it_ranges_are_assumed(network: Path) -> None:
    code, found = ranges(network)
    assert code == 0
    (variance,) = found["space-normalization-to-newton"]
    assert (variance["low_source"], variance["high_source"], variance["high"]) == ("derived", "assumed", 1e6)
    assert variance["low"] == np.float32(1e-5)
    assert "nearer end" in variance["outside"]
    (root,) = found["function-on-range"]
    assert (root["low"], root["high"]) == (0, 1e12)


def test_a_folder_of_images_is_measured_and_widened(network: Path) -> None:
    (network / "images").mkdir()
    feeds = [5 * normal(1, 3, 8, 8, seed=seed) for seed in range(3)]
    for number, feed in enumerate(feeds):
        np.save(network / "images" / f"{number}.npy", feed[0])
    code, found = ranges(network, "--calibrate", "images")
    assert code == 0
    (variance,) = found["space-normalization-to-newton"]
    assert variance["high_source"] == "measured"
    assert variance["how"] == "measured on 3 inputs and widened 16 times"
    assert variance["high"] == pytest.approx(16 * measured(network, feeds) + 1e-5, rel=1e-5)
    assert variance["low_source"] == "derived"


def test_random_inputs_give_the_same_ranges_every_time(network: Path) -> None:
    first, second = (ranges(network, "--calibrate", "4")[1] for _ in range(2))
    assert first == second
    (variance,) = first["space-normalization-to-newton"]
    assert 1 < variance["high"] < 1000


@pytest.mark.parametrize("format_", ["text", "html"])
def test_every_report_says_the_range(network: Path, format_: str) -> None:
    arguments = ("-o", "fixed.onnx", "--calibrate", "2", "--output", f"{format_}=report")
    processes.safecheck_text("fix", "model.onnx", *arguments, cwd=network)
    written = (network / "report").read_text("utf-8")
    assert "variance + epsilon between 1e-05 (derived) and" in written
    assert "measured on 2 inputs and widened 16 times" in written


@pytest.mark.parametrize(
    ("given", "words"), [("0", "from 1 to 10000"), ("nowhere", "no folder"), ("empty", "holds no image")]
)
def test_what_cannot_be_measured_is_refused(network: Path, given: str, words: str) -> None:
    (network / "empty").mkdir()
    done = processes.safecheck_text("fix", "model.onnx", "-o", "fixed.onnx", "--calibrate", given, cwd=network)
    assert done.returncode in (2, 3)
    assert words in done.stderr
    assert not (network / "fixed.onnx").exists()
