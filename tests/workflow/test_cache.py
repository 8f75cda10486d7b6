"""Verdicts that are kept: used for the same content only, never trusted further than that, never needed."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from workflow_repo import ALLOWED, FORBIDDEN, UNPROVEN, Repository

from safecheck.audit.provenance import libraries
from safecheck.workflow.cache import identity, store

OVERLAY = 'id: ours\ntitle: Ours\nversion: "1"\nextends: tensorrt-8.6-restricted\n'
TIGHT = "evidence: {allow: [documented], extrapolated: false}\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository")
    for number in range(3):
        made.model(f"models/{number}.onnx", (ALLOWED, FORBIDDEN, UNPROVEN)[number])
    return made


def audit(repository: Repository, *arguments: str) -> tuple[int, str, int]:
    """Exit code, standard output, and how many verdicts were from earlier runs."""
    done = repository.safecheck("audit", "--verbose", *arguments)
    (line,) = (line for line in done.stderr.splitlines() if line.endswith("verdicts are from earlier runs"))
    return done.returncode, done.stdout, int(line.split()[0])


@pytest.mark.parametrize("format_", ["text", "json"])
def test_the_second_run_says_the_same(repository: Repository, format_: str) -> None:
    first, second = (audit(repository, "models", "--output", format_) for _ in range(2))
    assert (first[2], second[2]) == (0, 3)
    assert first[:2] == second[:2]
    plain = repository.safecheck("audit", "models", "--output", format_, "--no-cache")
    assert (plain.returncode, plain.stdout) == second[:2]
    assert repository.safecheck("audit", "models", "--output", format_).stderr == ""


def test_twenty_unchanged_models_are_only_hashed(repository: Repository) -> None:
    for number in range(20):
        repository.model(f"many/{number}.onnx", f"(float[4,8,6,{number + 1}] x) => (y) {{ y = Sigmoid(x) }}")
    assert audit(repository, "many")[2] == 0
    assert audit(repository, "many")[2] == 20
    code = (
        "import sys; from safecheck.cli import run; code = run(['audit', '--quiet', 'many']); "
        "heavy = {'onnx', 'numpy', 'networkx', 'yaml', 'rich', 'safecheck.audit.audit', 'safecheck.rulebook.load'}; "
        "print(code, sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = repository.python(code)
    assert done.stderr == "0 []\n"


def test_what_is_changed_is_audited_again(repository: Repository) -> None:
    audit(repository, "models")
    repository.model("models/0.onnx", FORBIDDEN)
    code, text, kept = audit(repository, "models/0.onnx")
    assert (code, kept) == (1, 0)
    assert text.startswith("NON-COMPLIANT")
    assert audit(repository, "models")[2] == 3


def test_a_changed_weight_file_is_noticed(repository: Repository) -> None:
    _, weights = repository.model_with_weights("nets/conv.onnx", "conv.bin")
    audit(repository, "nets")
    assert audit(repository, "nets")[2] == 1
    weights.write_bytes(bytes([7]) * 16)
    _, text, kept = audit(repository, "nets", "--output", "json")
    assert kept == 0
    (file,) = json.loads(text)["model"]["external_data"]
    assert file["sha256"] == hashlib.sha256(bytes([7]) * 16).hexdigest()
    assert audit(repository, "nets", "--output", "json")[2] == 1
    assert audit(repository, "nets")[2] == 0, "what was kept is the JSON"
    weights.rename(weights.with_name("elsewhere"))
    done = repository.safecheck("audit", "nets")
    assert done.returncode == 3
    assert "SC-EXT-MISSING" in done.stderr


def test_weights_behind_a_link_are_refused_as_ever(repository: Repository) -> None:
    _, weights = repository.model_with_weights("nets/conv.onnx", "conv.bin")
    audit(repository, "nets")
    weights.rename(repository.path / "real.bin")
    weights.symlink_to("../real.bin")
    done = repository.safecheck("audit", "nets")
    assert done.returncode == 3
    assert "SC-EXT-LINK" in done.stderr


def test_another_profile_is_another_verdict(repository: Repository) -> None:
    audit(repository, "models")
    assert audit(repository, "models", "--profile", "tensorrt-10-safety")[2] == 0
    assert audit(repository, "models", "--profile", "tensorrt-8.6-restricted@8.6.12")[2] == 0


def test_a_changed_overlay_is_noticed_at_any_depth(repository: Repository) -> None:
    repository.write("base.yaml", OVERLAY)
    repository.write("ours.yaml", OVERLAY.replace("ours", "top").replace("tensorrt-8.6-restricted", "base.yaml"))
    arguments = ("models/0.onnx", "--profile", "ours.yaml")
    assert audit(repository, *arguments)[0] == 0
    assert audit(repository, *arguments)[2] == 1
    repository.write("base.yaml", OVERLAY + TIGHT)
    code, _, kept = audit(repository, *arguments)
    assert (code, kept) == (3, 0)


def test_a_wrong_command_line_is_wrong_with_kept_verdicts_too(repository: Repository) -> None:
    audit(repository, "models")
    for wrong in (("--as-of", "yesterday"), ("--profile", "no-such"), ("--output", "jsn"), ("--deviations", "no.yaml")):
        assert repository.safecheck("audit", "models", *wrong).returncode == 2, wrong


def test_errors_are_never_kept(repository: Repository) -> None:
    for content in (b"", b"\x08", repository.pointer(b"x")):
        repository.write("broken.onnx", content)
        for _ in range(2):
            code, _, kept = audit(repository, "broken.onnx")
            assert (code, kept) == (3, 0)


def test_standard_input_is_never_kept(repository: Repository) -> None:
    for _ in range(2):
        assert audit(repository, "-")[2] == 0


def test_decisions_of_a_team_are_part_of_the_question(repository: Repository) -> None:
    assert repository.safecheck("baseline", "write", "models", "-o", "baseline.json").returncode == 0
    assert audit(repository, "models")[:1] == (1,)
    with_baseline = ("models", "--baseline", "baseline.json")
    first, second = audit(repository, *with_baseline), audit(repository, *with_baseline)
    assert (first[0], second[0], second[2]) == (0, 0, 3)
    assert first[1] == second[1]
    (repository.path / "baseline.json").write_text('{"schema": "safecheck/baseline/1", "models": {}}', "utf-8")
    assert repository.safecheck("audit", *with_baseline).returncode == 1
    repository.model("models/0.onnx", FORBIDDEN)
    assert audit(repository, *with_baseline)[2] == 0, "decisions look at all models together"


# --- the folder -----------------------------------------------------------------------------------------------------


def entries(repository: Repository) -> list[Path]:
    return sorted(repository.kept.glob("verdicts/*.json"))


def test_damaged_entries_are_as_none(repository: Repository) -> None:
    before = audit(repository, "models")
    truncated, flipped, empty = entries(repository)
    truncated.write_bytes(truncated.read_bytes()[:-1])
    flipped.write_bytes(flipped.read_bytes().replace(b'"exit_code": 1', b'"exit_code": 0'))
    empty.write_bytes(b"")
    flipped.write_bytes(flipped.read_bytes() + b" ")
    after = audit(repository, "models")
    assert after[2] == 0
    assert after[:2] == before[:2]
    assert audit(repository, "models")[2] == 3


def test_an_entry_does_not_count_under_another_name(repository: Repository) -> None:
    audit(repository, "models/0.onnx")
    (good,) = entries(repository)
    audit(repository, "models/1.onnx")
    (bad,) = set(entries(repository)) - {good}
    bad.write_bytes(good.read_bytes())
    assert audit(repository, "models/1.onnx")[::2] == (1, 0)


def test_it_can_be_deleted_and_explains_itself(repository: Repository) -> None:
    audit(repository, "models")
    assert (repository.kept / ".gitignore").read_text("utf-8") == "*\n"
    assert (
        (repository.kept / "CACHEDIR.TAG").read_text("utf-8").startswith("Signature: 8a477f597d28d172789f06886806bc55")
    )
    for file in entries(repository):
        file.unlink()
    assert audit(repository, "models")[2] == 0


def test_a_folder_that_others_can_write_is_not_used(repository: Repository) -> None:
    audit(repository, "models")
    repository.kept.chmod(0o777)
    assert audit(repository, "models")[2] == 0


def test_a_folder_that_cannot_be_is_no_error(repository: Repository) -> None:
    repository.write("file", "")
    done = repository.safecheck("audit", "models/0.onnx", SAFECHECK_CACHE_DIR=str(repository.path / "file" / "below"))
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_is_written_into_the_repository(repository: Repository) -> None:
    home = repository.path.parent / "home"
    done = repository.safecheck("audit", "models/0.onnx", SAFECHECK_CACHE_DIR="", XDG_CACHE_HOME="", HOME=str(home))
    assert done.returncode == 0
    assert [path.name for path in repository.path.iterdir()] == [".git", "models"]
    assert list((home / ".cache" / "safecheck" / "verdicts").glob("*.json"))


def test_no_cache_reads_and_writes_nothing(repository: Repository) -> None:
    repository.safecheck("audit", "models", "--no-cache")
    assert not repository.kept.exists()
    repository.write(".safecheck.yaml", "cache: false\n")
    repository.safecheck("audit", "models")
    assert not repository.kept.exists()
    repository.safecheck("audit", "models", "--cache")
    assert entries(repository)


def test_old_entries_are_swept_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAFECHECK_CACHE_DIR", str(tmp_path / "kept"))
    store.put("verdicts", "old", store.text_of({"x": 1}))
    store.put("verdicts", "new", store.text_of({"x": 2}))
    for name in ("verdicts/old.json", "swept"):
        os.utime(tmp_path / "kept" / name, (1e9, 1e9))
    store.put("verdicts", "newer", store.text_of({"x": 3}))
    assert store.get("verdicts", "old") is None
    assert store.get("verdicts", "new") == {"x": 2}


def test_the_installation_is_known_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1", encoding="utf-8")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "b.yaml").write_text("2", encoding="utf-8")
    (tmp_path / "c.pyc").write_text("3", encoding="utf-8")
    assert list(identity._files(str(tmp_path))) == [("a.py", b"1"), ("inner/b.yaml", b"2")]
    assert {"numpy", "onnx", "protobuf"} <= set(libraries())
