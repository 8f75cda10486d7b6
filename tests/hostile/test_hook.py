"""Whoever adds a file chooses its name: names that look like options, lines, escapes, or no text at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from workflow_repo import ALLOWED, FORBIDDEN, Repository, one_error

NAMES = (
    b"-q.onnx", b"--profile=x.onnx", b"--help.onnx", b"--.onnx", b"-\n.onnx", b"a\nb.onnx", b"\x1b[32m.onnx",
    b"\xff\xfe.onnx", b" .onnx", b"%0A::error::x.onnx", b"[ab]*?.onnx", b":(top)x.onnx", b"\xe2\x80\xae.onnx",
    b"$(touch ran).onnx", b"a\\b.onnx", b"x" * 250 + b".onnx", b"deep/-\n\xff/--jobs.onnx", b"'\".onnx",
)  # fmt: skip


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def written(repository: Repository, name: bytes, text: str) -> str:
    shown = os.fsdecode(name)
    repository.model(shown, text)
    return shown


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_name_is_a_file(repository: Repository, name: bytes) -> None:
    file = written(repository, name, FORBIDDEN)
    for command in ("hook", "audit"):
        done = repository.safecheck(command, "--", file)
        assert done.returncode == 1, done.stderr
        assert "\x1b" not in done.stdout + done.stderr
        assert "\u202e" not in done.stdout + done.stderr
        assert not any(line.startswith("::") for line in (done.stdout + done.stderr).splitlines())
    written(repository, name, ALLOWED)
    assert repository.safecheck("hook", "--", file).returncode == 0
    assert repository.safecheck("audit", ".").returncode == 0
    assert not (repository.path / "ran").exists()


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_its_git_lfs_pointer_is_found(repository: Repository, name: bytes) -> None:
    file = written(repository, name, ALLOWED)
    content = (repository.path / file).read_bytes()
    (repository.path / file).write_bytes(repository.pointer(content))
    repository.git("add", "-A")
    repository.write(".gitattributes", "*.onnx filter=lfs\n")
    (repository.path / file).write_bytes(content)
    assert repository.safecheck("hook", "--", file).returncode == 0
    written(repository, name, ALLOWED.replace("4,8", "4,9"))
    one_error(repository.safecheck("hook", "--", file), 3, "SC-IO-LFS-MISMATCH")


@pytest.mark.parametrize("name", [b"--profile=w.bin", b"-\n\xff.bin", b"--"])
def test_weights_of_any_name_concern_their_model(repository: Repository, name: bytes) -> None:
    location = os.fsdecode(name)
    if not location.isprintable():
        location = "w.bin"  # no model can say where such a file is
    repository.model_with_weights("conv.onnx", location)
    repository.git("add", "-A")
    (repository.path / location).write_bytes(b"short")
    assert repository.safecheck("hook", "--", location).returncode == 3


def test_a_file_that_looks_like_an_option(repository: Repository) -> None:
    """The case that was seen: a profile, smuggled in by the name of a file."""
    repository.model("forbidden.onnx", FORBIDDEN)
    repository.write("--profile=dir/x.bin", "x")
    repository.write("dir/x.bin", "x")
    files = ("--profile=dir/x.bin", "dir/x.bin", "forbidden.onnx")
    assert repository.safecheck("hook", "--", *files).returncode == 1
    one_error(repository.safecheck("hook", *files), 2, "this is an option and the name of a file")


def test_options_behind_the_dashes_are_not_lost(repository: Repository) -> None:
    """pre-commit puts `args` behind the entry: a profile that is named there must not be taken for a file."""
    repository.model("net.onnx")
    one_error(repository.safecheck("hook", "--", "--profile", "x", "net.onnx"), 2, "--profile: there is no such file")
