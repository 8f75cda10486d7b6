"""Names of nodes, operators and files that are commands to whoever shows them."""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from case_files import model_from_text
from processes import safecheck
from render.audit.strict import READERS
from workflow_repo import FORBIDDEN

from safecheck.cli import run
from safecheck.render import RENDERERS
from safecheck.render.csv_text import table
from safecheck.text import printable

NAMES = (
    "\x1b[32mPASS\x1b[0m", "\x1b]0;title\x07", "\x1b]8;;https://example.org\x07x", "\x1b]52;c;aGk=\x07", "\x9b2J",
    "a\rPASS", "a\b\b\bPASS", "[/foo]", "[link=https://example.org]x[/link]", "[bold red]x", "[", "[[",
    "\\[x]", ":warning:",
    "::error file=x::y", "::add-mask::x", "::stop-commands::t", "x\n::error::y", "%0A::error::y", "##[error]x",
    "section_start:1:x\r\x1b[0K", "##teamcity[buildStatus]", "{{7*7}}", "{% include 'x' %}", "${x}", "%s %d %(x)s",
    "{0} {x}",
)  # fmt: skip
FILES = (
    b"-m.onnx", b"--help.onnx", b"a b.onnx", b"a\nb.onnx", b"\x1b[31m.onnx", b"\xff\xfe.onnx", b"%0A::error::.onnx",
    b"*.onnx", b"[a].onnx", b"'.onnx", b"$(touch ran).onnx", b";touch ran;.onnx", b"x" * 250 + b".onnx", b"M.onnx",
    "\u202e.onnx".encode(), b"~.onnx", b"#.onnx", b"a=b.onnx", b"json=x.onnx",
)  # fmt: skip


@pytest.mark.parametrize("part", range(3))
def test_names_are_shown_as_they_are(part: int, tmp_path: Path) -> None:
    """In colour, too, where the library for terminals would read its own markup."""
    for name in NAMES[part::3]:
        model = model_from_text(FORBIDDEN)
        model.graph.node[1].name = name
        (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
        for more in ({}, {"FORCE_COLOR": "1", "COLUMNS": "400"}):
            done = safecheck("audit", "--no-cache", "m.onnx", cwd=tmp_path, environment={**os.environ, **more})
            assert done.returncode == 1
            shown = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout.decode())
            assert printable(name) in shown, shown
            assert all(line.isprintable() for line in shown.splitlines())
            assert not re.search(r"^\s*(::|##|section_)", shown, re.MULTILINE), shown


@pytest.mark.parametrize("part", range(3))
def test_files_of_any_name(part: int, tmp_path: Path) -> None:
    """Behind `--` everything is a file; no output is anything else for it, and nothing of a name is run."""
    formats = [name for name in READERS if name not in ("text", "html")]
    for name in FILES[part::3]:
        file = tmp_path / os.fsdecode(name)
        file.write_bytes(model_from_text(FORBIDDEN).SerializeToString())
        outputs = [word for kind in formats for word in ("--output", f"{kind}=out.{kind}")]
        done = safecheck("audit", "--no-cache", *outputs, "--output", "text", "--", os.fsdecode(name), cwd=tmp_path)
        assert done.returncode == 1, done.stderr
        READERS["text"](done.stdout.decode())
        for kind in formats:
            READERS[kind]((tmp_path / f"out.{kind}").read_text(encoding="utf-8"))
        assert not (tmp_path / "ran").exists()
        file.unlink()


def test_no_cell_is_a_formula_for_a_spreadsheet() -> None:
    """A cell that begins with `=`, `+`, `-` or `@` is a formula there: whatever writes such tables writes them here."""
    for first in "=+-@\t\r":
        assert table(["head"], [[f"{first}1"]]).splitlines()[1].strip('"').startswith(("'", "\\x"))
    for kind, formats in RENDERERS.items():
        assert not {"tsv", "xls", "xlsx"} & set(formats)
        if "csv" in formats:
            assert import_module(f"safecheck.render.{kind}.csv").table is table


ACTIVE = "\x1b[2J\u202e\ud800\x07"


def _leaves(value: Any, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """Where a JSON document holds something that is neither a mapping nor a list; of each list two entries."""
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value[:2]):
            yield from _leaves(part, *path, key)
    else:
        yield path


def test_no_word_of_a_report_that_is_read_again_is_active(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever stands in a report of somebody's: it is compared, verified and entered into ledgers in visible words."""
    monkeypatch.chdir(tmp_path)
    Path("m.onnx").write_bytes(model_from_text(FORBIDDEN).SerializeToString())
    assert run(["audit", "m.onnx", "--no-cache", "--output", "json=good.json"]) == 1
    good = json.loads(Path("good.json").read_text(encoding="utf-8"))
    wrong: list[tuple[tuple[str | int, ...], Any]] = [(path, ACTIVE) for path in _leaves(good)]
    for path, value in [*wrong, (("model", "external_data"), 7), (("model", "external_data"), [7]), (("findings",), 7)]:
        changed = place = copy.deepcopy(good)
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        Path("bad.json").write_text(json.dumps(changed), encoding="utf-8")
        Path("ledger").unlink(missing_ok=True)
        for command in (
            ["diff", "good.json", "bad.json"],
            ["diff", "bad.json", "good.json"],
            ["verify", "bad.json", "m.onnx"],
            ["ledger", "add", "bad.json", "--by", "Ann Example", "--on", "2026-01-01", "--file", "ledger"],
            ["ledger", "log", "--file", "ledger"],
        ):
            code = run(command)
            told = capfd.readouterr()
            assert code in (0, 1, 2, 3), (path, command, told)
            assert all(line.isprintable() for line in (told.out + told.err).splitlines()), (path, command, told)
