"""What `safecheck fix` says about the price, and what `--max-price` leaves out, through a real process."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import onnx
import processes
import pytest
from onnx import TensorProto, helper

ROOT = Path(__file__).parents[2]
COMPLIANT = ROOT / "examples" / "csa-block.onnx"


def squashed(path: Path, count: int = 3) -> Path:
    """HardSwish after HardSwish: compliant for some kernels more each."""
    names = ["x", *(f"h{number}" for number in range(count - 1)), "y"]
    nodes = [helper.make_node("HardSwish", [old], [new], name=new) for old, new in itertools.pairwise(names)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 8, 16, 16]) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def fixed(folder: Path, *options: str, model: object = "model.onnx") -> tuple[int, Any]:
    done = processes.safecheck_text("fix", model, "-o", "fixed.onnx", "--output", "json", *options, cwd=folder)
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def test_the_price_of_every_step_and_of_the_whole(tmp_path: Path) -> None:
    squashed(tmp_path / "model.onnx")
    code, found = fixed(tmp_path)
    assert code == 0
    price = found["price"]
    assert (price["precision"], price["batch"], price["max_price"], price["latency"]) == ("fp16", 1, None, None)
    # Three pointwise operators are one kernel that reads and writes a map; each of them alone reads and writes one.
    assert price["before"]["traffic_bytes"] == 2 * 2048 * 2
    assert price["before"]["activation_bytes"] == 3 * 2 * 2048 * 2
    assert (price["before"]["macs"], price["before"]["kernels"]) == (0, 1)
    assert price["ratio"] == pytest.approx(price["after"]["estimate"] / price["before"]["estimate"])
    for step in found["rewrites"]:
        assert step["price"]["before"]["traffic_bytes"] == 2 * 2048 * 2
        assert step["price"]["after"]["macs"] > 0
        assert (step["too_dear"], step["leaves"]) == (False, [])


def test_what_costs_too_much_is_left_out_and_leaves_its_finding(tmp_path: Path) -> None:
    squashed(tmp_path / "model.onnx")
    whole = fixed(tmp_path)[1]["price"]["ratio"]
    code, found = fixed(tmp_path, "--max-price", f"{0.7 * whole:.2f}x")
    assert code == 3
    assert 1 < found["price"]["ratio"] <= 0.7 * whole
    applied = [step for step in found["rewrites"] if step["status"] == "applied"]
    dear = [step for step in found["rewrites"] if step["too_dear"]]
    assert 0 < len(applied) < 3
    assert len(applied) + len({step["nodes"][0] for step in dear}) == 3
    assert all("--max-price" in step["reason"] and step["leaves"] for step in dear)
    assert {left["node"] for left in found["left"]} == {step["nodes"][0] for step in dear}
    assert fixed(tmp_path, "--max-price", f"{0.7 * whole:.2f}x")[1] == found, "the same again"


def test_a_limit_that_nothing_reaches_changes_nothing(tmp_path: Path) -> None:
    squashed(tmp_path / "model.onnx")
    fixed(tmp_path)
    free = (tmp_path / "fixed.onnx").read_bytes()
    fixed(tmp_path, "--max-price", "1000")
    assert (tmp_path / "fixed.onnx").read_bytes() == free


def test_the_last_line_says_it_all(tmp_path: Path) -> None:
    done = processes.safecheck_text("fix", COMPLIANT, "--dry-run", "--measure", cwd=tmp_path)
    assert re.fullmatch(
        r"compliant; [0-9.]+ -> [0-9.]+ M MACs, [0-9]+ -> [0-9]+ kB a frame \(FP16, batch 1\), price x1\.0, "
        r"latency x[0-9.]+ here",
        done.stdout.splitlines()[-1],
    )


def test_the_page_shows_prices(tmp_path: Path) -> None:
    squashed(tmp_path / "model.onnx")
    processes.safecheck_text("fix", "model.onnx", "--dry-run", "--output", "html=fix.html", cwd=tmp_path)
    page = (tmp_path / "fix.html").read_text()
    assert "Price of a place" in page
    assert re.search(r"compliant; 0 -> [0-9]+ MACs, ", page.replace("&gt;", ">"))


@pytest.mark.parametrize("times", ["", "x", "-1", "0", "nan", "inf", "3y"])
def test_no_multiple(tmp_path: Path, times: str) -> None:
    done = processes.safecheck_text("fix", COMPLIANT, "--dry-run", "--max-price", times, cwd=tmp_path)
    assert done.returncode == 2
    assert "no multiple" in done.stderr
