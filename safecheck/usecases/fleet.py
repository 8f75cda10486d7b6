"""Many models under several targets as one table: what stops how many, what a change of target breaks, what changed.

It is made from the results of audits, one JSON report a line (`audit --output jsonl`), and reads one line at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from safecheck.errors import UsageError, worst
from safecheck.strict.content import UnreadableError, content, open_regular
from safecheck.strict.json import parsed
from safecheck.text import printable

SCHEMA = "safecheck/fleet/1"
_LONGEST = 256 << 20
"""Bytes of one line; a report on a network of a hundred thousand forbidden nodes has less."""
_LARGEST = 1 << 30
"""Bytes of an earlier report: about two million rows."""
_FREE = ("compliant", "compliant-with-deviations")


class Row(NamedTuple):
    """One model under one target."""

    model: str
    sha256: str
    """Empty if the model could not be read."""
    target: str
    """Id of the profile."""
    verdict: str
    exit_code: int
    nodes: int
    allowed: int
    forbidden: int
    unproven: int
    deviated: int
    findings: int
    """That no deviation covers."""
    remedied: int
    """Findings among them for which a rule names a rewrite of `fix`; whether its proof holds, `fix` says."""
    rules: tuple[str, ...]
    """Rules of these findings, sorted."""
    error: str
    """Code of the error of a model that could not be read."""

    @property
    def fix_may_free(self) -> bool:
        """Whether there is a rewrite for everything that stops the model."""
        return self.findings > 0 and self.findings == self.remedied


class Stop(NamedTuple):
    """A rule, and the models of a target that it stops."""

    target: str
    rule: str
    models: int
    only: int
    """Models that nothing but this rule stops."""
    remedied: int
    """Models among these `models` in which there is a rewrite for everything that stops them."""


class Change(NamedTuple):
    """A model whose verdict is another one, under another target or than it was."""

    model: str
    before: str
    """Target, or verdict."""
    after: str


@dataclass(frozen=True, slots=True)
class Fleet:
    """All models of a fleet."""

    rows: tuple[Row, ...]
    """By model, then by target in the order of the results."""
    targets: tuple[str, ...]
    since: tuple[Row, ...] | None = None
    """The rows of an earlier report; None if there is none to compare with."""

    @property
    def exit_code(self) -> int:
        """The worst of all models."""
        return worst({row.exit_code for row in self.rows})

    @property
    def models(self) -> int:
        """Different models."""
        return len({row.model for row in self.rows})

    def counts(self) -> dict[str, dict[str, int]]:
        """Target -> verdict -> models."""
        found: dict[str, dict[str, int]] = {target: {} for target in self.targets}
        for row in self.rows:
            count = found[row.target]
            count[row.verdict] = count.get(row.verdict, 0) + 1
        return found

    def may_be_freed(self, target: str) -> int:
        """Models with a rewrite for everything that stops them."""
        return sum(row.target == target and row.fix_may_free for row in self.rows)

    def stops(self) -> list[Stop]:
        """The rules by target; those that stop most models first."""
        found: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            for rule in row.rules:
                found.setdefault((row.target, rule), []).append(row)
        order = {target: number for number, target in enumerate(self.targets)}
        stops = [
            Stop(
                target, rule, len(rows), sum(len(row.rules) == 1 for row in rows), sum(row.fix_may_free for row in rows)
            )
            for (target, rule), rows in found.items()
        ]
        return sorted(stops, key=lambda stop: (order[stop.target], -stop.models, stop.rule))

    def broken(self) -> list[Change]:
        """Models that pass under one target and not under another: what the change from the one to the other breaks."""
        by_model: dict[str, list[Row]] = {}
        for row in self.rows:
            by_model.setdefault(row.model, []).append(row)
        return [
            Change(model, one.target, other.target)
            for model, rows in by_model.items()
            for one in rows
            for other in rows
            if one.verdict in _FREE and other.verdict not in _FREE
        ]

    def changed(self) -> list[tuple[str, Change]]:
        """Target, and what is another verdict than in the earlier report; a model that was not there has none."""
        before = {(row.model, row.target): row.verdict for row in self.since or ()}
        after = {(row.model, row.target): row.verdict for row in self.rows}
        return [
            (target, Change(model, before.get((model, target), "not there"), after.get((model, target), "not there")))
            for model, target in sorted(before.keys() | after.keys())
            if self.since is not None and before.get((model, target)) != after.get((model, target))
        ]


def fleet_of(paths: Sequence[str], since: str | None = None) -> Fleet:
    """The fleet that these results are about; of two results on one model under one target the later one counts.

    Raises:
        UsageError: a file cannot be read, or holds something else.
    """
    found: dict[tuple[str, str], Row] = {}
    for path in paths:
        for row in _rows(path):
            found[row.model, row.target] = row
    targets = tuple(dict.fromkeys(target for _, target in found))
    order = {target: number for number, target in enumerate(targets)}
    rows = tuple(sorted(found.values(), key=lambda row: (row.model, order[row.target])))
    return Fleet(rows, targets, None if since is None else _earlier(since))


def _rows(path: str) -> Iterator[Row]:
    try:
        with open_regular(path) as file:
            number = 0
            while line := file.readline(_LONGEST):
                number += 1
                yield _row(f"{path}:{number}", line)
    except UnreadableError as error:
        _refuse(path, str(error))
    except OSError as error:
        _refuse(path, error.strerror or "cannot be read")


def _row(where: str, line: bytes) -> Row:
    try:
        report = parsed(line)
        if report["schema"] == "safecheck/report/1":
            return _row_of(report)
    except (UnreadableError, AttributeError, KeyError, TypeError, ValueError):
        pass
    _refuse(where, "this line is no JSON report of an audit")


def _row_of(report: Mapping[str, Any]) -> Row:
    counts = report["coverage"]
    open_ = [finding for finding in report["findings"] if finding["deviation"] is None]
    return Row(
        model=str(report["model"]["path"]),
        sha256=str(report["model"].get("sha256", "")),
        target=str(report["profile"]["id"]),
        verdict=str(report["verdict"]),
        exit_code=int(report["exit_code"]),
        nodes=int(counts["total"]),
        allowed=int(counts["allowed"]),
        forbidden=int(counts["forbidden"]),
        unproven=int(counts["unproven"]),
        deviated=int(counts["deviated"]),
        findings=len(open_),
        remedied=sum(bool(finding["remedies"]) for finding in open_),
        rules=tuple(sorted({str(finding["rule"]) for finding in open_})),
        error="" if report["error"] is None else str(report["error"]["code"]),
    )


def _earlier(path: str) -> tuple[Row, ...]:
    todo = "give what safecheck fleet --output json=FILE has written"
    try:
        found = parsed(content(path, _LARGEST, f"{_LARGEST >> 20} MiB"))
        if found["schema"] != SCHEMA:
            raise ValueError(found["schema"])
        return tuple(map(row_from_json, found["rows"]))
    except UnreadableError as error:
        _refuse(path, str(error), todo)
    except (KeyError, TypeError, ValueError):
        _refuse(path, "this is no fleet report", todo)


def row_from_json(found: Mapping[str, Any]) -> Row:
    """The row that `Row._asdict` described."""
    values = {name: found[name] for name in Row._fields}
    return Row(**{**values, "rules": tuple(values["rules"])})


def _refuse(where: str, what: str, todo: str = "give what safecheck audit --output jsonl=FILE has written") -> NoReturn:
    raise UsageError("SC-FLEET-READ", printable(where), what, todo)
