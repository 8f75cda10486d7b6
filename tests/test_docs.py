"""What is generated is fresh, and what the README shows is true."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_the_rule_pages_are_fresh() -> None:
    expected = module("make_rules").pages()
    folder = ROOT / "docs" / "rules"
    assert {file.name for file in folder.glob("*.md")} == set(expected), "run python docs/make_rules.py"
    stale = [name for name, text in expected.items() if (folder / name).read_text(encoding="utf-8") != text]
    assert stale == [], "run python docs/make_rules.py"


def test_the_picture_is_fresh() -> None:
    assert (ROOT / "docs" / "audit.svg").read_text(encoding="utf-8") == module("make_picture").picture()


def test_the_readme_has_one_line_for_each_of_the_two_commands() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert sum("audit examples/csa-block.onnx" in line and "pip install" in line for line in lines) == 1
    assert sum("-m pytest" in line and "pip install" in line for line in lines) == 1


def test_the_page_of_the_house_is_fresh() -> None:
    made = module("make_architecture")
    text = made.PAGE.read_text(encoding="utf-8")
    assert made.page(text) == text, "run python docs/make_architecture.py"
    assert made.PICTURE.read_text(encoding="utf-8") == made.picture(), "run python docs/make_architecture.py"
    assert all(sum(f"| `{room}` |" in line for line in text.splitlines()) == 1 for row in made.rows() for room in row)
