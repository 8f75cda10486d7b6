"""The record that `safecheck deviations new` writes: bound to what it is about, and invalid until people fill it in."""

from __future__ import annotations

from collections.abc import Sequence

from safecheck.decisions.deviation_file import SCHEMA
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


def stub(name: str, rule: str, model_sha256: str, findings: Sequence[Finding], by_fingerprint: bool) -> str:
    """A file with one record, bound to fingerprints, or to the bytes of the model and so to all its findings."""
    if by_fingerprint:
        scope = (
            "      fingerprints:             # survive a re-export; add model: SHA-256 to bind it to one file as well\n"
        )
        scope += "".join(f'        - "{finding.fingerprint}"\n' for finding in findings)
    else:
        scope = f'      model: "{model_sha256}"\n'
    return _HEAD + _RECORD.format(id=name, rule=rule, scope=scope, count=len(findings))
