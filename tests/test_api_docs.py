"""Every block of docs/api.md is run: the walk as a notebook runs it, the test as a model repository runs it."""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [text for name, text in BLOCKS if name == language]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "examples" / "csa-block-refused.onnx", tmp_path / "model.onnx")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_no_block_is_left_out() -> None:
    assert {name for name, _ in BLOCKS} == {"pycon", "sh", "python"}
    assert TEXT.count("```") == 2 * len(BLOCKS)


def test_the_walk_prints_what_it_shows(folder: Path) -> None:
    walk = doctest.DocTestParser().get_doctest("\n".join(blocks("pycon")), {}, "docs/api.md", "docs/api.md", 0)
    assert len(walk.examples) > 20
    said: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(walk, out=said.append)
    assert result.failed == 0, "".join(said)
    assert sorted(path.name for path in folder.iterdir()) == ["fixed.onnx", "graph.graphml", "model.onnx"]


@pytest.mark.slow
def test_the_commands_run(folder: Path) -> None:
    (script,) = blocks("sh")
    for line in script.splitlines():
        command, *rest = shlex.split(line.partition("#")[0].partition("|")[0])
        assert command == "safecheck"
        named = [part.replace("/norm/ReduceMean", "node_mean") for part in rest]
        done = subprocess.run([sys.executable, "-m", command, *named], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert bool(done.stdout) is ("-o" not in named)
    assert (folder / "graph.graphml").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("models", "code"),
    [
        (["csa-block"], 0),
        pytest.param(["csa-block", "csa-block-refused"], 1, marks=pytest.mark.slow),
        pytest.param([], 1, marks=pytest.mark.slow),
    ],
)
def test_the_guard_of_a_repository_passes_and_fails(models: list[str], code: int, tmp_path: Path) -> None:
    (text,) = blocks("python")
    assert text.startswith("# test_models.py\n")
    (tmp_path / "test_models.py").write_text(text, encoding="utf-8")
    (tmp_path / "models" / "head").mkdir(parents=True)
    for name in models:
        shutil.copy(ROOT / "examples" / f"{name}.onnx", tmp_path / "models" / "head")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == code, done.stdout
    if len(models) == 2:
        assert "ReduceMean node_mean: " in done.stdout
    if not models:
        assert "a test of nothing passes" in done.stdout
