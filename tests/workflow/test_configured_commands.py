"""Every command that judges takes its profile from the configuration, unless one is named."""

from __future__ import annotations

import subprocess
from pathlib import Path

import processes
import pytest
from case_files import model_from_text

MODEL = "(float[1,8,6,6] x) => (y) { y = ReduceMean<axes = [2, 3]>(x) }"
"""Forbidden under the default profile, permitted in the scope of TensorRT 10."""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".safecheck.yaml").write_text(
        "profile: tensorrt-10-safety\nper-path:\n  'old/**': tensorrt-8.6-restricted\n"
    )
    for folder in ("new", "old"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "model.onnx").write_bytes(model_from_text(MODEL).SerializeToString())
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return processes.safecheck_text(*arguments, cwd=folder)


@pytest.mark.parametrize(
    "command",
    [
        ("audit", "{}/model.onnx", "--no-cache"),
        ("fix", "{}/model.onnx", "--dry-run"),
        ("build", "{}/model.onnx", "--plan"),
        ("diff", "{}/model.onnx", "{}/model.onnx"),
        ("deviations", "new", "{}/model.onnx", "--rule", "reduce-mean"),
    ],
    ids=lambda command: command[0],
)
def test_the_profile_of_the_configuration_is_used(repository: Path, command: tuple[str, ...]) -> None:
    new = run(repository, *(part.format("new") for part in command))
    old = run(repository, *(part.format("old") for part in command))
    named = run(repository, *(part.format("old") for part in command), "--profile", "tensorrt-10-safety")
    assert (new.returncode, new.stdout.replace("new/", "old/")) == (named.returncode, named.stdout)
    assert (old.returncode, old.stdout) != (named.returncode, named.stdout) or command[0] == "diff"


def test_models_of_several_profiles_need_one_to_be_named(repository: Path) -> None:
    done = run(repository, "diff", "new/model.onnx", "old/model.onnx")
    assert done.returncode == 2
    assert "several profiles for these models: tensorrt-10-safety, tensorrt-8.6-restricted" in done.stderr
    assert run(repository, "baseline", "write", "new", "old", "-o", "b.json").returncode == 2
    assert run(repository, "baseline", "write", "new", "-o", "b.json").returncode == 0
