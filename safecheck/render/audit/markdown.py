"""The job summary: verdicts first, then a section for each model, never more than a forge takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from safecheck.audit.evidence import Sameness
from safecheck.audit.report import Report
from safecheck.finding import ModelVerdict, Verdict
from safecheck.render.audit.problems import LONG, UNDECIDED, Problem, names, problems
from safecheck.render.markdown_text import inert, inert_in_html, link
from safecheck.text import printable

BUDGET = 200 * 1024
"""Bytes; a forge refuses summaries of 1 MiB and more, and several steps share a page."""
PLACES = 10
"""Places shown of each rule."""
_RESERVE = 500
"""Bytes kept for the line that counts what is left out."""


class Block(NamedTuple):
    """A piece that is shown whole or left out whole."""

    text: str
    problems: int = 0
    """Problems that only this piece tells of."""


def document(reports: Sequence[Report]) -> str:
    """At most `BUDGET` bytes of Markdown; what does not fit is counted in the last line."""
    shown = [printable(name, 120) for name in names(reports)]
    return _within_budget(_blocks(reports, shown))


def _within_budget(blocks: Iterable[Block]) -> str:
    text: list[str] = []
    size = left = lost = 0
    for block in blocks:
        # Verdicts follow each other as one list.
        piece = ("\n" if block.text.startswith("- ") else "\n\n") + block.text if text else block.text
        added = len(piece.encode())
        if size + added > BUDGET - _RESERVE:
            left += 1
            lost += block.problems
        else:
            text.append(piece)
            size += added
    if left:
        parts = f"{left} {'part' if left == 1 else 'parts'} of this summary, with {lost} problems"
        text.append(f"\n\n**Left out:** {parts}. All are in `--output json`.")
    return "".join(text) + "\n"


def _blocks(reports: Sequence[Report], shown: Sequence[str]) -> Iterator[Block]:
    counts = Counter(report.verdict for report in reports)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in ModelVerdict if counts[verdict])
    models = f"{len(reports)} {'model' if len(reports) == 1 else 'models'}"
    yield Block(f"# safecheck\n\n{models}: {told or 'inconclusive, nothing was checked'}\n")
    for report, name in zip(reports, shown, strict=True):
        yield Block(f"- {report.verdict.symbol} **{report.verdict}**: {inert(name)}")
    for report, name in zip(reports, shown, strict=True):
        yield from _model(report, name)
    for _, profile in sorted({report.profile.sha256: report.profile for report in reports}.items()):
        lines = [f"- {inert(printable(f'{part.id}: {part.text}', LONG))}" for part in profile.assumptions]
        head = f"Assumptions of {printable(profile.id)}"
        yield Block(_details(head, [*lines, "- No engine was built and no performance is claimed."]))


def _model(report: Report, name: str) -> Iterator[Block]:
    lines = [f"## {report.verdict.symbol} {inert(name)}", ""]
    profile = report.profile
    lines.append(f"- verdict: **{report.verdict}** under {inert(printable(f'{profile.id} {profile.version}'))}")
    if report.model is not None:
        lines.append(f"- model: SHA-256 `{report.model.sha256}`, made by {inert(report.model.producer) or 'unknown'}")
    counts = report.coverage
    parts = [f"{counts[key]} {key}" for key in ("allowed", "forbidden", "unproven", "deviated")]
    lines.append(f"- nodes: {counts['total']} = {' + '.join(parts)}")
    lines += (f"- {line}" for line in _evidence(report))
    found = list(problems(report))
    for problem in found:
        if problem.finding is None:
            lines.append(f"- {'undecided' if problem.rule == UNDECIDED else 'refused'}: {inert(problem.text)}")
    noted = Counter((note.rule.id, note.rule.title) for note in (report.audit.notes if report.audit else ()))
    lines += (
        f"- note, no part of the verdict: `{rule}`, {count} x: {inert(title)}" for (rule, title), count in noted.items()
    )
    yield Block("\n".join(lines))
    groups = _groups(problem for problem in found if problem.finding is not None)
    if groups:
        rows = [
            "| rule | verdict | grade | findings | deviated | known |",
            "|---|---|---|--:|--:|--:|",
            *map(_row, groups),
        ]
        yield Block("\n".join(rows))
    for group in groups:
        yield Block(_group(group), len(group))
    yield from _decisions(report, found)


_SAMENESS = {
    Sameness.SAME: "computes the same",
    Sameness.DIFFERENT: "**computes something else**",
    Sameness.UNDECIDED: "**not decided**",
}


def _evidence(report: Report) -> Iterator[str]:
    confirmation = report.confirmation
    if confirmation is not None:
        by = inert(f"{printable(confirmation.package)} {printable(confirmation.version)}")
        answers = {True: "in scope", False: "**not in scope**", None: "**no answer**"}
        yield f"vendor's scope check: {answers[confirmation.in_scope]}, by {by}"
        if confirmation.parsed is False:
            yield f"vendor's parser: **refuses the model**: {inert(printable(confirmation.reason, 300))}"
        if (found := confirmation.translation) is not None:
            yield f"vendor's network beside the file: {_SAMENESS[found.status]}"
    if report.disagreement:
        yield f"**audit and builder disagree**: {report.disagreement}"
    if report.build is not None:
        for slot, content in report.build.slots():
            yield f"{slot}: {inert(printable(content)) or '**open**'}"
    if (baseline := report.decisions.baseline) is not None:
        debt, paid = len(report.decisions.debt), report.decisions.paid
        yield f"baseline: `{baseline[:16]}`…, {debt} findings known, {paid} entries paid off"


def _groups(found: Iterable[Problem]) -> list[list[Problem]]:
    """Problems by rule: forbidden first, then by number."""
    ordered = sorted(found, key=lambda problem: problem.rule)
    groups = [list(group) for _, group in groupby(ordered, key=lambda problem: problem.rule)]
    return sorted(groups, key=lambda group: (-max(part.verdict.severity for part in group), -len(group), group[0].rule))


def _row(group: list[Problem]) -> str:
    first = group[0]
    finding = first.finding
    grade = "no evidence" if finding is None or finding.grade is None else str(finding.grade)
    deviated = sum(problem.deviation is not None for problem in group)
    known = sum(problem.known for problem in group)
    symbol = "✘" if first.verdict is Verdict.FORBIDDEN else "?"
    cells = (inert(first.rule), f"{symbol} {first.verdict}", grade, str(len(group)), str(deviated), str(known))
    return f"| {' | '.join(cells)} |"


def _group(group: list[Problem]) -> str:
    finding = group[0].finding
    lines = [f"- {inert(problem.text)}" for problem in group[:PLACES]]
    if len(group) > PLACES:
        lines.append(f"- and {len(group) - PLACES} more")
    if group[0].advice:
        lines.append(f"- **{inert(group[0].advice)}**")
    if finding is not None:
        if finding.why:
            lines.append(f"- known: {inert(printable(finding.why, LONG))}")
        for source in finding.sources:
            place = f", {printable(source.at)}" if source.at else ""
            lines.append(f"- source: {link(f'{printable(source.title)}{place}', printable(source.url, LONG))}")
    return _details(f"{group[0].rule}: {group[0].title} ({len(group)})", lines)


def _decisions(report: Report, found: Sequence[Problem]) -> Iterator[Block]:
    records = {problem.deviation.id: problem.deviation for problem in found if problem.deviation is not None}
    lines = [
        f"- {inert(printable(id_))} for {inert(printable(record.rule))}, approved by "
        f"{inert(printable(record.approved_by))} until {record.expires_on}: {inert(printable(record.rationale, LONG))}"
        for id_, record in sorted(records.items())
    ]
    lines += [
        f"- **counts for nothing:** {inert(printable(record.id))} for {inert(printable(record.rule))}: "
        f"{inert(printable(record.reason, LONG))} ({inert(printable(record.place))})"
        for record in report.decisions.invalid
    ]
    if lines:
        yield Block(_details(f"Deviations, as of {report.decisions.as_of}", lines))


def _details(summary: str, lines: Sequence[str]) -> str:
    """A part that opens on a click; a summary is HTML, where Markdown means nothing."""
    body = "\n".join(lines)
    return f"<details><summary>{inert_in_html(summary)}</summary>\n\n{body}\n\n</details>"
