"""What `fix` did, for people: the change of the verdict, every kind of rewrite with its proof, what is left and why."""

from __future__ import annotations

from collections.abc import Iterator

from safecheck.audit.report import Report
from safecheck.finding import Verdict
from safecheck.render.fix import price_text
from safecheck.render.line import STYLE, Line
from safecheck.rewrite.driver import Step
from safecheck.rewrite.proof.difference import Difference
from safecheck.rewrite.proof.whole import Whole
from safecheck.text import printable
from safecheck.usecases.fix import Fixed, Left

_SITES = 4


def document(fixed: Fixed) -> Iterator[Line]:
    """All lines."""
    before, after, written = fixed.before, fixed.after, fixed.written
    yield Line(f"{str(after.verdict).upper()}  {printable(written or before.path)}", STYLE[after.verdict])
    yield Line(f"  profile   {after.profile.id} {after.profile.version}: {after.profile.title}")
    yield Line(f"  before    {before.verdict}: {_counts(before)}")
    yield Line(f"  after     {after.verdict}: {_counts(after)}")
    if not fixed.applied:
        yield Line("  nothing was changed: the file is a copy" if written else "  there is nothing to change")
    groups: dict[tuple[str, str, str, str], list[Step]] = {}
    for step in fixed.applied:
        proof = step.proof.kind if step.proof else ""
        groups.setdefault((step.name, step.before, step.after, proof), []).append(step)
    for group in groups.values():
        yield from _group(group)
    if fixed.whole is not None:
        yield Line("")
        yield from _whole(fixed.whole)
    if fixed.notes:
        yield Line("")
        yield from (Line(f"note: {note}", "open") for note in fixed.notes)
    yield from _too_dear(fixed)
    yield from _left(fixed.left)
    yield Line("")
    yield Line(f"{str(after.verdict).upper()}  {printable(written or before.path)}", STYLE[after.verdict])
    yield Line(price_text.total(fixed))


def _counts(report: Report) -> str:
    audit = report.audit
    if audit is None:
        return "nothing was judged"
    parts = [f"{audit.count(verdict)} {verdict}" for verdict in (Verdict.ALLOWED, Verdict.FORBIDDEN, Verdict.UNPROVEN)]
    return f"{len(audit.nodes)} nodes = {' + '.join(parts)}"


def _group(group: list[Step]) -> Iterator[Line]:
    first = group[0]
    yield Line("")
    places = f"{len(group)} {'place' if len(group) == 1 else 'places'}"
    yield Line(f"{first.name}  ({places})", "strong")
    if first.before:
        yield Line(f"  before    {printable(first.before, 300)}")
    if first.after:
        yield Line(f"  after     {printable(first.after, 300)}")
    names = [printable(name, 80) for step in group for name in step.nodes[:1]]
    if names:
        more = f" and {len(names) - _SITES} more" if len(names) > _SITES else ""
        yield Line(f"  at        {', '.join(names[:_SITES])}{more}", "quiet")
    if price := price_text.of_steps(group):
        yield Line(f"  price     {price}")
    proof = first.proof
    if proof is None:
        return
    yield Line(f"  proof     {proof.kind}, {proof.domain}: {proof.method}")
    if proof.bound:
        yield Line(f"  bound     {proof.bound}")
    ranges = list(dict.fromkeys(str(limits) for step in group if step.proof for limits in step.proof.ranges))
    for limits in ranges[:_SITES]:
        yield Line(f"  range     {limits}")
    if len(ranges) > _SITES:
        yield Line(f"            and {len(ranges) - _SITES} more", "quiet")
    if proof.samples:
        worst = _worst(group)
        yield Line(
            f"  measured  {worst.max_rel:.3g} relative, {worst.max_ulp:.3g} ULP, "
            f"on {proof.samples} samples, seed {proof.seed}"
        )
    if proof.half is not None:
        yield Line(f"  fp16      {proof.half}")
    for caveat in proof.caveats:
        yield Line(f"  caveat    {caveat}")


def _worst(group: list[Step]) -> Difference:
    total = Difference()
    for step in group:
        total = total if step.proof is None else total.worst(step.proof.difference)
    return total


def _whole(whole: Whole) -> Iterator[Line]:
    yield Line("whole model against the original", "strong")
    if not whole.ran:
        yield Line(f"  not compared: {whole.reason}", "open")
        return
    if whole.against:
        yield Line(f"  not compared with the original, but with {whole.against}", "open")
    for kind, one in whole.by_sample:
        if one.same_bits:
            found = "the same bits"
        elif one.same_nonfinite:
            found = (
                f"{one.max_abs:.3g} absolute, {one.max_rel:.3g} relative in the worst channel, {one.max_ulp:.3g} ULP"
            )
        else:
            found = "infinities or NaN in other places"
        yield Line(f"  {kind:<10}{found}")
    if whole.optimised is not None:
        yield Line(f"  optimised {whole.optimised.max_rel:.3g} relative, with onnxruntime {whole.runtime} optimising")


def _too_dear(fixed: Fixed) -> Iterator[Line]:
    """What --max-price left out, and the findings that remain for it."""
    dear = [step for step in fixed.steps if step.too_dear]
    if dear:
        yield Line("")
        yield Line("Left out for its price", "strong")
    for step in dear:
        rules = list(dict.fromkeys(left.finding.rule for left in fixed.leaves(step)))
        at = printable(next(iter(step.nodes), ""), 80)
        price = price_text.of_steps([step])
        yield Line(f"  {step.name} at {at}" + (f": {price}" if price else ""), "open")
        yield Line(f"         leaves {', '.join(rules) or 'nothing: the node is allowed now, or gone'}")


def _left(left: tuple[Left, ...]) -> Iterator[Line]:
    groups: dict[tuple[str, str, str], list[Left]] = {}
    for one in left:
        groups.setdefault((one.finding.rule, one.finding.location.op_type, one.reason), []).append(one)
    if not groups:
        return
    yield Line("")
    yield Line("Left", "strong")
    for (rule, op_type, reason), group in sorted(groups.items(), key=lambda item: -len(item[1])):
        first = group[0].finding
        yield Line(
            f"  {len(group):>4} x {printable(op_type, 60) or 'network'}  {first.verdict}: {rule}", STYLE[first.verdict]
        )
        yield Line(f"         {printable(reason, 600)}")
