"""`audit --release`: what a release must not rest on, with real git repositories."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from case_files import model_from_text

from safecheck.rulebook.load import profile

Run = Callable[..., tuple[int, str, str]]


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(folder: Path) -> Path:
    """The models in a clean repository."""
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "models")
    return folder


def released(safecheck: Run, *arguments: str) -> tuple[int, dict[str, list[str]]]:
    code, out, _ = safecheck("audit", *arguments, "--release", "--output", "json")
    return code, json.loads(out)["release"]


def test_a_clean_tree(repository: Path, safecheck: Run) -> None:
    code, found = released(safecheck, "allowed.onnx")
    assert code == 0
    assert found == {"violations": [], "notes": [], "commits": [git(repository, "rev-parse", "HEAD")]}
    _, out, _ = safecheck("audit", "allowed.onnx", "--release")
    assert "RELEASE  nothing but the verdict stands against it" in out
    assert "This verdict assumes" in out


def test_the_verdict_still_decides(repository: Path, safecheck: Run) -> None:
    assert released(safecheck, "forbidden.onnx")[0] == 1
    assert released(safecheck, "unproven.onnx")[0] == 3


def test_a_change_anywhere_in_the_tree(repository: Path, safecheck: Run) -> None:
    (repository / "notes.txt").write_text("x")
    code, found = released(safecheck, "allowed.onnx")
    assert code == 1
    assert found["violations"] == [f"the repository {repository.name} differs from its commit: notes.txt"]
    _, out, _ = safecheck("audit", "allowed.onnx", "--release")
    assert out.splitlines()[-1] == "COMPLIANT  allowed.onnx  RELEASE REFUSED"


def test_many_changes_are_counted(repository: Path, safecheck: Run) -> None:
    for number in range(5):
        (repository / f"{number}.txt").write_text("x")
    (repository / "0.txt").rename(repository / "0\x1b.txt")
    _, found = released(safecheck, "allowed.onnx")
    assert found["violations"][0].endswith("0\\x1b.txt, 1.txt, 2.txt and 2 more")


def test_a_changed_model(repository: Path, safecheck: Run) -> None:
    (repository / "allowed.onnx").write_bytes((repository / "allowed.onnx").read_bytes() + b"\x1a\x01x")
    code, found = released(safecheck, "allowed.onnx")
    assert code == 1
    assert "allowed.onnx" in found["violations"][0]


def test_the_tree_of_the_records_counts_too(
    repository: Path, safecheck: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    git(other, "init", "-q")
    (other / "deviations.yaml").write_text("deviations: []\n")
    code, found = released(safecheck, "allowed.onnx", "--deviations", str(other / "deviations.yaml"))
    assert code == 1
    assert found["violations"] == [
        f"the repository {other.name} has no commit yet",
        f"the repository {other.name} differs from its commit: deviations.yaml",
    ]


def test_outside_a_repository_it_says_so(folder: Path, safecheck: Run) -> None:
    code, found = released(safecheck, "allowed.onnx")
    assert code == 0
    assert found["notes"] == ["allowed.onnx lies in no git repository: no commit holds it"]


def test_an_ignored_model_is_said(repository: Path, safecheck: Run) -> None:
    (repository / ".gitignore").write_text("built.onnx\n")
    git(repository, "add", ".gitignore")
    git(repository, "commit", "-qm", "ignore")
    (repository / "built.onnx").write_bytes((repository / "allowed.onnx").read_bytes())
    code, found = released(safecheck, "built.onnx")
    assert code == 0
    assert found["notes"] == ["built.onnx is ignored or untracked: no commit holds it"]


def test_without_git_a_repository_counts_as_unclean(
    repository: Path, safecheck: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(repository))
    code, found = released(safecheck, "allowed.onnx")
    assert code == 1
    assert "could not be found out: git could not be started" in found["violations"][0]


def test_a_broken_repository_counts_as_unclean(folder: Path, safecheck: Run) -> None:
    (folder / ".git").mkdir()
    code, found = released(safecheck, "allowed.onnx")
    assert code == 1
    assert "could not be found out: git failed: " in found["violations"][0]


def test_a_hook_of_another_repository_does_not_mislead(
    repository: Path, safecheck: Run, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("clean")
    git(other, "init", "-q")
    git(other, "commit", "-q", "--allow-empty", "-m", "nothing")
    (repository / "notes.txt").write_text("x")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert released(safecheck, "allowed.onnx")[0] == 1


@pytest.mark.skipif(sys.platform == "win32", reason="the monitor is a shell script")
def test_a_repository_cannot_run_programs(repository: Path, safecheck: Run) -> None:
    monitor = repository / ".git" / "monitor"
    monitor.write_text(f"#!/bin/sh\ntouch '{repository}/.git/ran'\n")
    monitor.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(monitor))
    assert released(safecheck, "allowed.onnx")[0] == 0
    assert not (repository / ".git" / "ran").exists()
    subprocess.run(["git", "status"], cwd=repository, check=True, capture_output=True)
    assert (repository / ".git" / "ran").exists(), "git no longer runs monitors: this test shows nothing"


def test_a_baseline_is_a_usage_error(repository: Path, safecheck: Run) -> None:
    code, out, err = safecheck("audit", "allowed.onnx", "--release", "--baseline", "b.json")
    assert (code, out) == (2, "")
    assert err.startswith("error[SC-CFG-RELEASE]: --release: --release does not go with --baseline")


def test_a_configured_baseline_is_refused_as_well(repository: Path, safecheck: Run) -> None:
    (repository / ".safecheck.yaml").write_text("baseline: b.json\n")
    code, out, err = safecheck("audit", "allowed.onnx", "--release")
    assert (code, out) == (2, "")
    assert err.startswith(
        "error[SC-CFG-RELEASE]: --release: --release does not go with the baseline of .safecheck.yaml:1"
    )
    assert safecheck("audit", "allowed.onnx", "--release", "--isolated")[0] != 2


def test_draft_rules(repository: Path, safecheck: Run) -> None:
    safecheck("rules", "init", "-o", "mine.yaml")
    text = (repository / "mine.yaml").read_text()
    (repository / "base.yaml").write_text(text.replace("id: my-target", "id: base-target"))
    inline = text[: text.index("# May")] if "# May" in text else text
    assert "status: draft" in inline
    over = 'id: top\ntitle: Top\nversion: "1"\nstatus: released\nextends: base.yaml\n'
    (repository / "top.yaml").write_text(over)
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "rules")
    for name, book in (("mine.yaml", "my-target"), ("top.yaml", "top")):
        code, found = released(safecheck, "allowed.onnx", "--profile", name)
        assert code == 1
        assert f"the rules are a draft: {book} does not say status: released" in found["violations"]
    for name in ("base.yaml", "mine.yaml"):
        path = repository / name
        path.write_text(path.read_text().replace("status: draft", "status: released"))
    git(repository, "commit", "-qam", "release the rules")
    for name in ("mine.yaml", "top.yaml"):
        (violation,) = released(safecheck, "allowed.onnx", "--profile", name)[1]["violations"]
        assert f"the overlay {name} is not among release-overlays of the configuration" in violation
        assert profile(name).sha256 in violation
    review(repository, "mine.yaml", "top.yaml")
    for name in ("mine.yaml", "top.yaml"):
        assert released(safecheck, "allowed.onnx", "--profile", name)[1]["violations"] == []


def review(repository: Path, *names: str, commit: bool = True) -> None:
    lines = [f"  {name}: {profile(name).sha256}" for name in names]
    (repository / ".safecheck.yaml").write_text("\n".join(["release-overlays:", *lines, ""]))
    if commit:
        git(repository, "add", ".")
        git(repository, "commit", "-qm", "review the rules")


def test_an_overlay_counts_as_it_was_reviewed(repository: Path, safecheck: Run) -> None:
    file = repository / "ours.yaml"
    file.write_text('id: ours\ntitle: Ours\nversion: "1"\nstatus: released\nextends: tensorrt-8.6-restricted\n')
    review(repository, "ours.yaml")
    (repository / "deeper").mkdir()
    for name in ("ours.yaml", str(file), "deeper/../ours.yaml"):
        assert released(safecheck, "allowed.onnx", "--profile", name)[0] == 0
    (violation,) = released(safecheck, "allowed.onnx", "--profile", "ours.yaml", "--isolated")[1]["violations"]
    assert "not among release-overlays" in violation
    file.write_text(file.read_text().replace('"1"', '"2"'))
    git(repository, "commit", "-qam", "change the rules")
    code, found = released(safecheck, "allowed.onnx", "--profile", "ours.yaml")
    assert (code, len(found["violations"])) == (1, 1)
    assert "has SHA-256" in found["violations"][0]


def test_a_configuration_that_nobody_reviewed(repository: Path, safecheck: Run) -> None:
    (repository / ".gitignore").write_text(".safecheck.yaml\n")
    text = 'id: ours\ntitle: Ours\nversion: "1"\nstatus: released\nextends: tensorrt-8.6-restricted\n'
    (repository / "ours.yaml").write_text(text)
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "rules")
    review(repository, "ours.yaml", commit=False)
    code, found = released(safecheck, "allowed.onnx", "--profile", "ours.yaml")
    assert code == 1
    assert found["violations"] == ["the configuration that names the overlay ours.yaml is in no commit"]


def test_a_profile_of_ones_own_never_judges_a_release(repository: Path, safecheck: Run) -> None:
    shipped = Path(__file__).parents[2] / "rules" / "profiles" / "tensorrt-8.6-restricted.yaml"
    text = shipped.read_text(encoding="utf-8").replace("id: tensorrt-8.6-restricted", "id: ours")
    (repository / "ours.yaml").write_text(text.replace("title: ", "title: A copy of "), encoding="utf-8")
    review(repository, "ours.yaml")
    code, found = released(safecheck, "allowed.onnx", "--profile", "ours.yaml")
    assert code == 1
    assert found["violations"] == [
        "own profile ours.yaml, not shipped: a release is judged by a shipped profile, or an overlay on one"
    ]


def test_the_tree_of_an_overlay_below_counts(
    repository: Path, safecheck: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("rules")
    git(other, "init", "-q")
    over = 'id: {}\ntitle: T\nversion: "1"\nstatus: released\nextends: {}\n'
    (other / "base.yaml").write_text(over.format("base-target", "tensorrt-8.6-restricted"))
    top = os.path.relpath(other / "base.yaml", repository)
    (repository / "top.yaml").write_text(over.format("top", top))
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "rules")
    _, found = released(safecheck, "allowed.onnx", "--profile", "top.yaml")
    assert any(other.name in line for line in found["violations"])


def test_invalid_deviations(repository: Path, safecheck: Run) -> None:
    safecheck("deviations", "new", "forbidden.onnx", "--rule", "reduce-mean", "-o", "d.yaml")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "record")
    code, found = released(safecheck, "allowed.onnx", "--deviations", "d.yaml")
    assert code == 1
    assert found["violations"] == ["deviation DEV-1 counts for nothing: its status is draft (d.yaml:5: deviations[0])"]


def test_missing_weights_and_pointers(repository: Path, safecheck: Run) -> None:
    import onnx

    model = model_from_text("(float[1,4,6,6] x) => (y) { y = Conv(x, w) }", weights={"w": "float[4,4,1,1]"})
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.ClearField("float_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="w.bin")
    tensor.external_data.add(key="length", value="64")
    (repository / "weights.onnx").write_bytes(model.SerializeToString())
    (repository / "pointer.onnx").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64)
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "incomplete")
    for name, word in (("weights.onnx", "[SC-EXT-"), ("pointer.onnx", "[SC-IO-LFS]")):
        code, out, _ = safecheck("audit", name, "--release", "--output", "json")
        (violation,) = json.loads(out)["release"]["violations"]
        assert code == 1
        assert violation.startswith("the model could not be read: ")
        assert word in violation
        assert violation in safecheck("audit", name, "--release")[1]


def test_without_the_option_nothing_is_said(repository: Path, safecheck: Run) -> None:
    _, out, _ = safecheck("audit", "allowed.onnx", "--output", "json")
    assert json.loads(out)["release"] is None
