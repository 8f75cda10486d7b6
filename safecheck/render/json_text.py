"""Plain values as the text of a JSON report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def together(contents: Sequence[Mapping[str, Any]], exit_code: int) -> str:
    """The reports on the models of a run: one object for one model, a list of them for several."""
    if len(contents) == 1:
        return dumped(contents[0])
    return dumped({"schema": "safecheck/reports/1", "reports": contents, "exit_code": exit_code})


def dumped(found: Mapping[str, Any] | Sequence[Any]) -> str:
    """The text of a report: ASCII only, so that hostile characters in names stay visible and harmless."""
    return json.dumps(found, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
