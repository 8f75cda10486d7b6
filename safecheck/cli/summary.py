"""The job summary of GitHub Actions: Markdown on the page of the run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from safecheck.errors import UsageError
from safecheck.render import RENDERERS, plain
from safecheck.text import printable

if TYPE_CHECKING:
    from safecheck.audit.report import Report

_FILE = "GITHUB_STEP_SUMMARY"


def summary_file(wanted: bool | None) -> str | None:
    """Where a summary goes: in GitHub Actions always, unless it is not wanted.

    Raises:
        UsageError: it is wanted, but there is no place for it.
    """
    path = os.environ.get(_FILE)
    if wanted is None:
        return path if path and os.environ.get("GITHUB_ACTIONS") == "true" else None
    if wanted and not path:
        raise UsageError("SC-OUT-SUMMARY", "--summary", f"{_FILE} is not set", "use --output markdown=FILE instead")
    return path if wanted else None


def write_summary(path: str, reports: Sequence[Report]) -> None:
    """Append to what other steps have written."""
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(plain(RENDERERS["audit"]["markdown"](reports)))
    except OSError as error:
        reason = error.strerror or "cannot be written"
        raise UsageError("SC-OUT-SUMMARY", printable(path), reason, "use --no-summary") from error
