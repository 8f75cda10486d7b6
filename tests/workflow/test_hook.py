"""The hook in a real repository: real git, real pre-commit and prek, real Git LFS pointers."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
from pathlib import Path

import pytest
from workflow_repo import ALLOWED, FORBIDDEN, UNPROVEN, Repository, one_error

from safecheck.cli import run
from safecheck.cli.auditing import Request
from safecheck.strict.yaml import load

ROOT = Path(__file__).parents[2]
HOOKS = ROOT / ".pre-commit-hooks.yaml"


def tool(name: str) -> str | None:
    """A program beside this interpreter, else on the path."""
    return shutil.which(name, path=os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))))


RUNNERS = [
    pytest.param(name, marks=[pytest.mark.skipif(tool(name) is None, reason=f"{name} is not installed"), *marks])
    for name, *marks in (("prek",), ("pre-commit", pytest.mark.slow))
]


def hooks() -> dict[str, dict[str, str]]:
    """The published hooks, as text."""
    found = {}
    for entry in load(HOOKS.read_text(encoding="utf-8"), HOOKS.name).sequence():
        values = entry.items()
        found[values["id"].text()] = {key: str(part.scalar()) for key, part in values.items() if not part.is_sequence}
    return found


def local_configuration() -> str:
    """The published hooks, run with this installation instead of one that is made for them."""
    lines = ["repos:", "- repo: local", "  hooks:"]
    scripts = Path(sys.executable).parent
    for name, hook in hooks().items():
        lines += [
            f"  - id: {name}", f"    name: {name}", f"    entry: {scripts}/{hook['entry']}", "    language: system",
            f"    files: '{hook['files']}'", "    types: [file]", "    require_serial: true",
            "    stages: [pre-commit, pre-push, manual]",
        ]  # fmt: skip
    return "\n".join(lines) + "\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository")
    made.write(".pre-commit-config.yaml", local_configuration())
    made.write("README.md", "models\n")
    made.git("add", "-A")
    made.git("commit", "-qm", "start")
    return made


def installed(repository: Repository, runner: str) -> Repository:
    program = tool(runner)
    assert program is not None
    homes = {name: str(repository.path.parent / runner) for name in ("PRE_COMMIT_HOME", "PREK_HOME")}
    repository.environment.update(homes)
    done = repository.run([program, "install"])
    assert done.returncode == 0, done.stderr
    return repository


def commit(repository: Repository, message: str = "change") -> tuple[bool, str]:
    """Whether the commit went through, and what was said."""
    before = repository.git("rev-parse", "HEAD").stdout
    done = repository.git("commit", "-qm", message, check=False)
    made = repository.git("rev-parse", "HEAD").stdout != before
    assert made == (done.returncode == 0)
    return made, done.stdout + done.stderr


# --- through the real runners ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_commit_is_blocked_and_let_through(repository: Repository, runner: str) -> None:
    installed(repository, runner)
    repository.model("models/net.onnx", FORBIDDEN)
    repository.git("add", "-A")
    made, said = commit(repository)
    assert not made
    assert "NON-COMPLIANT  models/net.onnx" in said
    assert "reduce-mean" in said

    repository.model("models/net.onnx", UNPROVEN)
    repository.git("add", "-A")
    made, said = commit(repository)
    assert not made, "could not decide is never a pass"
    assert "INCONCLUSIVE  models/net.onnx" in said

    repository.model("models/net.onnx", ALLOWED)
    repository.git("add", "-A")
    made, said = commit(repository)
    assert made, said

    repository.write("README.md", "changed\n")
    repository.git("add", "-A")
    made, said = commit(repository)
    assert made, said


@pytest.mark.parametrize("runner", RUNNERS)
def test_what_is_staged_counts(repository: Repository, runner: str) -> None:
    installed(repository, runner)
    repository.model("models/net.onnx", FORBIDDEN)
    repository.git("add", "-A")
    repository.model("models/net.onnx", ALLOWED)
    made, said = commit(repository)
    assert not made, said


@pytest.mark.slow
@pytest.mark.parametrize("runner", RUNNERS)
def test_changed_weights_trigger_the_model_that_uses_them(repository: Repository, runner: str) -> None:
    repository.model_with_weights("models/conv.onnx", "conv.bin")
    repository.write("models/other.bin", b"belongs to nothing")
    repository.git("add", "-A")
    repository.git("commit", "-qm", "models")
    installed(repository, runner)
    (repository.path / "models" / "conv.bin").write_bytes(b"too short")
    repository.git("add", "-A")
    made, said = commit(repository)
    assert not made
    assert "models/conv.onnx" in said
    assert "SC-EXT-RANGE" in said
    (repository.path / "models" / "conv.bin").write_bytes(bytes([3]) * 16)
    repository.write("models/other.bin", b"changed as well")
    repository.git("add", "-A")
    made, said = commit(repository)
    assert made, said


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_pointer_that_was_not_fetched_blocks(repository: Repository, runner: str) -> None:
    installed(repository, runner)
    repository.write("models/my net.onnx", repository.pointer(b"the model"))
    repository.git("add", "-A")
    made, said = commit(repository)
    assert not made
    assert "SC-IO-LFS" in said
    assert "git lfs pull --include='models/my net.onnx'" in said


@pytest.mark.slow
@pytest.mark.parametrize("runner", RUNNERS)
def test_rule_files_are_checked(repository: Repository, runner: str) -> None:
    installed(repository, runner)
    text = 'id: ours\ntitle: Ours\nversion: "1"\nextends: tensorrt-8.6-restricted\n'
    repository.write("safecheck-ours.yaml", text.replace("title", "titel"))
    repository.git("add", "-A")
    made, said = commit(repository)
    assert not made
    assert "safecheck-ours.yaml:2: titel: unknown key 'titel' (did you mean 'title'?)" in said
    repository.write("safecheck-ours.yaml", text)
    repository.git("add", "-A")
    made, said = commit(repository)
    assert made, said


@pytest.mark.slow
@pytest.mark.parametrize("runner", RUNNERS)
def test_a_configuration_error_blocks_with_one_line(repository: Repository, runner: str) -> None:
    installed(repository, runner)
    repository.write(".safecheck.yaml", "profil: tensorrt-10-safety\n")
    repository.model("net.onnx", ALLOWED)
    repository.git("add", "-A")
    made, said = commit(repository)
    assert not made
    assert said.count("error[") == 1
    assert ".safecheck.yaml:1: profil: unknown key 'profil' (did you mean 'profile'?)" in said


@pytest.mark.slow
@pytest.mark.parametrize("runner", RUNNERS)
def test_the_published_hook_installs_from_a_repository(tmp_path: Path, runner: str) -> None:
    """As users get it: the runner clones this repository and installs it with its dependencies."""
    source = Repository(tmp_path / "source")
    for name in (".pre-commit-hooks.yaml", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source.path / name)
    for folder in ("safecheck", "rules", "reports", "tests/cases"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, source.path / folder, ignore=ignored)
    source.git("add", "-A")
    source.git("commit", "-qm", "release")
    revision = source.git("rev-parse", "HEAD").stdout.strip()
    repository = Repository(tmp_path / "repository")
    ids = "".join(f"\n  - id: {name}" for name in hooks())
    repository.write(".pre-commit-config.yaml", f"repos:\n- repo: {source.path}\n  rev: {revision}\n  hooks:{ids}\n")
    installed(repository, runner)
    repository.model("net.onnx", FORBIDDEN)
    repository.git("add", "-A")
    repository.git("commit", "--no-verify", "-qm", "start")
    repository.model("net.onnx", FORBIDDEN.replace("4,8,6,6", "4,8,6,7"))
    repository.git("add", "-A")
    made, said = commit(repository)
    assert not made
    assert "NON-COMPLIANT  net.onnx" in said
    repository.model("net.onnx", ALLOWED)
    repository.git("add", "-A")
    made, said = commit(repository)
    assert made, said


# --- the command by itself ------------------------------------------------------------------------------------------


def test_unchanged_models_are_served_from_earlier_runs(repository: Repository) -> None:
    for number in range(3):
        repository.model(f"{number}.onnx")
    first, second = (repository.safecheck("hook", "-v", "0.onnx", "1.onnx", "2.onnx") for _ in range(2))
    assert first.stdout == second.stdout == "3 models: 3 compliant\n"
    assert (first.stderr, second.stderr) == (
        "0 of 3 verdicts are from earlier runs\n", "3 of 3 verdicts are from earlier runs\n",
    )  # fmt: skip


def test_files_that_concern_no_model_are_ignored(repository: Repository) -> None:
    repository.model_with_weights("models/conv.onnx", "conv.bin")
    repository.git("add", "-A")
    repository.write("else.bin", b"x")
    for file in ("else.bin", "models/other.bin", "README.md", "gone.onnx"):
        done = repository.safecheck("hook", file)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), file
    assert "gone.onnx: deleted\n" in repository.safecheck("hook", "-v", "gone.onnx").stderr
    assert "were looked up" in repository.safecheck("hook", "-v", "else.bin").stderr


@pytest.mark.parametrize(("name", "location"), [("net.onnx", "data/w.bin"), ("a/b/net.ONNX", "w.bin")])
def test_weights_are_found_below_the_model(repository: Repository, name: str, location: str) -> None:
    _, weights = repository.model_with_weights(name, location)
    repository.git("add", "-A")
    shown = os.path.relpath(weights, repository.path)
    for _ in range(2):  # worked out, and kept
        assert repository.safecheck("hook", shown).stdout == "1 model: 1 compliant\n"
    weights.unlink()
    done = repository.safecheck("hook", shown)
    assert done.returncode == 3
    assert "SC-EXT-MISSING" in done.stderr


def test_a_model_that_cannot_be_read_may_use_the_weights(repository: Repository) -> None:
    repository.write("net.onnx", repository.pointer(b"the model"))
    repository.write("w.bin", b"x")
    repository.git("add", "-A")
    done = repository.safecheck("hook", "w.bin")
    assert done.returncode == 3
    assert "SC-IO-LFS" in done.stderr


def test_what_decides_about_verdicts_concerns_every_model(repository: Repository) -> None:
    repository.model("a.onnx", ALLOWED)
    repository.model("b/c.onnx", UNPROVEN)
    repository.write("ours.yaml", 'id: ours\ntitle: Ours\nversion: "1"\nextends: tensorrt-8.6-restricted\n')
    repository.write(".safecheck.yaml", "profile: ours.yaml\n")
    repository.git("add", "-A")
    for file in (".safecheck.yaml", "ours.yaml"):
        done = repository.safecheck("hook", file)
        assert done.returncode == 3, done.stderr
        assert done.stdout.endswith("2 models: 1 compliant, 1 inconclusive\n")


def test_the_hook_asks_all_that_the_configuration_asks(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.model("net.onnx")
    repository.write(
        ".safecheck.yaml",
        "profile: tensorrt-10-safety\nconfirm: true\ndeviations: d.yaml\nbaseline: b.json\n"
        "jobs: 2\ncache: false\noutput: json\n",
    )
    monkeypatch.chdir(repository.path)
    asked: dict[str, Request] = {}
    for name, module in (("audit", "auditing"), ("hook", "hook")):
        monkeypatch.setattr(
            f"safecheck.cli.{module}.run", lambda request, name=name: asked.setdefault(name, request) and 0
        )
        assert run([name, "net.onnx"]) == 0
    of_hook = {**dataclasses.asdict(asked["hook"]), "quiet": False, "staged": False}
    assert of_hook == dataclasses.asdict(asked["audit"])
    assert asked["hook"].checks.scope_check
    assert asked["hook"].checks.baseline == "b.json"


def test_excluded_models_are_counted(repository: Repository) -> None:
    repository.model("old/a.onnx", FORBIDDEN)
    repository.model("new.onnx")
    repository.write(".safecheck.yaml", "\nexclude: [old/**]\n")
    repository.git("add", "-A")
    done = repository.safecheck("hook", "old/a.onnx")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "note: 1 of 1 models are excluded by .safecheck.yaml:2: old/a.onnx\n"


def test_a_configuration_that_excludes_everything_passes_nothing(repository: Repository) -> None:
    repository.model("old/a.onnx", FORBIDDEN)
    repository.write(".safecheck.yaml", "exclude: ['**']\n")
    repository.git("add", "-A")
    done = repository.safecheck("hook", "--", ".safecheck.yaml", "old/a.onnx")
    assert (done.returncode, done.stdout) == (3, "")
    assert "error[SC-IO-NOMODEL]: .safecheck.yaml:1: every model is excluded" in done.stderr


# --- Git LFS --------------------------------------------------------------------------------------------------------


def lfs(repository: Repository, name: str, content: bytes) -> None:
    """As Git LFS leaves it: the pointer in the index, the file in the working tree."""
    repository.write(".gitattributes", "*.onnx filter=lfs diff=lfs merge=lfs -text\n*.bin filter=lfs\n")
    blob = repository.run(["git", "hash-object", "-w", "--stdin"], repository.pointer(content)).stdout.strip()
    repository.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{name}")


def test_the_content_that_the_pointer_promises_passes(repository: Repository) -> None:
    lfs(repository, "net.onnx", repository.model("net.onnx").read_bytes())
    assert repository.safecheck("hook", "net.onnx").returncode == 0
    assert repository.safecheck("audit", "net.onnx").stderr == ""


def test_other_content_than_the_pointer_promises_is_no_pass(repository: Repository) -> None:
    repository.model("net.onnx", ALLOWED)
    lfs(repository, "net.onnx", b"something else")
    for _ in range(2):  # worked out, and kept
        one_error(repository.safecheck("hook", "net.onnx"), 3, "SC-IO-LFS-MISMATCH", "net.onnx", "git add net.onnx")
    done = repository.safecheck("audit", "net.onnx")
    assert done.returncode == 0, "somebody's work in progress"
    assert done.stderr.startswith("note: net.onnx: this is not the committed content: its SHA-256 is ")
    bad = repository.model("net.onnx", FORBIDDEN)
    assert bad.is_file()
    assert repository.safecheck("hook", "net.onnx").returncode == 1, "the worst code wins"


def test_the_same_for_weights(repository: Repository) -> None:
    _, weights = repository.model_with_weights("models/conv.onnx", "conv.bin")
    repository.git("add", "-A")
    lfs(repository, "models/conv.bin", weights.read_bytes())
    assert repository.safecheck("hook", "models/conv.bin").returncode == 0
    lfs(repository, "models/conv.bin", b"something else")
    one_error(repository.safecheck("hook", "models/conv.bin"), 3, "SC-IO-LFS-MISMATCH", "models/conv.bin")


def test_weights_that_were_not_fetched(repository: Repository) -> None:
    _, weights = repository.model_with_weights("models/conv.onnx", "conv.bin")
    repository.git("add", "-A")
    weights.write_bytes(repository.pointer(weights.read_bytes()))
    done = repository.safecheck("hook", "models/conv.bin")
    assert done.returncode == 3
    assert "SC-IO-LFS" in done.stderr
    assert "git lfs pull --include=models/conv.bin" in done.stderr


@pytest.mark.parametrize("oid", ["", "oid sha256:xyz\n", f"oid md5:{'0' * 32}\n"])
def test_a_pointer_that_promises_nothing_readable(repository: Repository, oid: str) -> None:
    repository.model("net.onnx", ALLOWED)
    lfs(repository, "net.onnx", b"x")
    text = f"version https://git-lfs.github.com/spec/v1\n{oid}size 1\n".encode()
    blob = repository.run(["git", "hash-object", "-w", "--stdin"], text).stdout.strip()
    repository.git("update-index", "--add", "--cacheinfo", f"100644,{blob},net.onnx")
    one_error(repository.safecheck("hook", "net.onnx"), 3, "SC-IO-LFS-MISMATCH", "no SHA-256")


# --- the published file ---------------------------------------------------------------------------------------------


def test_the_hook_file() -> None:
    found = hooks()
    assert set(found) == {"safecheck", "safecheck-rules"}
    for hook in found.values():
        assert hook["language"] == "python"
        assert hook["entry"].split()[0] == "safecheck", "the console script: -m would import from the repository"
        assert hook["require_serial"] == "True"
        assert hook["entry"].endswith(" --"), "whoever adds a file chooses its name"
    for entry in load(HOOKS.read_text(encoding="utf-8"), HOOKS.name).sequence():
        assert [part.text() for part in entry.items()["stages"].sequence()] == ["pre-commit", "pre-push", "manual"]
