"""Rule, case and result, one line each: what a traceability matrix is made from."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from safecheck.usecases.selftest import Outcome

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def document(outcomes: Sequence[Outcome]) -> str:
    """Comma-separated values; a rule stands once for each case that names it, as a finding or an allowance."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("rule", "profile", "case_file", "case", "result", "problem"))
    for outcome in outcomes:
        case = outcome.case
        result = "failed" if outcome.problem else "passed"
        for rule in sorted(case.rules):
            writer.writerow(map(_plain, (rule, case.profile, case.file, case.name, result, outcome.problem)))
    return stream.getvalue()


def _plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
