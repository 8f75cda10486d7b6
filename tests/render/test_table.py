"""The table of writers and the files beside it say the same."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from safecheck import render
from safecheck.render import RENDERERS, plain
from safecheck.render.line import Line

FOLDER = Path(render.__file__).parent


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, row in RENDERERS.items() for name in row])
def test_every_word_of_the_table_is_a_writer(kind: str, name: str) -> None:
    assert callable(import_module(f"safecheck.render.{kind}.{name}").document)


def test_every_writer_is_in_the_table() -> None:
    files = [file for file in FOLDER.glob("*/*.py") if "\ndef document(" in file.read_text(encoding="utf-8")]
    found = {(file.parent.name, file.stem) for file in files}
    assert found == {(kind, name) for kind, row in RENDERERS.items() for name in row}


def test_lines_and_texts_are_the_same_file() -> None:
    assert plain([Line("one", "bad"), Line("two")]) == plain("one\ntwo\n")
