"""A repository steers no program: hostile configurations, and what they hide from `git status`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from workflow_repo import ALLOWED, FORBIDDEN, Repository

PROGRAMS = {
    "core.fsmonitor": "{}",
    "core.pager": "{}",
    "core.editor": "{}",
    "core.sshCommand": "{}",
    "core.askPass": "{}",
    "core.alternateRefsCommand": "{}",
    "core.gitProxy": "{}",
    "credential.helper": "!{}",
    "diff.external": "{}",
    "diff.evil.command": "{}",
    "diff.evil.textconv": "{}",
    "filter.evil.clean": "{}; cat",
    "filter.evil.smudge": "{}; cat",
    "filter.evil.process": "{}",
    "filter.evil.required": "true",
    "merge.evil.driver": "{}",
    "gpg.program": "{}",
    "uploadpack.packObjectsHook": "{}",
    "alias.ls-files": "!{}",
    "alias.status": "!{}",
    "pager.ls-files": "{}",
    "pager.diff-index": "{}",
    "trailer.evil.command": "{}",
    "interactive.diffFilter": "{}",
    "remote.origin.url": "ext::{}",
    "remote.origin.promisor": "true",
    "remote.origin.partialclonefilter": "blob:none",
    "protocol.ext.allow": "always",
    "extensions.partialClone": "origin",
    "core.untrackedCache": "true",
    "core.preloadIndex": "true",
}
HOOKS = (
    "post-index-change",
    "pre-commit",
    "post-checkout",
    "fsmonitor-watchman",
    "reference-transaction",
    "pre-auto-gc",
)


class Trap:
    """A repository whose configuration names a program for everything; it leaves a mark when it is run."""

    def __init__(self, folder: Path) -> None:
        self.repository = Repository(folder / "repository")
        self.mark = folder / "ran"
        script = folder / "evil.sh"
        script.write_text(f"#!/bin/sh\ntouch '{self.mark}'\n")
        script.chmod(0o755)
        self.repository.model("net.onnx")
        self.repository.write("notes.txt", "x\n")
        self.repository.write(".gitattributes", "* filter=evil diff=evil merge=evil\n")
        self.repository.git("add", "-A")
        self.repository.git("commit", "-qm", "start")
        for name, value in PROGRAMS.items():
            self.repository.git("config", name, value.format(script))
        for name in HOOKS:
            hook = self.repository.path / ".git" / "hooks" / name
            hook.write_text(script.read_text())
            hook.chmod(0o755)
        self.touch()

    def touch(self) -> None:
        """Times that the index does not know, so that git looks at the content."""
        for name in ("net.onnx", "notes.txt"):
            file = self.repository.path / name
            file.write_bytes(file.read_bytes())
        self.mark.unlink(missing_ok=True)


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    return Trap(tmp_path)


def violations(repository: Repository, *arguments: str) -> tuple[int, list[str]]:
    done = repository.safecheck("audit", *arguments, "--release", "--output", "json")
    return done.returncode, json.loads(done.stdout)["release"]["violations"]


def test_the_trap_works(trap: Trap) -> None:
    trap.repository.git("status", check=False)
    assert trap.mark.exists(), "git no longer runs these programs: this file shows nothing"


@pytest.mark.parametrize(
    "command",
    ["audit --release net.onnx", "audit net.onnx", "audit .", "hook -- net.onnx notes.txt", "fix net.onnx --dry-run"],
)
def test_no_program_of_the_repository_runs(trap: Trap, command: str) -> None:
    trap.repository.write("w.bin", b"x")
    trap.repository.safecheck(*command.split())
    assert not trap.mark.exists()


def test_a_clean_tree_is_clean_without_asking_them(trap: Trap) -> None:
    assert violations(trap.repository, "net.onnx") == (0, [])
    trap.repository.model("net.onnx", FORBIDDEN)
    code, found = violations(trap.repository, "net.onnx")
    assert (code, len(found)) == (1, 1)
    assert "differs from its commit: net.onnx" in found[0]
    assert not trap.mark.exists()


def test_missing_objects_are_not_fetched(trap: Trap) -> None:
    """The pointer of Git LFS is looked up in a clone that has promised to fetch what it lacks."""
    trap.repository.write(".gitattributes", "*.onnx filter=lfs\n")
    for file in (trap.repository.path / ".git" / "objects").glob("??/*"):
        kind = subprocess.run(
            ["git", "-c", "protocol.allow=never", "cat-file", "-t", file.parent.name + file.name],
            cwd=trap.repository.path, capture_output=True, check=False,
        )  # fmt: skip
        if kind.stdout == b"blob\n":
            file.unlink()
    trap.mark.unlink(missing_ok=True)
    for command in (("hook", "--", "net.onnx"), ("audit", "--release", "net.onnx")):
        trap.repository.safecheck(*command)
        assert not trap.mark.exists()


# --- what `git status` does not see ---------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository")
    made.model("net.onnx", FORBIDDEN)
    made.write("text.txt", "a\nb\n")
    made.git("add", "-A")
    made.git("commit", "-qm", "start")
    return made


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_the_index_is_not_believed(repository: Repository, flag: str) -> None:
    repository.git("update-index", flag, "net.onnx")
    repository.model("net.onnx", ALLOWED)
    assert repository.git("status", "--porcelain").stdout == ""
    code, found = violations(repository, "net.onnx")
    assert code == 1
    assert "differs from its commit: net.onnx" in found[0]


def test_a_worktree_elsewhere_is_not_believed(repository: Repository, tmp_path: Path) -> None:
    """The repository says that its files lie in a folder where they are as committed."""
    clean = tmp_path / "clean"
    clean.mkdir()
    for name in ("net.onnx", "text.txt"):
        (clean / name).write_bytes((repository.path / name).read_bytes())
    repository.model("net.onnx", ALLOWED)
    repository.git("config", "core.worktree", str(clean))
    assert violations(repository, "net.onnx")[0] == 1


def test_a_folder_that_became_a_link(repository: Repository, tmp_path: Path) -> None:
    repository.model("models/a.onnx")
    repository.git("add", "-A")
    repository.git("commit", "-qm", "models")
    (repository.path / "models").rename(tmp_path / "elsewhere")
    (repository.path / "models").symlink_to(tmp_path / "elsewhere")
    code, found = violations(repository, "net.onnx")
    assert code == 1
    assert "models/a.onnx" in found[0]


def test_what_is_staged_and_not_committed(repository: Repository) -> None:
    repository.model("net.onnx", ALLOWED)
    repository.git("add", "-A")
    assert violations(repository, "net.onnx")[0] == 1


def test_line_ends_of_another_system_are_no_change(repository: Repository) -> None:
    repository.model("net.onnx", ALLOWED)
    repository.git("commit", "-qam", "allowed")
    repository.write("text.txt", "a\r\nb\r\n")
    assert violations(repository, "net.onnx") == (0, [])
    repository.write("text.txt", "a\r\nB\r\n")
    assert violations(repository, "net.onnx")[0] == 1


def test_what_git_lfs_checked_out_is_no_change(repository: Repository) -> None:
    content = repository.model("net.onnx", ALLOWED).read_bytes()
    repository.write("net.onnx", repository.pointer(content))
    repository.git("commit", "-qam", "pointer")
    repository.write("net.onnx", content)
    assert violations(repository, "net.onnx") == (0, [])
    repository.model("net.onnx", ALLOWED.replace("4,8", "4,9"))
    assert violations(repository, "net.onnx")[0] == 1


def test_submodules(repository: Repository, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other")
    other.write("w.txt", "w")
    other.git("add", "-A")
    other.git("commit", "-qm", "start")
    repository.model("net.onnx", ALLOWED)
    repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.path), "sub")
    repository.git("commit", "-qam", "submodule")
    assert violations(repository, "net.onnx") == (0, [])
    repository.write("sub/w.txt", "changed")
    code, found = violations(repository, "net.onnx")
    assert code == 1
    assert "sub" in found[0]


def test_links_and_odd_names_are_compared_too(repository: Repository) -> None:
    repository.model("net.onnx", ALLOWED)
    repository.write("new\nline -\udcff.txt".encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape"), "x")
    (repository.path / "link").symlink_to("text.txt")
    repository.git("add", "-A")
    repository.git("commit", "-qm", "odd")
    assert violations(repository, "net.onnx") == (0, [])
    (repository.path / "link").unlink()
    (repository.path / "link").symlink_to("net.onnx")
    code, found = violations(repository, "net.onnx")
    assert code == 1
    assert found[0].endswith("differs from its commit: link")
