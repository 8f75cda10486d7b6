"""Entries are only added: what was changed, removed, added or moved is named by its line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from safecheck.assurance import ledger

Run = Callable[..., tuple[int, str, str]]
FILE = "safecheck-ledger.jsonl"
GIT = ("git", "-c", "user.name=A", "-c", "user.email=a@example.org")


def add(safecheck: Run, *models: str, by: str = "Ann Example", day: str = "2026-03-01") -> int:
    for model in models:
        safecheck("audit", model, "--output", f"json={model}.json")
    return safecheck("ledger", "add", *(f"{model}.json" for model in models), "--by", by, "--on", day)[0]


@pytest.fixture
def three(folder: Path, safecheck: Run) -> Path:
    """A ledger of three entries."""
    assert add(safecheck, "good.onnx", "odd.onnx") == 0
    assert add(safecheck, "odd.onnx", by="Bob Sample", day="2026-03-02") == 0
    return folder / FILE


def test_what_was_written_is_sound_and_listed(three: Path, safecheck: Run) -> None:
    assert safecheck("ledger", "check")[0] == 0
    code, out, _ = safecheck("ledger", "log", "odd.onnx")
    assert code == 0
    assert out.splitlines()[1].split() == [
        "2026-03-01", "non-compliant", "(1", "forbidden)", "tensorrt-8.6-restricted", "by", "Ann", "Example",
    ]  # fmt: skip
    assert out.splitlines()[-1].strip() == "verdict same since entry 2; other nothing"


def test_a_change_of_a_verdict_says_why(three: Path, safecheck: Run, folder: Path) -> None:
    (folder / "odd.onnx").write_bytes((folder / "good.onnx").read_bytes())
    add(safecheck, "odd.onnx")
    assert safecheck("ledger", "log", "odd.onnx")[1].splitlines()[-1].strip() == (
        "verdict changed since entry 3; other model, weights"
    )


def test_every_flipped_byte_is_named(three: Path) -> None:
    """A byte of an entry breaks that line; nothing can be changed in the middle without it."""
    data = three.read_bytes()
    ends = [at for at, byte in enumerate(data) if byte == 10]
    for at in range(0, len(data) - 1, 7):
        if data[at] == 10:
            continue
        line = sum(end < at for end in ends) + 1
        changed = bytearray(data)
        changed[at] ^= 1
        if changed[at] == 10:
            continue
        lines = changed.decode("utf-8", "replace").split("\n")[:-1]
        found = list(ledger.faults(lines))
        assert found, at
        assert found[0].startswith(f"line {line} "), (at, found)


@pytest.mark.parametrize(
    ("order", "named"), [((1, 2), "first entries"), ((0, 2), "line 2"), ((0, 2, 1), "line 2"), ((0, 0, 1, 2), "line 2")]
)
def test_entries_that_are_missing_or_moved_are_named(
    three: Path, safecheck: Run, order: tuple[int, ...], named: str
) -> None:
    lines = three.read_text(encoding="utf-8").splitlines(keepends=True)
    three.write_text("".join(lines[at] for at in order), encoding="utf-8")
    code, out, _ = safecheck("ledger", "check")
    assert code == 1
    assert named in out
    assert add(safecheck, "good.onnx") == 2  # nothing is added to what is broken


def test_what_is_cut_off_at_the_end_is_known_from_the_commit(three: Path, safecheck: Run, folder: Path) -> None:
    (folder / ".safecheck.yaml").write_text(f"ledger: {FILE}\n", encoding="utf-8")
    for command in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "x")):
        subprocess.run([*GIT, *command], cwd=folder, check=True)
    assert safecheck("hook", "--", "good.onnx")[0] == 0
    assert add(safecheck, "good.onnx") == 0
    assert safecheck("hook", "--", "good.onnx")[0] == 0  # it has only grown
    lines = three.read_text(encoding="utf-8").splitlines(keepends=True)
    three.write_text("".join(lines[:2]), encoding="utf-8")
    assert list(ledger.faults([line.strip() for line in lines[:2]])) == []
    for command in (("ledger", "check"), ("hook", "--", "good.onnx")):
        code, out, err = safecheck(*command)
        assert code in (1, 2)
        assert "1 entries of the last commit are missing" in out + err


def test_rewriting_all_of_it_is_known_from_the_commit(three: Path, safecheck: Run, folder: Path) -> None:
    for command in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "x")):
        subprocess.run([*GIT, *command], cwd=folder, check=True)
    three.unlink()
    assert add(safecheck, "good.onnx", by="Mallory Other") == 0
    code, out, _ = safecheck("ledger", "check")
    assert code == 1
    assert "line 1 is not the one that the last commit holds" in out


def test_verify_asks_the_ledger(three: Path, safecheck: Run) -> None:
    assert safecheck("verify", "good.onnx.json", "good.onnx", "--ledger", FILE)[0] == 0
    safecheck("audit", "good.onnx", "--profile", "tensorrt-10-safety", "--output", "json=other.json")
    code, out, _ = safecheck("verify", "other.json", "good.onnx", "--ledger", FILE)
    assert code == 1
    assert "no entry on this report" in out
    three.write_text(three.read_text(encoding="utf-8").replace("Bob", "Rob"), encoding="utf-8")
    code, out, _ = safecheck("verify", "good.onnx.json", "good.onnx", "--ledger", FILE)
    assert code == 1
    assert "line 3 is not what was written" in out


@pytest.mark.parametrize("by", ["", "1", " . ", "\u200b\u200b"])
def test_nobody_is_no_person(folder: Path, safecheck: Run, by: str) -> None:
    assert add(safecheck, "good.onnx", by=by) == 2
    assert not (folder / FILE).exists()


def test_names_in_a_report_are_made_visible(folder: Path, safecheck: Run) -> None:
    safecheck("audit", "good.onnx", "--output", "json=good.onnx.json")
    found = json.loads((folder / "good.onnx.json").read_text(encoding="utf-8"))
    found["model"]["path"] = "\x1b[31m\u202e.onnx"
    (folder / "good.onnx.json").write_text(json.dumps(found), encoding="utf-8")
    assert safecheck("ledger", "add", "good.onnx.json", "--by", "Ann\x1b[31m")[0] == 0
    out = safecheck("ledger", "log")[1]
    assert "\x1b" not in out
    assert "\u202e" not in out


@pytest.mark.parametrize("part", ["model", "profile", "tool", "findings"])
def test_an_entry_that_lacks_something_is_none(three: Path, safecheck: Run, part: str) -> None:
    """Whoever can write a hash can write one that fits: what is read of an entry is looked for before."""
    line = json.loads(three.read_text(encoding="utf-8").splitlines()[0])
    for key in line[part]:
        changed = {**line, part: {name: value for name, value in line[part].items() if name != key}}
        changed["hash"] = ledger._hash(changed)
        three.write_text(f"{ledger._line(changed)}\n", encoding="utf-8")
        verify = ("verify", "good.onnx.json", "good.onnx", "--ledger", FILE)
        for command in (("ledger", "log"), ("ledger", "check"), verify):
            code, out, err = safecheck(*command)
            assert code in (1, 2), command
            assert "line 1 is no entry" in out + err


def test_a_ledger_never_grows_beyond_what_is_read_again(
    three: Path, safecheck: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = three.read_bytes()
    monkeypatch.setattr(ledger, "MAX_BYTES", len(before))
    assert safecheck("ledger", "check")[0] == 0
    code, _, error = safecheck("ledger", "add", "odd.onnx.json", "--by", "Ann Example", "--on", "2026-03-03")
    assert code == 2
    assert "SC-LEDGER-FILE" in error
    assert "begin another" in error
    assert three.read_bytes() == before


def test_a_file_of_very_many_short_lines_is_refused_before_it_is_parted(three: Path, safecheck: Run) -> None:
    three.write_bytes(b"x\n" * (ledger.MAX_LINES + 1))
    code, _, error = safecheck("ledger", "check")
    assert code == 2
    assert f"more than {ledger.MAX_LINES} lines" in error
