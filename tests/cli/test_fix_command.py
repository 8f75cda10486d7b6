"""`safecheck fix` as a user meets it: a real process, real files."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import processes
import pytest
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).parents[2]
REFUSED = ROOT / "examples" / "csa-block-refused.onnx"
COMPLIANT = ROOT / "examples" / "csa-block.onnx"


def safecheck(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    return processes.safecheck_text(*arguments, cwd=folder)


def flipped(path: Path, name: str = "flip") -> Path:
    """`y = x * reverse(x)` along the channels, which only Slice or a convolution can say."""
    operands = [("starts", [-1]), ("ends", [-(2**63) + 1]), ("axes", [1]), ("steps", [-1])]
    constants = [numpy_helper.from_array(np.array(values, np.int64), key) for key, values in operands]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [
            helper.make_node("Slice", ["x", *(key for key, _ in operands)], ["r"], name=name),
            helper.make_node("Mul", ["x", "r"], ["y"], name="mul"),
        ],
        "g",
        [value("x", TensorProto.FLOAT, [1, 8, 4, 4])],
        [value("y", TensorProto.FLOAT, [1, 8, 4, 4])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="me")
    model.metadata_props.add(key="team", value="lane keeping")
    onnx.save(model, path)
    return path


def report(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_a_rotation_becomes_compliant_and_the_report_says_how(tmp_path: Path) -> None:
    flipped(tmp_path / "model.onnx")
    before = hashlib.sha256((tmp_path / "model.onnx").read_bytes()).hexdigest()
    done = safecheck("fix", "model.onnx", "-o", "fixed.onnx", "--output", "json", folder=tmp_path)
    found = report(done)
    assert done.returncode == found["exit_code"] == 0
    assert (found["verdict"], found["before"]["verdict"]) == ("compliant", "inconclusive")
    assert found["before"]["sha256"] == before
    assert found["model"]["path"] == "fixed.onnx"
    assert found["model"]["sha256"] == hashlib.sha256((tmp_path / "fixed.onnx").read_bytes()).hexdigest()
    (rewrite,) = found["rewrites"]
    assert (rewrite["name"], rewrite["status"], rewrite["nodes"]) == ("rotate-with-transpose", "applied", ["flip"])
    assert rewrite["proof"]["kind"] == "exact"
    assert rewrite["proof"]["domain"] == "finite values"
    assert "spreads NaN" in rewrite["proof"]["caveats"][0]
    assert rewrite["proof"]["max_abs_error"] == 0
    assert found["whole_model"]["ran"]
    assert found["left"] == []
    assert hashlib.sha256((tmp_path / "model.onnx").read_bytes()).hexdigest() == before


def test_the_result_keeps_the_interface_the_metadata_and_the_weights(tmp_path: Path) -> None:
    safecheck("fix", REFUSED, "-o", "fixed.onnx", folder=tmp_path)
    before, after = onnx.load(REFUSED), onnx.load(tmp_path / "fixed.onnx")
    assert [(v.name, v.type) for v in after.graph.input] == [(v.name, v.type) for v in before.graph.input]
    assert [(v.name, v.type) for v in after.graph.output] == [(v.name, v.type) for v in before.graph.output]
    assert list(after.metadata_props) == list(before.metadata_props)
    assert (after.producer_name, after.graph.name) == (before.producer_name, before.graph.name)
    weights = {tensor.name: tensor for tensor in after.graph.initializer}
    kept = [tensor for tensor in before.graph.initializer if tensor.name in weights]
    assert len(kept) > 20
    assert all(weights[tensor.name] == tensor for tensor in kept)


def test_a_compliant_model_is_copied(tmp_path: Path) -> None:
    done = safecheck("fix", COMPLIANT, "-o", "fixed.onnx", folder=tmp_path)
    assert done.returncode == 0
    assert "nothing was changed" in done.stdout
    assert (tmp_path / "fixed.onnx").read_bytes() == COMPLIANT.read_bytes()


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    flipped(tmp_path / "model.onnx")
    done = safecheck("fix", "model.onnx", "--dry-run", folder=tmp_path)
    assert done.returncode == 0
    assert "rotate-with-transpose" in done.stdout
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]


def test_a_diff_shows_the_nodes_that_change(tmp_path: Path) -> None:
    flipped(tmp_path / "model.onnx")
    done = safecheck("fix", "model.onnx", "--dry-run", "--diff", folder=tmp_path)
    assert done.stdout.startswith("--- before\n+++ after\n")
    assert "-r 1x8x4x4 = Slice(x, starts, ends, axes, steps)" in done.stdout
    assert "= Conv(" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["model.onnx"], 2, "add -o FIXED.onnx"),
        (["model.onnx", "-o", "model.onnx"], 2, "this is an input"),
        (["model.onnx", "-o", "nowhere/fixed.onnx"], 2, "the folder does not exist"),
        (["model.onnx", "-o", "f.onnx", "--select", "rotate"], 2, "no rewrite 'rotate'"),
        (["model.onnx", "-o", "f.onnx", "--ignore", "remove-copy"], 2, "did you mean 'remove-copies'?"),
        (["model.onnx", "-o", "f.onnx", "--batch", "4"], 2, "the batch of input x is fixed at 1"),
        (["model.onnx", "-o", "f.onnx", "--batch", "0"], 2, "--batch"),
        (["model.onnx", "-o", "f.onnx", "--output", "xml"], 2, "no format 'xml'"),
        (["model.onnx", "-o", "f.onnx", "--output", "json=f.onnx"], 2, "this is another output"),
        (["-", "-o", "f.onnx"], 2, "standard input"),
        ([".", "-o", "f.onnx"], 2, "this is a folder"),
        (["missing.onnx", "-o", "f.onnx"], 3, "missing.onnx"),
        (["empty.onnx", "-o", "f.onnx"], 3, "the file is empty"),
        (["model.onnx", "-o", "f.onnx", "--profile", "tensorrt-8"], 2, "tensorrt-8"),
    ],
)  # fmt: skip
def test_a_mistake_gets_one_line(tmp_path: Path, arguments: list[str], code: int, words: str) -> None:
    flipped(tmp_path / "model.onnx")
    (tmp_path / "empty.onnx").write_bytes(b"")
    content = (tmp_path / "model.onnx").read_bytes()
    done = safecheck("fix", *arguments, folder=tmp_path)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "model.onnx").read_bytes() == content
    assert not (tmp_path / "f.onnx").exists()


def test_an_ignored_rewrite_is_not_done(tmp_path: Path) -> None:
    flipped(tmp_path / "model.onnx")
    done = safecheck("fix", "model.onnx", "-o", "f.onnx", "--ignore", "rotate-with-transpose", folder=tmp_path)
    assert done.returncode == 3
    assert "no rewrite knows a permitted equivalent" in done.stdout


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    flipped(tmp_path / "model.onnx", name="\x1b[31m</script>\u202e")
    for arguments in ([], ["--output", "json"], ["--diff"]):
        done = safecheck("fix", "model.onnx", "--dry-run", *arguments, folder=tmp_path)
        assert done.returncode == 0
        assert "\x1b" not in done.stdout
        assert "\u202e" not in done.stdout


def test_external_data_get_a_file_of_their_own(tmp_path: Path) -> None:
    model = onnx.load(REFUSED)
    onnx.save(model, tmp_path / "model.onnx", save_as_external_data=True, location="model.data", size_threshold=0)
    weights = (tmp_path / "model.data").read_bytes()
    done = safecheck("fix", "model.onnx", "-o", "fixed.onnx", "--output", "json", folder=tmp_path)
    found = json.loads(done.stdout)
    assert [file["path"] for file in found["model"]["external_data"]] == ["fixed.onnx.data"]
    assert (tmp_path / "model.data").read_bytes() == weights
    onnx.checker.check_model(str(tmp_path / "fixed.onnx"), full_check=True)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["json", pytest.param("html", marks=pytest.mark.slow)])
def test_the_same_model_gives_the_same_bytes(form: str, tmp_path: Path) -> None:
    flipped(tmp_path / "model.onnx")
    outputs = []
    for seed in ("0", "1"):
        command = [sys.executable, "-m", "safecheck", "fix", "model.onnx", "-o", "fixed.onnx", "--output", form]
        environment = {"PYTHONHASHSEED": seed, "TZ": f"UTC-{seed}", "PATH": "/usr/bin:/bin"}
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=600)
        outputs.append((done.stdout, (tmp_path / "fixed.onnx").read_bytes()))
    assert outputs[0] == outputs[1]
    assert outputs[0][0]


def test_a_target_that_nothing_allows_is_left_alone(tmp_path: Path) -> None:
    done = safecheck("fix", COMPLIANT, "--dry-run", "--profile", "tensorrt-11-safety", folder=tmp_path)
    assert done.returncode == 3
    assert "there is nothing to change" in done.stdout


@pytest.mark.parametrize("where", [("--dry-run",), ("-o", "fixed.onnx")])
def test_the_page_shows_what_could_stand_in_the_place_of_what_is_left(tmp_path: Path, where: tuple[str, ...]) -> None:
    chosen = ("--select", "reduce-mean-to-average-pool", "--output", "html=page.html")
    done = safecheck("fix", REFUSED, *where, *chosen, folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("wrote ")
    assert done.stderr.endswith("page.html: non-compliant\n")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Instead, by resize-sizes-to-scales:" in page, "the rewrite that was not selected"
    assert "Instead, by reduce-mean-to-average-pool:" not in page, "there is no such node any more"
