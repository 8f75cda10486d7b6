"""A report held against its repetition, for people."""

from __future__ import annotations

from collections.abc import Iterator

from safecheck.assurance.verification import Verification
from safecheck.render.line import Line
from safecheck.text import printable

SHOWN = 40


def document(found: Verification) -> Iterator[Line]:
    """The answer first, then each difference with its subject; the first `SHOWN` of them."""
    name = printable(found.report)
    if found.exit_code == 0:
        yield Line(f"IDENTICAL  {name}: an audit of {printable(found.model)} says the same, byte for byte", "good")
        yield Line(f"verdict    {printable(found.verdict, 40)}")
        yield Line(f"report     SHA-256 {found.report_sha256}")
        return
    if found.differences:
        yield Line(f"DIFFERENT  {name}: {len(found.differences)} differences from an audit made here", "bad")
    else:
        yield Line(f"UNDECIDED  {name}: what was asked again is the same, not everything could be", "open")
    for difference in found.differences[:SHOWN]:
        yield Line(f"  {difference.subject:<10} {difference.text}")
    if len(found.differences) > SHOWN:
        yield Line(f"  and {len(found.differences) - SHOWN} more: see --output json")
    for reason in found.unrepeated:
        yield Line(f"  not asked  {reason}", "open")
