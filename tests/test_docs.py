"""What is generated is fresh, and what the README shows is true."""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from safecheck.render import RENDERERS
from safecheck.rewrite.rules import REWRITES
from safecheck.usecases.fix import NAMES

FIXES = [rewrite.name for rewrite in REWRITES if rewrite.name in NAMES]

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


def test_the_page_of_cases_is_fresh() -> None:
    fresh = module("make_cases").page()
    assert (ROOT / "docs" / "cases.md").read_text(encoding="utf-8") == fresh, "run python docs/make_cases.py"


def test_the_pages_for_an_assessor_are_fresh() -> None:
    expected = module("make_safety").pages()
    folder = ROOT / "docs" / "safety"
    assert {f"basis/{file.name}" for file in folder.glob("basis/*.md")} <= set(expected), "run docs/make_safety.py"
    stale = [name for name, text in expected.items() if (folder / name).read_text(encoding="utf-8") != text]
    assert stale == [], "run python docs/make_safety.py"


def test_nothing_is_required_that_no_test_shows_and_no_rule_is_an_orphan() -> None:
    made = module("make_safety")
    ids = [part["id"] for part in made.requirements()] + list(made.REQUIREMENTS)
    assert len(set(ids)) == len(ids)
    for part in made.requirements():
        for path in part["tests"]:
            assert made.tests_below(path), f"{part['id']}: {path} has no tests"
    shown = {rule for case in made.known() for rule in case.rules}
    for rule, entry in made.rules().items():
        assert made.requirement_of(entry.rule, entry.warns) in made.REQUIREMENTS
        assert rule in shown or made.shown_otherwise()[rule], f"{rule} has neither a case nor a reason"
    named = {target for part in made.problems() for target in part["targets"]}
    assert named <= set(made.shipped())
    assert {part["state"] for part in made.problems()} == {"open", "mended"}


def test_the_table_of_operators_is_fresh() -> None:
    text = (ROOT / "docs" / "fix.md").read_text(encoding="utf-8")
    assert module("make_fix").page(text) == text, "run python docs/make_fix.py"


@pytest.mark.slow
def test_the_table_of_networks_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    measured = importlib.import_module("fix_reference")
    recorded = json.loads(measured.RESULTS.read_text(encoding="utf-8"))
    assert dict(measured.results()) == recorded, "run python benchmarks/fix_reference.py and python docs/make_fix.py"


def test_the_picture_is_fresh() -> None:
    assert (ROOT / "docs" / "audit.svg").read_text(encoding="utf-8") == module("make_picture").picture()


def test_the_chart_of_tools_is_fresh() -> None:
    made = module("make_peers")
    found = json.loads(made.RESULTS.read_text(encoding="utf-8"))
    assert made.PICTURE.read_text(encoding="utf-8") == made.picture(found)
    assert made.TABLE.read_text(encoding="utf-8") == made.table(found)
    assert made.OURS in made.PICTURE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("wanted", "placed"),
    [
        ([100, 200], [100, 200]),
        ([200, 200], [192.5, 207.5]),
        ([205, 205, 206, 212, 238], [183.2, 198.2, 213.2, 228.2, 243.2]),
        ([381, 382], [367, 382]),
    ],
)
def test_labels_of_a_chart_stand_around_the_ends_of_their_lines(wanted: list[float], placed: list[float]) -> None:
    found = module("make_peers").spread(wanted)
    assert found == pytest.approx(placed)


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


def test_every_rewrite_and_every_format_has_its_line() -> None:
    known = {"fix": FIXES, "formats": RENDERERS["audit"]}
    for page, names in known.items():
        text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
        assert [name for name in names if f"`{name}`" not in text] == [], f"say in docs/{page}.md what these do"


STRANGER = re.compile(
    r"""
    safecheck\[[a-z]                                  # an extra of the bare name
    | pip[ ]install[^\n#&|;]*?[ ]['"]?safecheck['"]? # a requirement that is the bare name ...
      (?= \s*(?: $ | [\s`)&|;] | [=<>!~] ) )         # ... with or without a version
    """,
    re.VERBOSE | re.MULTILINE,
)
"""A requirement that pip would take from the public index, where `safecheck` is another project."""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("pip install safecheck", True),
        ("pip install -q --upgrade safecheck==0.1.0", True),
        ("run: pip install torch 'safecheck'", True),
        ("pip install safecheck>=0.1", True),
        ("needs safecheck[oracle]", True),
        ("pip install 'safecheck[oracle]'", True),
        ("pip install safecheck-trt", False),
        ("pip install 'safecheck-trt[oracle] @ git+https://forge/safecheck@v1'", False),
        ("pip install -q . && .venv/bin/safecheck audit model.onnx", False),
    ],
)
def test_what_a_requirement_of_the_bare_name_is(text: str, found: bool) -> None:
    assert bool(STRANGER.search(text)) is found


def test_nobody_is_sent_to_a_package_of_somebody_else() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [ROOT / name for name in listed.split("\0") if name and name != "tests/test_docs.py"]
    assert ROOT / "README.md" in files
    sent = {}
    for file in files:
        match = STRANGER.search(file.read_bytes().decode("utf-8", "replace")) if file.is_file() else None
        if match is not None:
            sent[str(file.relative_to(ROOT))] = match.group()
    assert sent == {}
    assert "SAFECHECK_PACKAGE: safecheck " not in (ROOT / "ci" / "safecheck.gitlab-ci.yml").read_text(encoding="utf-8")
