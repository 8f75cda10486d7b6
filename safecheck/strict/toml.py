"""TOML as the same tree that YAML becomes, so that one reader and one kind of message serve both.

Python's parser keeps no positions. The lines of the keys are found by a second look at a text that it has accepted.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from safecheck.errors import RuleFileError
from safecheck.strict.resources import Tree
from safecheck.strict.yaml import LIST, MAPPING, MAX_BYTES, MAX_DEPTH, SCALAR
from safecheck.text import printable

_Path = tuple[str, ...]
_STRINGS = r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\''
_KEY = re.compile(rf"(?:{_STRINGS}|[A-Za-z0-9_-]+)", re.DOTALL)
_VALUE_PIECE = re.compile(rf"{_STRINGS}|#[^\n]*|[\[\]{{}}\n]|[^\[\]{{}}\n\"'#]+", re.DOTALL)
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_DEEP = re.compile(rf"(?<![\w-])(?:{_PART}[ \t]*+\.[ \t]*+){{{MAX_DEPTH}}}")
"""A key of so many parts; Python's parser takes the square of their number."""
_POSITION = re.compile(r"\(at line ([0-9]+), column [0-9]+\)\Z")


def tree_of(text: str, file: str, table: _Path) -> Tree | None:
    """One table of a TOML document; None if the document has no such table.

    Raises:
        RuleFileError: SC-CFG-TOML, the text is not TOML, or too large.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise RuleFileError("SC-CFG-TOML", file, f"larger than {MAX_BYTES} bytes", "split the file")
    if (deep := _DEEP.search(text)) is not None:
        line = text.count("\n", 0, deep.start()) + 1
        raise RuleFileError("SC-CFG-TOML", f"{file}:{line}", f"a key of more than {MAX_DEPTH} parts", "flatten it")
    try:
        found: Any = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        place = _POSITION.search(str(error))
        at = f":{place[1]}" if place is not None else ""
        what = printable(_POSITION.sub("", str(error)).strip() or "not readable as TOML")
        raise RuleFileError("SC-CFG-TOML", f"{file}{at}", what, "correct the syntax") from error
    for name in table:
        if not isinstance(found, dict) or name not in found:
            return None
        found = found[name]
    return _tree(found, table, _lines(text), file)


def _tree(value: Any, path: _Path, lines: dict[_Path, int], file: str, line: int = 1) -> Tree:
    line = lines.get(path, line)
    if len(path) > MAX_DEPTH:
        raise RuleFileError("SC-CFG-TOML", f"{file}:{line}", f"nested deeper than {MAX_DEPTH} levels", "flatten it")
    if isinstance(value, dict):
        pairs = []
        for key, inner in value.items():
            tree = _tree(inner, (*path, key), lines, file, line)
            pairs.append([key, tree[1], False, tree])
        return [MAPPING, line, pairs]
    if isinstance(value, list):
        return [LIST, line, [_tree(inner, (*path, ""), lines, file, line) for inner in value]]
    if isinstance(value, str):
        return [SCALAR, line, value, False]
    # numbers and booleans are read by the rules for YAML; a date is no plain value for them and stays text
    return [SCALAR, line, str(value).lower(), True]


def _lines(text: str) -> dict[_Path, int]:
    """The line of every table header and of every key before an equals sign."""
    found: dict[_Path, int] = {}
    table: _Path = ()
    for line, path, header in _statements(text):
        if header:
            table = path
        full = path if header else (*table, *path)
        for length in range(1, min(len(full), MAX_DEPTH) + 1):  # nothing that is deeper is read
            found.setdefault(full[:length], line)
        found[full] = line
    return found


def _statements(text: str) -> Iterator[tuple[int, _Path, bool]]:
    """(line, dotted key, whether it is a table header) for each statement of a valid document."""
    position, counted, line = 0, 0, 1
    while True:
        blank = _BLANK.match(text, position)
        position = blank.end() if blank is not None else position
        if position >= len(text):
            return
        line += text.count("\n", counted, position)
        counted = position
        header = text[position] == "["
        while text[position : position + 1] == "[":
            position += 1
        path, position = _dotted(text, position)
        yield line, path, header
        position = _end_of_statement(text, position)


def _dotted(text: str, position: int) -> tuple[_Path, int]:
    path: list[str] = []
    while True:
        while text[position : position + 1] in (" ", "\t", "."):
            position += 1
        key = _KEY.match(text, position)
        if key is None:
            return tuple(path), position
        path.append(_unquoted(key[0]))
        position = key.end()


def _unquoted(key: str) -> str:
    if not key.startswith(('"', "'")):
        return key
    return str(next(iter(tomllib.loads(f"{key} = 0"))))


def _end_of_statement(text: str, position: int) -> int:
    """Behind the newline that ends the value: the first one outside brackets and strings."""
    depth = 0
    while (piece := _VALUE_PIECE.match(text, position)) is not None:
        position = piece.end()
        if piece[0] in ("[", "{"):
            depth += 1
        elif piece[0] in ("]", "}"):
            depth -= 1
        elif piece[0] == "\n" and depth <= 0:
            break
    return position if piece is not None else len(text)
