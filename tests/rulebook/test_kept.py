"""A profile that an earlier run kept is the one that would be read now, or it is not used."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from safecheck.rulebook import kept
from safecheck.rulebook.load import profile, shipped

NAME = "tensorrt-10-safety"


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the rules in which nothing is kept yet."""
    shutil.copytree(str(kept._rules()), tmp_path / "rules", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(kept, "_rules", lambda: str(tmp_path / "rules"))
    return tmp_path / "rules"


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_kept_profile_is_equal_to_the_one_that_was_read(name: str, rules: Path) -> None:
    read = profile(name)
    found = kept.find(name)
    assert found is not None
    assert [found.rules, found.defects, found.sha256, found.name] == [read.rules, read.defects, read.sha256, read.name]
    assert [found.idioms, found.assumptions, found.target] == [read.idioms, read.assumptions, read.target]
    assert list(found.table.operators) == list(read.table.operators)
    assert all(found.table.operator(name) == read.table.operator(name) for name in read.table.operators)


def test_whatever_changes_makes_it_be_read_anew(rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile(NAME)
    file = rules / "__pycache__" / f"{NAME}.profile"
    whole = file.read_bytes()
    assert kept.find(NAME) is not None
    texts = [path for path in rules.rglob("*.yaml") if path.parent.name not in ("profiles", "lowering")]
    changed = 0
    for path in [*texts, rules / "profiles" / f"{NAME}.yaml"]:
        before = path.read_bytes()
        path.write_bytes(before + b"# more\n")
        changed += kept.find(NAME) is None
        path.write_bytes(before)
    assert changed > 5
    folder = next(path.parent for path in texts if path.parent != rules and path.parent.name == "trt-10")
    (folder / "new.yaml").write_text("[]", encoding="utf-8")
    assert kept.find(NAME) is None
    (folder / "new.yaml").unlink()
    assert kept.find(NAME) is not None
    for damaged in (b"", whole[:-9], b"\x80" + whole[5:]):
        file.write_bytes(damaged)
        assert kept.find(NAME) is None
    file.write_bytes(whole)
    monkeypatch.setattr(kept, "_code", lambda: "other")
    assert kept.find(NAME) is None


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/b", "", "x@", "x\n", "ä"])
def test_no_other_name_is_looked_for(name: str) -> None:
    assert kept.find(name) is None
