"""Every input of the list: a promised exit code, one clear line, little time and memory, the same in every format."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from processes import Guarded, guarded
from recipes import ALL
from recipes.case import Case
from render.audit.strict import READERS

MOST_SECONDS = 60
MOST_BYTES = 2 << 30
LARGE = pytest.mark.skipif("SAFECHECK_LARGE" not in os.environ, reason="large: set SAFECHECK_LARGE")
_FIRST = {case.row: case for case in reversed(ALL)}
"""The page costs as much as the audit: one of each row is enough."""


def held(case: Case, folder: Path, *more: str) -> Guarded:
    """What was printed, after all that every run promises."""
    done = guarded(*case.command, *more, cwd=folder)
    told = done.output + done.errors
    assert done.code in case.codes, told
    assert "Traceback" not in told
    assert all(line.isprintable() for line in told.splitlines()), "raw control characters"
    assert all(len(line) <= 2048 for line in done.errors.splitlines()), "a message longer than 2 KiB"
    assert 0 < done.peak <= MOST_BYTES, done
    assert done.seconds <= MOST_SECONDS, done
    return done


def _marks(case: Case) -> list[pytest.MarkDecorator]:
    """One input of each row is tried each time, the others among the slow tests."""
    return [*[LARGE] * case.large, *([] if case is _FIRST[case.row] else [pytest.mark.slow])]


@pytest.mark.parametrize("case", [pytest.param(case, id=str(case), marks=_marks(case)) for case in ALL])
def test_input(case: Case, tmp_path: Path) -> None:
    case.make(tmp_path)
    if case.command[0] != "audit":
        held(case, tmp_path)
        return
    first = held(case, tmp_path, "--no-cache")
    assert re.search(case.says, first.output + first.errors), first
    formats = READERS.keys() - {"text"} - (set() if case is _FIRST[case.row] else {"html"})
    files = {name: tmp_path / f"out.{name}" for name in sorted(formats)}
    again = held(case, tmp_path, "--no-cache", "--output", "text", *(
        part for name, file in files.items() for part in ("--output", f"{name}={file.name}")
    ))  # fmt: skip
    errors = "".join(line for line in again.errors.splitlines(keepends=True) if not line.startswith("wrote "))
    assert (again.code, again.output, errors) == (first.code, first.output, first.errors)
    if first.code == 2 or "SC-IO-NOMODEL" in first.errors:  # nobody was judged
        assert not any(file.exists() for file in files.values())
        return
    for name, file in files.items():
        READERS[name](file.read_text(encoding="utf-8"))
