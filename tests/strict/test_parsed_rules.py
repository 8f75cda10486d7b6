"""Rule files are parsed once: for the wheel while it is built, in a checkout by the first run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from safecheck.strict import resources
from safecheck.strict.yaml import load, parse

ROOT = Path(__file__).parents[2]
POOLING = (ROOT / "rules" / "trt-8" / "pooling.yaml").read_text(encoding="utf-8")


def forget() -> None:
    for remembered in (resources._parsed, resources._texts, resources.parsed):
        remembered.cache_clear()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of rules with one file, in which no run has kept anything."""
    (tmp_path / "pooling.yaml").write_text(POOLING, encoding="utf-8")
    monkeypatch.setattr(resources, "rules", lambda: tmp_path)
    forget()
    yield tmp_path
    forget()


def kept(checkout: Path) -> list[Path]:
    return sorted(checkout.glob("__pycache__/*"))


def test_a_rule_file_is_kept_and_found_by_its_content(checkout: Path) -> None:
    assert resources.parsed(POOLING) is None
    tree = load(POOLING, "pooling.yaml").tree
    resources.parsed.cache_clear()
    assert resources.parsed(POOLING) == tree == parse(POOLING, "pooling.yaml")
    assert resources.parsed(POOLING + "\n") is None, "another text is parsed anew"
    assert len(kept(checkout)) == 1


def test_a_text_that_is_not_shipped_is_not_kept(checkout: Path) -> None:
    load(POOLING + "\n", "mine.yaml")
    assert kept(checkout) == []


@pytest.mark.parametrize("damage", [b"", b"[1, 2", b"\xff", b"{}", b"3"])
def test_what_is_damaged_costs_time_only(checkout: Path, damage: bytes) -> None:
    load(POOLING, "pooling.yaml")
    (file,) = kept(checkout)
    file.write_bytes(damage)
    resources.parsed.cache_clear()
    assert load(POOLING, "pooling.yaml").tree == parse(POOLING, "pooling.yaml")
    assert json.loads(file.read_bytes()) == parse(POOLING, "pooling.yaml"), "it is mended"


def test_a_folder_that_cannot_be_written_costs_time_only(checkout: Path) -> None:
    (checkout / "__pycache__").write_bytes(b"a file")
    assert load(POOLING, "pooling.yaml").tree == parse(POOLING, "pooling.yaml")


def test_a_wheel_holds_every_rule_file_a_second_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("setuptools", reason="nothing is built here")
    command = [sys.executable, "setup.py", "-q", "build_py", "--build-lib", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    monkeypatch.setattr(resources, "rules", lambda: tmp_path / "safecheck" / "rules")
    forget()
    shipped = resources._parsed()
    assert shipped is not None
    texts = {path: file.read_text(encoding="utf-8") for path, file in resources.yaml_files(ROOT / "rules")}
    assert sorted(shipped) == sorted(map(resources.digest, texts.values()))
    odd = [path for path, text in texts.items() if resources.parsed(text) != parse(text, path)]
    forget()
    assert odd == []
