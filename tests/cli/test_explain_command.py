"""`safecheck explain`: every error id that the program can print is in the table, and nothing else is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from safecheck.cli import run
from safecheck.cli.explain import errors
from safecheck.limits import LIMITS

ROOT = Path(__file__).parents[2]
ID = re.compile(r"\bSC-[A-Z]+(?:-[A-Z0-9]+)*\b(?!-)")
REQUIREMENTS = "SC-R-"
"""Ids of requirements on the rules, which are no errors."""


def constants(tree: ast.AST) -> Iterator[str]:
    """Every text of a module that is no docstring; of a text with holes, its beginning as far as it is known."""
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


def families(trees: list[ast.Module]) -> set[str]:
    """What decisions.files.read is called with, which makes ids of it."""
    calls = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call))
    named = [
        call.args[1]
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "read" and len(call.args) > 2
    ]
    return {arg.value for arg in named if isinstance(arg, ast.Constant) and isinstance(arg.value, str)}


@cache
def printed() -> set[str]:
    """Every id in the source."""
    texts = (file.read_text(encoding="utf-8") for file in sorted((ROOT / "safecheck").rglob("*.py")))
    trees = [ast.parse(text) for text in texts if "SC-" in text or "import read" in text]
    found = {name for tree in trees for text in constants(tree) for name in ID.findall(text)}
    found |= {f"SC-{family}-{kind}" for family in families(trees) for kind in ("FILE", "YAML")}
    return {name for name in found if not name.startswith(REQUIREMENTS)}


def said(*arguments: str, capfd: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = run(["explain", *arguments])
    out, err = capfd.readouterr()
    return code, out, err


def test_every_id_of_the_program_is_explained_and_no_other() -> None:
    known = errors()
    assert len(printed()) > 150
    assert printed() - known.keys() == set(), "write a row in safecheck/errors.md"
    assert known.keys() - printed() == set(), "no error has this id any more"
    assert list(known) == sorted(known)
    for name, error in known.items():
        for text in error:
            assert re.fullmatch(r"([A-Z`]|git |trtexec |onnxruntime ).{8,}[.]", text), (name, text)
            assert text.count(". ") == 0, (name, "one sentence")


def test_no_other_id_is_spoken_of() -> None:
    """In docstrings and on pages, where nothing else would notice that an id is gone."""
    files = [
        *(ROOT / "safecheck").rglob("*.py"),
        *(ROOT / "docs").glob("*.md"),
        ROOT / "README.md",
        ROOT / "SECURITY.md",
    ]
    for file in files:
        spoken = {name for name in ID.findall(file.read_text(encoding="utf-8")) if not name.startswith(REQUIREMENTS)}
        unknown = {name for name in spoken if not any(one == name or one.startswith(f"{name}-") for one in errors())}
        assert not unknown, file


def test_each_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    for name, error in errors().items():
        code, out, _ = said(name.lower(), capfd=capfd)
        words = " ".join(out.split())
        assert (code, words.startswith(f"{name} {error.means} What to do: {error.todo}")) == (0, True)
        assert all(len(line) <= 120 for line in out.splitlines())
    listed = said(capfd=capfd)[1].splitlines()
    assert [line.split()[0] for line in listed] == list(errors())


def test_a_limit_is_told_with_option_and_default(capfd: pytest.CaptureFixture[str]) -> None:
    for name, limit in LIMITS.items():
        out = said(limit.code, capfd=capfd)[1]
        assert f"--limit-{name} " in out
        assert f"{limit.default:,.10g} {limit.unit}" in out


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("SC-LIM-TIEM", "SC-LIM-TIME"), ("sc-io-emty", "SC-IO-EMPTY"), ("SC-MODEL-CYLCE", "SC-MODEL-CYCLE")],
)
def test_a_typo_is_one_line_with_what_was_meant(typed: str, meant: str, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(typed, capfd=capfd)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"did you mean '{meant}'?" in err


def test_what_was_typed_is_made_visible(capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("SC-\x1b[31m\u202e", "SC-" + "A" * 5000):
        code, _, err = said(name, capfd=capfd)
        assert (code, err.count("\n")) == (2, 1)
        assert err.rstrip("\n").isprintable()
        assert len(err) < 400


def test_a_rule_is_explained_as_rules_show_does(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said("resize-sizes", capfd=capfd)
    assert run(["rules", "show", "resize-sizes"]) == code == 0
    assert out == capfd.readouterr().out
    assert "did you mean 'resize-sizes'?" in said("resize-size", capfd=capfd)[2]
