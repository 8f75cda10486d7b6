"""Every row of the list has a test that is there, every test of this folder a row, and every recipe, too."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from recipes import ALL

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
INPUTS = "tests/hostile/test_inputs.py::test_input"
LISTED = 86
"""Rows of the list that the program was held against from the beginning; the others were found later."""


@cache
def rows() -> dict[int, dict[str, Any]]:
    listed = yaml.safe_load((HERE / "rows.yaml").read_text(encoding="utf-8"))
    assert Counter(row["row"] for row in listed).most_common(1)[0][1] == 1, "a row twice"
    return {row["row"]: row for row in listed}


@cache
def collected() -> tuple[str, ...]:
    """The ids of all tests in the files that the rows name, and in this folder."""
    files = {test.partition("::")[0] for row in rows().values() for test in row["tests"]}
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n", "0", "-m", "slow or not slow"]
    done = subprocess.run([*command, *sorted(files | {"tests/hostile"})], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return tuple(line for line in done.stdout.splitlines() if "::" in line)


def shows(test: str, row: int) -> bool:
    """Whether a test that a row names is there; of the recipes, one of that row."""
    if test == INPUTS:
        return any(name.startswith(f"{INPUTS}[{row:02} ") for name in collected())
    ends = ("::",) if test.endswith(".py") else ("", "[")
    return any(name == test or name.startswith(f"{test}{end}") for name in collected() for end in ends if end)


def test_the_list_is_whole() -> None:
    assert set(range(1, LISTED + 1)) <= rows().keys()
    assert sorted(rows()) == list(range(1, max(rows()) + 1))
    for row in rows().values():
        assert row.keys() - {"open"} == {"row", "input", "promise", "tests"}


def test_every_row_is_shown_by_a_test() -> None:
    missing = [(number, test) for number, row in rows().items() for test in row["tests"] if not shows(test, number)]
    assert not missing
    assert not [number for number, row in rows().items() if not row["tests"]]


def test_every_test_of_this_folder_has_a_row() -> None:
    named = {test for row in rows().values() for test in row["tests"]}
    own = {name.partition("[")[0] for name in collected() if name.startswith("tests/hostile/")}
    orphans = {name for name in own if name not in named and name.partition("::")[0] not in named}
    assert orphans == {name for name in own if name.startswith("tests/hostile/test_rows.py")}


def test_every_recipe_has_a_row_and_a_name_of_its_own() -> None:
    assert {case.row for case in ALL} == {number for number, row in rows().items() if INPUTS in row["tests"]}
    assert Counter(map(str, ALL)).most_common(1)[0][1] == 1


def test_open_rows_are_counted() -> None:
    """A row that does not hold is no secret: it says what is wrong, and this number falls."""
    assert [number for number, row in rows().items() if row.get("open")] == []


@pytest.mark.parametrize(
    "wrong", ["tests/hostile/test_rows.py::test_nothing", "tests/hostile/test_inputs.py::test_input[0"]
)
def test_a_test_that_is_not_there_is_noticed(wrong: str) -> None:
    assert not shows(wrong, 1)
