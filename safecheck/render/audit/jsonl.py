"""The JSON report of each model in a line of its own: a stream that other programs read, and that grows by lines."""

from __future__ import annotations

from collections.abc import Sequence

from safecheck.audit.report import Report
from safecheck.render import Stream
from safecheck.render.audit.json import content
from safecheck.render.json_text import one_line


def document(reports: Sequence[Report]) -> Stream:
    """One line for each model, in the order given."""
    return Stream(one_line(content(report)) for report in reports)
