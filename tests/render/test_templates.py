"""Compiled templates are kept beside the byte code: what is stale or damaged there costs time, and changes no page."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from safecheck.intake import once
from safecheck.render.html import templates


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where they are kept, empty."""
    (tmp_path / "__pycache__").mkdir()
    monkeypatch.setattr(once, "_FOLDER", str(tmp_path))
    return tmp_path / "__pycache__"


def style() -> str:
    templates._environment.cache_clear()
    try:
        return templates._environment().get_template("style.css").render(head="a head", identity="")
    finally:
        templates._environment.cache_clear()


def test_a_second_run_takes_what_the_first_has_compiled(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = style()
    (file,) = kept.iterdir()
    assert file.name.startswith("safecheck-templates-")

    def compiled(*_: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr("jinja2.Environment.compile", compiled)
    assert style() == first
    assert "a head" in first


@pytest.mark.parametrize("damage", [b"", b"\x80\x05", pickle.dumps((("another stamp",), {"style.css": b"no code"}))])
def test_what_is_damaged_or_stale_is_made_anew(kept: Path, damage: bytes) -> None:
    first = style()
    (file,) = kept.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage)
    assert style() == first
    assert file.read_bytes() == whole


def test_where_nothing_can_be_kept_the_page_is_the_same(kept: Path) -> None:
    first = style()
    for file in kept.iterdir():
        file.unlink()
    kept.rmdir()
    kept.write_text("no folder")
    assert style() == first
