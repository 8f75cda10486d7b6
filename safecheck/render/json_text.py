"""Plain values as the text of a JSON report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any


def together(contents: Iterable[Mapping[str, Any]], count: int, exit_code: int) -> Iterator[str]:
    """The reports on so many models of a run: one object for one model, a list of them for several, piece by piece."""
    if count == 1:
        yield from map(dumped, contents)
        return
    yield '{\n  "schema": "safecheck/reports/1",\n  "reports": ['
    for number, content in enumerate(contents):
        yield ("," if number else "") + "\n    " + dumped(content).rstrip("\n").replace("\n", "\n    ")
    yield ("\n  " if count else "") + f'],\n  "exit_code": {exit_code}\n}}\n'


def dumped(found: Mapping[str, Any] | Sequence[Any]) -> str:
    """The text of a report: ASCII only, so that hostile characters in names stay visible and harmless."""
    return json.dumps(found, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def one_line(found: Mapping[str, Any]) -> str:
    """The same in one line."""
    return json.dumps(found, ensure_ascii=True, allow_nan=False) + "\n"
