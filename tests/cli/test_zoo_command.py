"""`safecheck zoo` through a real process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from safecheck.cli import run as main
from safecheck.zoo.models import CATALOGUE

needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")


def run(*arguments: str, folder: Path, blocked: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command; `blocked` is a library that neither it nor a process that it starts can import."""
    environment = dict(os.environ)
    if blocked:
        without = folder.parent / f"{folder.name}-without-{blocked}"
        without.mkdir()
        (without / f"{blocked}.py").write_text(f"raise ModuleNotFoundError('blocked', name={blocked!r})\n")
        environment["PYTHONPATH"] = str(without)
    command = [sys.executable, "-m", "safecheck", "zoo", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, timeout=600)


def test_the_list_needs_no_library(tmp_path: Path) -> None:
    done = run("list", folder=tmp_path, blocked="torch")
    assert (done.returncode, done.stderr) == (0, "")
    for reference in CATALOGUE.values():
        assert f"{reference.parameters:,} parameters" in done.stdout
    listed = json.loads(run("list", "--output", "json", folder=tmp_path).stdout)
    assert [entry["name"] for entry in listed] == list(CATALOGUE)
    assert listed[0]["macs"] == {"published": 4069200384, "even": 4541181696}


def test_a_missing_library_is_one_line(tmp_path: Path) -> None:
    done = run("export", "csa-nano", "-o", "nano.onnx", folder=tmp_path, blocked="torch")
    assert done.returncode == 2
    assert done.stderr.startswith("error[SC-ENV-EXTRA]: safecheck zoo: needs torch, which is not installed; run: pip")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@needs_torch
def test_equal_seeds_give_equal_bytes_in_two_processes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["export", "csa-nano", "--exporter", "torchscript", "--geometry", "even", "-o"]
    here, there = tmp_path / "here.onnx", tmp_path / "there.onnx"
    assert main(["zoo", *options, str(here)]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"{here}: csa-nano, opset 17, {here.stat().st_size:,} bytes\n")
    done = run(*options, str(there), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert here.read_bytes() == there.read_bytes()
    assert sorted(tmp_path.iterdir()) == [here, there]


def test_the_weights_are_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"precious")
    alias = f"{tmp_path}/./weights.pth"
    assert main(["zoo", "export", "csa-nano", "--weights", str(weights), "-o", alias]) == 2
    assert "this is an input" in capsys.readouterr().err
    assert (tmp_path / "weights.pth").read_bytes() == b"precious"


@needs_torch
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("csa-huge", "-o", "m.onnx"), 2, "no model 'csa-huge'"),
        (("csa-nano", "-o", "no/m.onnx"), 2, "the folder does not exist"),
        (("csa-nano", "--image", "32", "-o", "m.onnx"), 2, "an image of 32 pixels is too small"),
        (("swin-tiny", "--pool", "mean", "-o", "m.onnx"), 2, "swin-tiny has no variants"),
        (("csa-nano", "--weights", "w.bin", "-o", "m.onnx"), 2, "unknown kind of file"),
        (("csa-nano", "--weights", "w.pth", "-o", "m.onnx"), 3, "No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments: tuple[str, ...], code: int, message: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["zoo", "export", *arguments]) == code
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
