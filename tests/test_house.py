"""The house rules that no linter knows."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "safecheck"
FILES = sorted(PACKAGE.rglob("*.py"))
MODULES = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for file in FILES
    if file.name != "__main__.py"
)
NEEDS_EXTRA = {"safecheck.zoo.csa", "safecheck.zoo.baselines"}
ROOMS = {
    "onnxruntime": {"machine/onnxruntime.py"},
    "PIL": {"measure/images/decode.py"},
}
HEAVY = ("onnx", "numpy", "networkx", "rich", "yaml", "torch", "transformers")


def fresh(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in an interpreter of its own, outside the checkout."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT.anchor, timeout=600)


def test_every_folder_is_a_listed_package() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = set(config["options"]["packages"].split())
    mapped = dict(line.split(" = ") for line in config["options"]["package_dir"].strip().splitlines())
    on_disk = {".".join(file.parent.relative_to(ROOT).parts) for file in FILES if file.name == "__init__.py"}
    assert listed == on_disk | set(mapped)
    assert mapped == {"safecheck.cases": "tests/cases", "safecheck.rules": "rules", "safecheck.reports": "reports"}
    folders = {file.parent for file in FILES}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []
    for folder in mapped.values():
        assert (ROOT / folder / "__init__.py").is_file()


@pytest.mark.parametrize("name", ["cases", "rules", "reports"])
def test_the_mapped_folders_have_no_twin(name: str) -> None:
    assert not (PACKAGE / name).exists()


def test_every_rule_file_is_packaged() -> None:
    suffixes = {
        file.suffix for file in (ROOT / "rules").rglob("*") if file.is_file() and file.parent.name != "__pycache__"
    }
    assert suffixes <= {".yaml", ".py"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_small_rooms(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 300
    assert file.stem not in ("utils", "helpers", "common", "core", "misc")


@pytest.mark.parametrize(("library", "rooms"), ROOMS.items())
def test_a_library_that_is_slow_or_optional_lives_in_its_rooms(library: str, rooms: set[str]) -> None:
    pattern = re.compile(rf"^\s*(?:import|from) {library}\b|import_module\(.{library}\b", re.MULTILINE)
    found = {str(file.relative_to(PACKAGE)) for file in FILES if pattern.search(file.read_text(encoding="utf-8"))}
    assert found == rooms


def test_the_command_line_starts_without_heavy_libraries() -> None:
    code = f"import sys, safecheck.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = fresh(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("step", [8, pytest.param(1, marks=pytest.mark.slow)])
def test_every_module_can_be_imported_first(step: int) -> None:
    # One process for all: each import starts from an interpreter that has loaded nothing of safecheck or onnx.
    code = f"""
import importlib, sys
clean = set(sys.modules)
for name in {sorted(set(MODULES) - NEEDS_EXTRA)[::step]!r}:
    for loaded in [loaded for loaded in sys.modules if loaded.partition(".")[0] == "safecheck"]:
        del sys.modules[loaded]
    importlib.import_module(name)
assert "torch" not in sys.modules
"""
    done = fresh(code)
    assert done.returncode == 0, done.stderr
    assert len(MODULES) > 30
