"""A bundle is the same bytes wherever it is made, and no byte of it changes unnoticed."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from assurance.conftest import DAY, RECORD
from assurance.test_verify import OVERLAY, answer

from safecheck.assurance.bundle import Part, opened, packed
from safecheck.errors import UsageError
from safecheck.usecases.selftest import Outcome, run

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The self-test of the rules is run once in this process, not once for each bundle."""
    monkeypatch.setattr("safecheck.cli.evidence.run", lambda base: iter(_outcomes(base)))


@cache
def _outcomes(base: str) -> list[Outcome]:
    return list(run(base))


def bundled(safecheck: Run, model: str, *arguments: str) -> None:
    code, _, err = safecheck("evidence", model, "-o", "b.zip", *arguments)
    assert code in (0, 1), err
    with zipfile.ZipFile("b.zip") as archive:
        Path("r.json").write_bytes(archive.read("reports/report.json"))


def test_the_same_bytes_in_two_folders_zones_and_hash_seeds(folder: Path) -> None:
    found = set()
    for name, zone, seed in (("one", "Asia/Tokyo", "1"), ("two/deeper", "America/Lima", "2")):
        place = folder / name
        place.mkdir(parents=True)
        for file in ("good.onnx", "good.bin"):
            (place / file).write_bytes((folder / file).read_bytes())
        command = [sys.executable, "-m", "safecheck", "evidence", "good.onnx", "-o", "b.zip", "--run-facts", "f.json"]
        environment = {**os.environ, "TZ": zone, "PYTHONHASHSEED": seed, "LC_ALL": "C"}
        subprocess.run(command, cwd=place, env=environment, check=True, capture_output=True)
        found.add((place / "b.zip").read_bytes())
        facts = json.loads((place / "f.json").read_text(encoding="utf-8"))
        assert facts["made"]["sha256"] == hashlib.sha256((place / "b.zip").read_bytes()).hexdigest()
        assert facts["folder"] == str(place)
    assert len(found) == 1
    assert str(folder).encode() not in found.pop()


def test_it_holds_what_a_review_asks_for(folder: Path, safecheck: Run) -> None:
    bundled(safecheck, "good.onnx")
    archive = opened("b.zip")
    assert not archive.problems
    roles = {part.role for part in archive.parts}
    assert roles == {"report", "statement", "rulebook", "selftest", "tool", "index"}
    text = {part.name: part.data.decode() for part in archive.parts}
    rules = [part for part in archive.parts if part.role == "rulebook"]
    names = [part["path"] for part in json.loads(_manifest())["files"]]
    assert {part.name for part in archive.parts} == set(names)
    assert "rulebook/profiles/tensorrt-8.6-restricted.yaml" in {part.name for part in rules}
    assert json.loads(text["selftest/selftest.json"])["failed"] == 0
    assert "http" not in text["index.html"].split("</style>")[1]
    assert all(f'href="{part.name}"' in text["index.html"] for part in archive.parts if part.name != "index.html")


def test_the_rules_in_it_give_the_hash_of_the_rulebook(folder: Path, safecheck: Run) -> None:
    """As `texts` documents the hash, from the files alone."""
    from safecheck.rulebook.load import profile, texts

    digest = hashlib.sha256()
    for name, text in texts("tensorrt-8.6-restricted"):
        for part in (name.encode(), text.encode()):
            digest.update(len(part).to_bytes(8, "big") + part)
    assert digest.hexdigest() == profile("tensorrt-8.6-restricted").sha256
    bundled(safecheck, "good.onnx")
    held = {part.name.removeprefix("rulebook/"): part.data.decode() for part in opened("b.zip").of("rulebook")}
    for name, text in texts("tensorrt-8.6-restricted"):
        assert held[name if name != "profile" else "profiles/tensorrt-8.6-restricted.yaml"] == text


def test_records_and_overlay_come_from_the_bundle(folder: Path, safecheck: Run) -> None:
    sha256 = hashlib.sha256((folder / "odd.onnx").read_bytes()).hexdigest()
    (folder / "deviations.yaml").write_text(RECORD.format(rule="RULE", sha256=sha256), encoding="utf-8")
    (folder / "ours.yaml").write_text(OVERLAY, encoding="utf-8")
    given = ("--profile", "ours.yaml")
    rule = json.loads(safecheck("audit", "odd.onnx", *given, "--output", "json")[1])["findings"][-1]["rule"]
    (folder / "deviations.yaml").write_text(RECORD.format(rule=rule, sha256=sha256), encoding="utf-8")
    bundled(safecheck, "odd.onnx", *given, "--deviations", "deviations.yaml", "--as-of", DAY)
    for name in ("deviations.yaml", "ours.yaml"):
        (folder / name).unlink()
    assert answer(safecheck, "r.json", "odd.onnx", "--bundle", "b.zip") == (0, set())


