"""One hostile input: how it is made, and what is promised about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from case_files import model_from_text
from workflow_repo import ALLOWED

NEVER_A_PASS = frozenset({1, 3})
UNREADABLE = frozenset({3})
REFUSED = frozenset({1})
CONFIGURATION = frozenset({2})
BY_THE_RULES = frozenset({0, 1, 3})
"""Nothing is wrong with it: it must only be survived."""

Make = Callable[[Path], object]


@dataclass(frozen=True)
class Case:
    """What is asked of `safecheck` in a folder that `make` has filled."""

    row: int
    name: str
    make: Make
    codes: frozenset[int] = UNREADABLE
    says: str = ""
    """A regular expression for what is printed."""
    command: tuple[str, ...] = ("audit", "m.onnx")
    large: bool = False
    """Hundreds of MB, or minutes: made only where `SAFECHECK_LARGE` is set."""

    def __str__(self) -> str:
        return f"{self.row:02} {self.name}"


def of_bytes(row: int, name: str, content: bytes | Callable[[], bytes], *more: Any, **named: Any) -> Case:
    """A file `m.onnx` with this content."""
    return Case(
        row,
        name,
        lambda folder: (folder / "m.onnx").write_bytes(content if isinstance(content, bytes) else content()),
        *more,
        **named,
    )


def of_text(
    row: int, name: str, text: str, *more: Any, opset: int = 17, weights: dict[str, str] | None = None, **named: Any
) -> Case:
    """A model in ONNX text."""
    return of_bytes(row, name, lambda: model_from_text(text, opset, weights).SerializeToString(), *more, **named)


def edited(
    row: int,
    name: str,
    change: Callable[[Any], object],
    *more: Any,
    text: str = ALLOWED,
    weights: dict[str, str] | None = None,
    **named: Any,
) -> Case:
    """A good model that is changed."""

    def content() -> bytes:
        model = model_from_text(text, weights=weights)
        change(model)
        return bytes(model.SerializeToString())

    return of_bytes(row, name, content, *more, **named)


def changed(
    row: int, table: Mapping[str, Callable[[Any], object]], codes: frozenset[int], says: str = "", **named: Any
) -> Iterator[Case]:
    """A good model, changed as each entry of a table says; all with one promise."""
    return (edited(row, name, change, codes, says, **named) for name, change in table.items())


def contents(
    row: int, table: Mapping[str, Callable[[], bytes]], codes: frozenset[int], says: str = "", **named: Any
) -> Iterator[Case]:
    """Files with the contents of a table; all with one promise."""
    return (of_bytes(row, name, content, codes, says, **named) for name, content in table.items())


def written(row: int, table: Mapping[str, str], codes: frozenset[int], says: str = "", **named: Any) -> Iterator[Case]:
    """Models in ONNX text; all with one promise."""
    return (of_text(row, name, text, codes, says, **named) for name, text in table.items())


def base(text: str = ALLOWED, weights: dict[str, str] | None = None) -> bytes:
    """The bytes of a compliant model: what hides in it would pass."""
    return bytes(model_from_text(text, weights=weights).SerializeToString())
