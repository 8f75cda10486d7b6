"""Nothing is skipped in silence: what a search does not enter is counted, named, and no pass."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from workflow_repo import ALLOWED, FORBIDDEN, Repository

from safecheck.render import RENDERERS

_MIGHT = "-dac_override,-dac_read_search"
pytestmark = pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root can enter any folder")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository")
    made.model("models/net.onnx")
    return made


def locked(repository: Repository, name: str, mode: int) -> Path:
    """A folder that cannot be used, with a forbidden model in it."""
    repository.model(f"{name}/bad.onnx", FORBIDDEN)
    folder = repository.path / name
    folder.chmod(mode)
    return folder


def audited(repository: Repository, *arguments: str) -> tuple[int, str, str]:
    return held_back(repository, "audit", *arguments)


def held_back(repository: Repository, *words: str) -> tuple[int, str, str]:
    """`safecheck` by a user whom permissions hold back, which they do not root."""
    mortal = [] if os.geteuid() else ["setpriv", f"--bounding-set={_MIGHT}", f"--inh-caps={_MIGHT}"]
    done = repository.run([*mortal, sys.executable, "-m", "safecheck", *words])
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("mode", [0o000, 0o100, 0o200, 0o300, 0o400])
@pytest.mark.parametrize("name", ["models/secret", "models/deep/er"])
def test_a_folder_that_cannot_be_searched(repository: Repository, mode: int, name: str) -> None:
    folder = locked(repository, name, mode)
    try:
        code, out, err = audited(repository, "models")
        assert code == 3, err
        assert name in err
        assert f"INCONCLUSIVE  {name}" in out
        assert "bad.onnx" not in out or mode == 0o400, "of a folder that can be read but not entered, names are known"
    finally:
        folder.chmod(0o755)
    assert audited(repository, "models")[0] == 1


@pytest.mark.parametrize("mode", [0o000, 0o400, 0o600])
def test_the_hook_takes_nothing_for_deleted_that_it_may_not_see(repository: Repository, mode: int) -> None:
    folder = locked(repository, "locked", mode)
    try:
        code, _, err = held_back(repository, "hook", "--", "locked/bad.onnx", "models/net.onnx")
        assert code == 3, err
        assert "locked/bad.onnx: it cannot be read: Permission denied" in err
    finally:
        folder.chmod(0o755)
    assert held_back(repository, "hook", "--", "gone/bad.onnx", "models/net.onnx", "models/net.onnx/x.onnx")[0] == 0


def test_pruning_takes_no_debt_for_paid_that_it_may_not_see(repository: Repository) -> None:
    folder = locked(repository, "locked", 0o755)
    assert held_back(repository, "baseline", "write", "locked", "-o", "debts.json")[0] == 0
    before = (repository.path / "debts.json").read_bytes()
    folder.chmod(0o000)
    try:
        assert held_back(repository, "baseline", "prune", "debts.json")[0] == 3
    finally:
        folder.chmod(0o755)
    assert (repository.path / "debts.json").read_bytes() == before


def test_the_folder_itself(repository: Repository) -> None:
    folder = locked(repository, "locked", 0o000)
    try:
        code, _, err = audited(repository, "locked")
        assert code == 3
        assert "error[SC-IO-SKIPPED]: locked: this folder cannot be searched: Permission denied" in err
    finally:
        folder.chmod(0o755)


@pytest.mark.parametrize("format", RENDERERS["audit"])
def test_every_format_names_it(repository: Repository, format: str) -> None:
    (repository.path / "outside").mkdir()
    repository.model("outside/bad.onnx", FORBIDDEN)
    (repository.path / "models" / "link").symlink_to("../outside")
    done = repository.safecheck("audit", "models", "--output", format)
    assert done.returncode == 3
    assert "models/link" in done.stdout
    assert "SC-IO-SKIPPED" in done.stderr


@pytest.mark.parametrize("target", ["../outside", ".", "..", "/", "../loop"])
def test_a_link_to_a_folder_is_not_followed_and_no_pass(repository: Repository, target: str) -> None:
    repository.model("outside/bad.onnx", FORBIDDEN)
    (repository.path / "loop").symlink_to("loop2")
    (repository.path / "loop2").symlink_to("loop")
    (repository.path / "models" / "link").symlink_to(target)
    done = repository.safecheck("audit", "models")
    assert done.returncode == 3, done.stdout
    assert "models/link" in done.stderr
    assert "bad.onnx" not in done.stdout + done.stderr
    repository.write(".safecheck.yaml", "exclude: [models/link]\n")
    done = repository.safecheck("audit", "models")
    assert done.returncode == 0
    assert "note: 1 left out, excluded by .safecheck.yaml:1: models/link" in done.stderr


def test_a_link_that_is_named_is_followed(repository: Repository) -> None:
    repository.model("outside/bad.onnx", FORBIDDEN)
    (repository.path / "link").symlink_to("outside")
    assert repository.safecheck("audit", "link").returncode == 1


def test_links_that_are_no_folders(repository: Repository) -> None:
    """A link to a file that is no model, or to nothing, hides none; a model that is a link to nothing is no pass."""
    repository.write("models/notes.txt", "x")
    (repository.path / "models" / "more.txt").symlink_to("notes.txt")
    (repository.path / "models" / "gone.txt").symlink_to("nothing")
    assert repository.safecheck("audit", "models").returncode == 0
    (repository.path / "models" / "gone.onnx").symlink_to("nothing")
    assert repository.safecheck("audit", "models").returncode == 3


def test_excluded_models_are_named(repository: Repository) -> None:
    for number in range(7):
        repository.model(f"models/old/{number}.onnx", FORBIDDEN)
    repository.write(".safecheck.yaml", "exclude: [models/old/**]\n")
    done = repository.safecheck("audit", "models")
    assert done.returncode == 0
    names = ", ".join(f"models/old/{number}.onnx" for number in range(5))
    assert done.stderr == f"note: 7 left out, excluded by .safecheck.yaml:1: {names} and 2 more\n"


FOLDERS = (
    ".git",
    ".venv",
    "venv",
    "node_modules",
    ".ruff_cache",
    "__pycache__",
    "build",
    "dist",
    ".tox",
    "site-packages",
)


def test_what_ruff_leaves_out_is_left_out_and_counted(repository: Repository) -> None:
    for name in FOLDERS:
        repository.model(f"{name}/bad.onnx", FORBIDDEN)
        repository.model(f"models/{name}/bad.onnx", FORBIDDEN)
    done = repository.safecheck("audit", ".")
    assert (done.returncode, done.stdout) == (0, repository.safecheck("audit", "./models/net.onnx").stdout)
    assert done.stderr.startswith(f"note: {2 * len(FOLDERS)} left out, folders of tools and builds: ./.git, ")
    for name in ("build", "models/node_modules"):
        assert repository.safecheck("audit", name).returncode == 1, "who names a folder means it"


def test_what_git_ignores_is_left_out_and_counted(repository: Repository) -> None:
    for name in ("models/a b.tmp.onnx", "models/new\nline.tmp.onnx", "scratch/bad.onnx"):
        repository.model(name, FORBIDDEN)
    repository.write(".gitignore", "*.tmp.onnx\n/scratch/\n")
    done = repository.safecheck("audit", ".")
    assert done.returncode == 0
    assert (
        "note: 3 left out, ignored by Git: ./models/a b.tmp.onnx, ./models/new\\x0aline.tmp.onnx, ./scratch/bad.onnx"
        in (done.stderr)
    )
    assert repository.safecheck("audit", "models/a b.tmp.onnx").returncode == 1
    assert repository.safecheck("audit", "scratch").returncode == 1
    repository.write(".safecheck.yaml", "respect-gitignore: false\n")
    assert repository.safecheck("audit", ".").returncode == 1


def test_what_git_tracks_is_not_left_out(repository: Repository) -> None:
    """Also if a pattern that came later ignores it."""
    repository.model("models/bad.onnx", FORBIDDEN)
    repository.git("add", "-A")
    repository.write(".gitignore", "models/bad.onnx\n")
    assert repository.safecheck("audit", ".").returncode == 1


def test_a_repository_that_is_broken_ignores_nothing(repository: Repository) -> None:
    repository.model("models/bad.onnx", FORBIDDEN)
    repository.write(".gitignore", "bad.onnx\n")
    assert repository.safecheck("audit", "models").returncode == 0
    (repository.path / ".git" / "HEAD").write_text("nonsense")
    assert repository.safecheck("audit", "models").returncode == 1


def test_nothing_left_is_inconclusive(repository: Repository) -> None:
    repository.write(".gitignore", "*.onnx\n")
    done = repository.safecheck("audit", "models")
    assert done.returncode == 3
    assert "all 1 models of the folder are ignored by Git" in done.stderr


def test_fifteen_hundred_folders_deep(repository: Repository) -> None:
    folder = repository.path / "deep"
    folder.mkdir()
    descriptor = os.open(folder, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("x" * 20, dir_fd=descriptor)
        below = os.open("x" * 20, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)
    try:
        done = repository.safecheck("audit", "deep", "models", "--output", "json")
    finally:  # pytest cannot remove it: its path is longer than Python's stack
        subprocess.run(["rm", "-rf", str(folder)], check=True)
    assert done.returncode == 3, "a path that is longer than the system takes"
    assert json.loads(done.stdout)["exit_code"] == 3


def test_the_other_commands_search_likewise(repository: Repository) -> None:
    repository.model("outside/bad.onnx", ALLOWED)
    (repository.path / "models" / "link").symlink_to("../outside")
    for command in ("compare models", "baseline write models -o b.json"):
        done = repository.safecheck(*command.split())
        assert done.returncode == 3, command
        assert "models/link" in done.stderr + done.stdout