def test_any_byte_of_a_file_in_it_is_named_with_the_file(folder: Path, safecheck: Run) -> None:
    bundled(safecheck, "good.onnx")
    data = (folder / "b.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
    for info in infos:
        start = info.header_offset + 30 + len(info.filename.encode())
        at = start + info.file_size // 2
        changed = bytearray(data)
        changed[at] ^= 1
        (folder / "c.zip").write_bytes(changed)
        if info.filename == "MANIFEST.json":
            assert safecheck("verify", "r.json", "good.onnx", "--bundle", "c.zip")[0] in (1, 2)
            continue
        assert [problem.text.split(" ")[0] for problem in opened("c.zip").problems] == [info.filename]
    assert answer(safecheck, "r.json", "good.onnx", "--bundle", "c.zip") == (1, {"bundle"})


def test_no_byte_of_the_archive_changes_unnoticed(folder: Path, safecheck: Run) -> None:
    """Also those between the files: headers, times, the directory at the end."""
    bundled(safecheck, "good.onnx")
    data = (folder / "b.zip").read_bytes()
    for at in [*range(0, 120), *range(len(data) - 2900, len(data), 11), *range(120, len(data), 9973)]:
        changed = bytearray(data)
        changed[at] ^= 1
        (folder / "c.zip").write_bytes(changed)
        with suppress(UsageError):  # it is no bundle any more, and says so
            assert opened("c.zip").problems, at


def test_a_report_from_elsewhere_is_not_that_of_the_bundle(folder: Path, safecheck: Run) -> None:
    bundled(safecheck, "good.onnx")
    safecheck("audit", "good.onnx", "--profile", "tensorrt-10-safety", "--output", "json=other.json")
    assert answer(safecheck, "other.json", "good.onnx", "--bundle", "b.zip") == (1, {"bundle"})


def test_what_fix_proved_is_bound_to_the_model(folder: Path, safecheck: Run) -> None:
    safecheck("fix", "odd.onnx", "-o", "fixed.onnx", "--output", "json=fix.json")
    if not (folder / "fixed.onnx").exists():
        pytest.skip("nothing of it could be rewritten")
    bundled(safecheck, "fixed.onnx", "--fix", "fix.json")
    assert [part.name for part in opened("b.zip").of("fix")] == ["fix/fix.json"]
    code, _, err = safecheck("evidence", "good.onnx", "-o", "c.zip", "--fix", "fix.json")
    assert code == 2
    assert "SC-EVI-FIX" in err
    assert not (folder / "c.zip").exists()


def test_nothing_is_bundled_against_a_release(folder: Path, safecheck: Run) -> None:
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    code, _, err = safecheck("evidence", "good.onnx", "-o", "b.zip", "--release")
    assert code == 1
    assert "has no commit yet" in err
    assert not (folder / "b.zip").exists()


@pytest.mark.parametrize("name", [".dev.yaml", "a b.yaml", "\u202e.yaml", "-x.yaml", "\udcff.yaml", "MANIFEST.json"])
def test_a_file_may_have_any_name(folder: Path, safecheck: Run, name: str) -> None:
    sha256 = hashlib.sha256((folder / "odd.onnx").read_bytes()).hexdigest()
    Path(name).write_text(RECORD.format(rule="reduce-mean", sha256=sha256), encoding="utf-8")
    bundled(safecheck, "odd.onnx", f"--deviations=./{name}", "--as-of", DAY)
    assert answer(safecheck, "b.zip", "odd.onnx") == (0, set())


def test_names_that_no_archive_should_have_are_refused() -> None:
    for name in ("../x", "/x", "a//b", "", ".hidden", "MANIFEST.json", "a\\b", "a\0"):
        with pytest.raises(ValueError, match="names"):
            packed({}, [Part(name, "report", b"")])
    with pytest.raises(ValueError, match="names"):
        packed({}, [Part("a", "report", b""), Part("A", "report", b"")])


def _manifest() -> bytes:
    with zipfile.ZipFile("b.zip") as archive:
        return archive.read("MANIFEST.json")
