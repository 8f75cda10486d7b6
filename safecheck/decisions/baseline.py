"""The baseline: findings that a repository had when it adopted the audit. It only shrinks, and it excuses no verdict.

The file is JSON, sorted and without a time, so that it can be reviewed and merged. It names models by their path
relative to itself. It is no record of an approval: that is a deviation.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from safecheck.decisions.files import read
from safecheck.errors import UsageError
from safecheck.finding import Finding, Verdict
from safecheck.strict.yaml import Entry
from safecheck.text import printable
from safecheck.values import dataclass, replace

SCHEMA = "safecheck/baseline/1"
MAX_BYTES = 16 << 20
_OPEN = (Verdict.FORBIDDEN, Verdict.UNPROVEN)


@dataclass(frozen=True, slots=True)
class Known:
    """One finding that the baseline knows."""

    rule: str
    verdict: Verdict
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Debt:
    """What the baseline knows about one model."""

    profile: str
    """Name of the profile that the findings were made with."""
    known: tuple[Known, ...]


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline as read."""

    path: str
    sha256: str
    models: Mapping[str, Debt]
    """Path of a model relative to the folder of the baseline -> its debt."""

    def debt_of(self, model: str) -> Debt | None:
        """The debt of a model named as on the command line; None if the baseline does not know it."""
        return None if model == "-" else self.models.get(_key(self.path, model))


def load(path: str) -> Baseline:
    """Read a baseline.

    Raises:
        UsageError: the file is missing, or not as `text` writes it.
    """
    models, sha256 = read(path, "BASE", _models, MAX_BYTES)
    return Baseline(path, sha256, models)


def _models(root: Entry) -> dict[str, Debt]:
    keys = root.mapping(required=("schema", "models"))
    keys["schema"].choice([SCHEMA])
    return {name: _debt(entry) for name, entry in keys["models"].items().items()}


def _debt(entry: Entry) -> Debt:
    keys = entry.mapping(required=("profile",), optional=tuple(map(str, _OPEN)))
    known = [
        Known(rule, verdict, fingerprint.text())
        for verdict in _OPEN
        if verdict in keys
        for rule, listed in keys[verdict].items().items()
        for fingerprint in listed.sequence()
    ]
    return Debt(keys["profile"].text(), tuple(known))


def text(models: Mapping[str, Debt]) -> str:
    """The content of a baseline; the same debts give the same bytes."""
    found = {"schema": SCHEMA, "models": {name: _plain(models[name]) for name in sorted(models)}}
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def _plain(debt: Debt) -> dict[str, Any]:
    found: dict[str, Any] = {"profile": debt.profile}
    for known in sorted(debt.known, key=lambda known: (_OPEN.index(known.verdict), known.rule, known.fingerprint)):
        found.setdefault(str(known.verdict), {}).setdefault(known.rule, []).append(known.fingerprint)
    return found


def key_of(baseline: str, model: str) -> str:
    """The name of a model in a baseline: its path relative to the baseline's folder, with forward slashes.

    Raises:
        UsageError: the path holds characters that would not survive the file.
    """
    key = _key(baseline, model)
    if not key.isprintable() or "\\" in key:
        what = "a baseline names models by paths of printable characters"
        raise UsageError("SC-BASE-NAME", printable(model), what, "rename the file")
    return key


def _key(baseline: str, model: str) -> str:
    return os.path.relpath(model, os.path.dirname(baseline) or os.curdir).replace(os.sep, "/")


def path_of(baseline: str, key: str) -> str:
    """Where a model of a baseline lies."""
    return os.path.normpath(os.path.join(os.path.dirname(baseline), key))


def debt_from(findings: Iterable[Finding], profile: str, mandatory: frozenset[str]) -> Debt:
    """The findings as debt; those of mandatory rules never are."""
    known = (Known(found.rule, found.verdict, found.fingerprint) for found in findings if found.rule not in mandatory)
    return Debt(profile, tuple(known))


def excused(debt: Debt, findings: Iterable[Finding], mandatory: frozenset[str]) -> frozenset[str]:
    """Fingerprints of findings that the debt already knows, by rule and fingerprint.

    One that was unproven does not excuse a refusal.
    """
    severities = _severities(debt)
    return frozenset(
        finding.fingerprint
        for finding in findings
        if finding.rule not in mandatory
        and severities.get((finding.rule, finding.fingerprint), 0) >= finding.verdict.severity
    )


def _severities(debt: Debt) -> dict[tuple[str, str], int]:
    """The verdict by rule and fingerprint; of a fingerprint that is listed twice, the milder one."""
    found: dict[tuple[str, str], int] = {}
    for known in debt.known:
        key = known.rule, known.fingerprint
        found[key] = min(found.get(key, known.verdict.severity), known.verdict.severity)
    return found


def remaining(debt: Debt, findings: Iterable[Finding], mandatory: frozenset[str]) -> Debt:
    """The debt without what is paid; a refusal that became unproven is kept as unproven."""
    verdicts = {
        (finding.rule, finding.fingerprint): finding.verdict for finding in findings if finding.rule not in mandatory
    }
    known = tuple(
        replace(old, verdict=min(old.verdict, verdicts[key], key=lambda verdict: verdict.severity))
        for old in debt.known
        if (key := (old.rule, old.fingerprint)) in verdicts
    )
    return Debt(debt.profile, known)


def additions(old: Debt | None, new: Debt) -> tuple[Known, ...]:
    """Findings of the new debt that the old one does not excuse."""
    severities = _severities(old) if old is not None else {}
    return tuple(
        known for known in new.known if severities.get((known.rule, known.fingerprint), 0) < known.verdict.severity
    )
