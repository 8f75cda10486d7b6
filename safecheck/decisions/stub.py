"""The record that `safecheck deviations new` writes: bound to what it is about, and invalid until people fill it in."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

from safecheck.decisions.deviation_file import SCHEMA, Record
from safecheck.finding import Finding

_HEAD = f"""\
# Deviation records; see `safecheck deviations check`. A record counts for nothing until every field is filled in, its
# status is approved, and somebody other than the requester has approved it.
schema: {SCHEMA}
deviations:
"""
_RECORD = """\
  - id: {id}
    rule: {rule}
    status: draft                 # draft, approved or withdrawn
    scope:
{scope}    rationale: ""                 # why the rule has to be broken here
    risk: ""                      # what happens if the assumption behind it is wrong
    mitigation: ""                # what is done about that, with a link to the evidence
    requested_by: ""
    approved_by: ""               # another person
    approved_on: ""               # 2026-11-30
    expires_on: ""                # the last day it counts
    ticket: ""
    max_count: {count}                  # one finding more, and it counts for none
"""


FIRST = "DEV-1"
_COUNTED = re.compile(r"DEV-([1-9][0-9]{0,8})\Z")


def next_id(recorded: Iterable[Record]) -> str:
    """The first id after those of the records, counting as `DEV-1` does."""
    taken = [int(found[1]) for record in recorded if (found := _COUNTED.match(record.id))]
    return f"DEV-{max(taken, default=0) + 1}"


def new_file(record: str) -> str:
    """A file with one record."""
    return _HEAD + record


def appended(text: str, record: str) -> str:
    """A file of records with one more at the end, in its line ends and its indentation."""
    items = re.findall(r"^( *)- +id *:", text, re.MULTILINE)
    record = textwrap.indent(textwrap.dedent(record), items[-1] if items else "  ")
    end = "\r\n" if "\r\n" in text else "\n"
    whole = text if not text or text.endswith("\n") else text + end
    return whole + record.replace("\n", end)


def stub(name: str, rule: str, model_sha256: str, findings: Sequence[Finding], by_fingerprint: bool) -> str:
    """One record, bound to fingerprints, or to the bytes of the model and so to all its findings."""
    if by_fingerprint:
        scope = (
            "      fingerprints:             # survive a re-export; add model: SHA-256 to bind it to one file as well\n"
        )
        scope += "".join(f'        - "{finding.fingerprint}"\n' for finding in findings)
    else:
        scope = f'      model: "{model_sha256}"\n'
    return _RECORD.format(id=name, rule=rule, scope=scope, count=len(findings))
