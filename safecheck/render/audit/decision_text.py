"""The table of what decides, and the command to type next: the first and the last screen of a failing audit."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from itertools import compress

from safecheck.audit.decision import Row, asked, decision
from safecheck.audit.plan import Plan
from safecheck.audit.report import Report
from safecheck.cost.price import ratio
from safecheck.finding import ModelVerdict, Verdict
from safecheck.render import amounts
from safecheck.render.line import STYLE, Line
from safecheck.rulebook.default import DEFAULT
from safecheck.text import printable

SCREEN = 10
"""Lines at 80 columns that hold the verdict, what decides it, and the next command."""
_WIDTH = 80
_WHAT = 34
_FEWEST = 2
"""Rows that are shown at least, however long the next command is."""


def answer(report: Report) -> Iterator[Line]:
    """Why, how much, and what now: the table, what `fix` would leave, the next command; nothing if nothing is open.

    With the verdict above it, it takes at most `SCREEN` lines of a terminal.
    """
    rows = decision(report)
    below = [*after(report), *next_line(report, rows)]
    verdict = f"{report.verdict}  {report.path}"
    taken = sum(-(-len(text) // _WIDTH) for text in (verdict, *(line.text for line in below)))
    yield from _table(rows, max(_FEWEST, SCREEN - taken - 1))
    yield from below


def _table(rows: Sequence[Row], most: int) -> Iterator[Line]:
    """What stops a model, in at most `most` lines below a head; what has no row of its own is named in the last."""
    if not rows:
        return
    shown = rows if len(rows) <= most else rows[: most - 1]
    wide = min(_WHAT, max([len("what stops it"), *(len(row.what) for row in shown)]))
    yield Line(f"  {'what stops it':<{wide}}  places  fix removes  left  rule", "strong")
    for row in shown:
        yield _row(row, wide)
    if rest := rows[len(shown) :]:
        yield _others(rest)


def _row(row: Row, wide: int) -> Line:
    name = row.what if len(row.what) <= wide else row.what[: wide - 1] + "…"
    text = f"  {name:<{wide}}  {row.places:>6}  {row.removed:>11}  {row.left:>4}  "
    room, rule = _WIDTH - len(text), row.rules[0]
    return Line(
        (text + (rule if len(rule) <= room else rule[: room - 1] + "…")).rstrip(),
        STYLE[row.verdict] if row.left else "",
    )


def _others(rest: Sequence[Row]) -> Line:
    """`and 12 Gelu, 12 Softmax, 35 computed constants: 0 left`, as many by name as fit into a line."""
    left = sum(row.left for row in rest)
    for named in range(len(rest), -1, -1):
        words = [f"{row.places} {row.what}" for row in rest[:named]]
        if hidden := rest[named:]:
            words.append("1 more kind" if len(hidden) == 1 else f"{len(hidden)} more kinds")
        text = f"  and {', '.join(words)}: {left} left"
        if len(text) <= _WIDTH:
            break
    return Line(text, "open" if left else "quiet")


def after(report: Report) -> Iterator[Line]:
    """What `fix` would make of the model, where that was planned."""
    plan = report.plan
    if plan is None:
        return
    style = "open" if plan.verdict is None else STYLE[plan.verdict]
    yield Line(f"  after `safecheck fix`: {_outcome(plan)}", style)


def _outcome(plan: Plan) -> str:
    """`0 forbidden, 0 unproven (price x5.2: 4.5 -> 12 G MACs, 110 -> 2300 MB)`."""
    if plan.problem:
        return f"not known, {printable(plan.problem, 400)}"
    price = "price unknown"
    if plan.before is not None and plan.after is not None:
        times = ratio(plan.after, plan.before)
        shown = f"{times:.1f}" if times < 10 else f"{times:.0f}"
        price = f"price x{shown}: {amounts.prices(plan.before, plan.after)}"
    return f"{plan.forbidden} forbidden, {plan.unproven} unproven ({price})"


def next_line(report: Report, rows: Sequence[Row]) -> Iterator[Line]:
    """The command to type next; nothing where the model passes."""
    command = next_command(report, rows)
    if command:
        yield Line(f"  next      {command}", "strong")


def next_command(report: Report, rows: Sequence[Row]) -> str:
    """What brings the model further, as it can be pasted; empty where it passes or could not be read."""
    if report.error is not None or report.exit_code == 0 or not rows:
        return ""
    path, plan = _quoted(report.path), report.plan
    by = "" if report.profile.name == DEFAULT else f" --profile {_quoted(_named(report))}"
    if any(row.removed for row in rows) and (plan is None or _helps(plan, report)):
        options = "".join(compress((" --batch 1", " --io 4d"), asked(rows)))
        stem = os.path.splitext(report.path)[0] if report.path != "-" else "model"
        return f"safecheck fix {path} -o {_quoted(f'{stem}.fixed.onnx')}{options}{by}"
    if report.verdict is ModelVerdict.INCONCLUSIVE and all(row.verdict is Verdict.UNPROVEN for row in rows):
        return f"safecheck probe {path} -o measured.yaml{by}"
    return f"safecheck rules show {rows[0].rules[0]}{by}"


def _helps(plan: Plan, report: Report) -> bool:
    """Whether rewriting leaves less that is not allowed than there is."""
    counts = report.coverage
    today = counts[Verdict.FORBIDDEN], counts[Verdict.UNPROVEN]
    return not plan.problem and (plan.forbidden, plan.unproven) < today


def _named(report: Report) -> str:
    """What `--profile` was given: a profile of one's own is a file."""
    return report.profile.files[0] if report.profile.files else report.profile.name


def _quoted(path: str) -> str:
    """A path as a shell takes it; one that cannot be shown is for the reader to fill in."""
    if path == "-" or printable(path, len(path) + 1) != path:
        return "MODEL"
    return shlex.quote(path if not path.startswith("-") else f"./{path}")
