"""Replace what the profile does not allow: match, weigh, prove, apply, one site after the other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from safecheck.finding import Verdict
from safecheck.ir.excerpt import Diagram, diagram_of
from safecheck.ir.signature import Tensor
from safecheck.rewrite.graph import Bench, Node
from safecheck.rewrite.proof.local import Proof, UnprovedError, prove
from safecheck.rewrite.rule import Option, Rewrite, Site
from safecheck.rewrite.rules import REWRITES
from safecheck.rewrite.verdicts import Ledger, Weight
from safecheck.text import printable

_MAX_ROUNDS = 4
_DRAWN = 14


@dataclass(frozen=True)
class Step:
    """One rewrite that was applied, or why it was not."""

    name: str
    remedies: tuple[str, ...]
    nodes: tuple[str, ...]
    """Names of the nodes it is about; of unnamed nodes their first output."""
    applied: bool
    reason: str
    """Why it was refused; empty if it was applied."""
    before: str
    after: str
    """The site before and after, in words."""
    proof: Proof | None
    pictures: tuple[Diagram, Diagram] | None = None
    """Before and after, of what was applied."""


def mend(
    bench: Bench,
    ledger: Ledger,
    chosen: Collection[str] | None = None,
    ignored: Collection[str] = (),
    proving: bool = True,
    finite_only: bool = True,
) -> list[Step]:
    """Try every rewrite on every node that is not allowed, until nothing changes any more.

    A replacement is taken if it has fewer forbidden nodes than what it replaces, or as many and fewer unproven ones,
    and if its proof holds. Without `proving` no proof is run: what comes out is a plan, not a model to trust.
    Without `finite_only` every replacement has to hold for infinities and NaN as well.
    """
    rewrites = [
        rewrite for rewrite in REWRITES if (not chosen or rewrite.name in chosen) and rewrite.name not in ignored
    ]
    steps: list[Step] = []
    refused: dict[tuple[str, str], Step] = {}
    tried = _Tried(bench)
    how = _How(proving, finite_only)
    for _ in range(_MAX_ROUNDS):
        changed = False
        for rewrite in rewrites:
            for step in _sweep(bench, ledger, rewrite, refused, tried, how):
                steps.append(step)
                changed = True
        if not changed:
            break
    left = {name_of(node) for node in bench.nodes}
    return steps + [step for (_, name), step in refused.items() if name in left]


class _How(NamedTuple):
    """What a replacement has to live up to."""

    proving: bool
    finite_only: bool


_Place = tuple[str, frozenset[Node], frozenset[Node]]
"""Name of a rewrite, the nodes of its site, the nodes around them."""


class _Tried:
    """Sites that were refused: nobody asks again before one of their nodes, or of their neighbours, is another."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._steps: dict[_Place, Step] = {}

    def get(self, rewrite: Rewrite, site: Site) -> Step | None:
        return self._steps.get(self._key(rewrite, site))

    def add(self, rewrite: Rewrite, site: Site, step: Step) -> None:
        self._steps[self._key(rewrite, site)] = step

    def _neighbours(self, site: Site) -> list[Node]:
        """The nodes that a site reads from or hands to."""
        makers = [self._bench.producer(name) for node in site.nodes for name in node.input if name]
        readers = [reader for node in site.nodes for name in node.output for reader in self._bench.consumers(name)]
        return [*(maker for maker in makers if maker is not None), *readers]

    def _key(self, rewrite: Rewrite, site: Site) -> _Place:
        return rewrite.name, frozenset(site.nodes), frozenset(self._neighbours(site))


def _sweep(
    bench: Bench, ledger: Ledger, rewrite: Rewrite, refused: dict[tuple[str, str], Step], tried: _Tried, how: _How
) -> Iterator[Step]:
    """Apply one rewrite wherever it helps; yields what was applied and notes what was not."""
    for node in list(bench.nodes):
        if not bench.holds(node) or not ledger.in_question(node):
            continue
        site = rewrite.match(bench, node)
        if site is None:
            continue
        before = tried.get(rewrite, site)
        step = _settle(bench, ledger, rewrite, site, how) if before is None else replace(before, nodes=_names(site))
        if not step.applied:
            tried.add(rewrite, site, step)
        key = (rewrite.name, name_of(node))
        if step.applied:
            refused.pop(key, None)
            yield step
        else:
            refused[key] = step


def _settle(bench: Bench, ledger: Ledger, rewrite: Rewrite, site: Site, how: _How) -> Step:
    """Take the option that makes the network lightest, if its proof holds; options end different nodes."""
    step = Step(
        rewrite.name,
        rewrite.remedies,
        _names(site),
        applied=False,
        reason=site.reason,
        before=words(site.nodes),
        after="",
        proof=None,
    )
    weighed = weigh_options(bench, ledger, site, how.finite_only)
    reasons = [site.reason] if site.reason else []
    for excess, option, dying, judgements, types in weighed:
        if excess >= (0, 0):
            reasons.append(_too_heavy(ledger.weigh(dying), judgements, option))
            break
        try:
            proof = prove(bench, option.replacement, option.claim) if how.proving else None
        except UnprovedError as failure:
            reasons.append(f"the proof failed: {failure}")
            continue
        before, old = words(dying), _picture(bench, ledger, dying)
        new = bench.apply(option.replacement, types)
        ledger.record(new, judgements)
        after = site.after or words(new) or "nothing: the value is there already"
        pictures = (old, _picture(bench, ledger, new))
        return replace(step, applied=True, reason="", before=before, after=after, proof=proof, pictures=pictures)
    return replace(step, reason="; ".join(dict.fromkeys(reasons)))


class Weighed(NamedTuple):
    """One option of a site, held against the profile."""

    excess: tuple[int, int]
    """Forbidden and unproven nodes more than today; negative if the network gets lighter."""
    option: Option
    dying: list[Node]
    """Nodes that nobody needs any more."""
    judgements: list[Any]
    types: dict[str, Tensor]


def weigh_options(bench: Bench, ledger: Ledger, site: Site, finite_only: bool) -> list[Weighed]:
    """The options that can be applied, those that make the network lightest first."""
    found = []
    for position, option in enumerate(site.options):
        if option.claim.finite_only and not finite_only:
            continue
        if any(bench.is_interface(name, source) for name, source in option.replacement.aliases.items()):
            continue
        weight, judgements, types = ledger.weigh_new(option.replacement)
        dying = list(bench.dying(option.replacement))
        excess = weight.over(ledger.weigh(dying))
        quality = (excess, option.claim.finite_only, len(option.replacement.nodes) - len(dying), position)
        found.append((quality, Weighed(excess, option, dying, judgements, types)))
    return [weighed for _, weighed in sorted(found, key=lambda entry: entry[0])]


def _picture(bench: Bench, ledger: Ledger, nodes: Sequence[Node]) -> Diagram:
    """Nodes of the bench with their verdicts, as far as a picture has room."""
    return diagram_of(nodes, _DRAWN, bench.tensor, lambda node: str(ledger.verdict(node)))


def _names(site: Site) -> tuple[str, ...]:
    return tuple(name_of(node) for node in site.nodes)


def _too_heavy(before: Weight, judgements: list[Any], option: Option) -> str:
    rules = [
        f"{printable(node.op_type, 40)} ({charge.rule.id})"
        for node, judged in zip(option.replacement.nodes, judgements, strict=True)
        for charge in judged.charges[:1]
        if judged.verdict is not Verdict.ALLOWED
    ]
    named = ", ".join(dict.fromkeys(rules))
    count = sum(judged.verdict is not Verdict.ALLOWED for judged in judgements)
    return (
        f"the profile likes the replacement no better: {count} of its nodes are not allowed against "
        f"{before.total} today: {named}"
    )


def name_of(node: Any) -> str:
    """What a report calls a node."""
    return str(node.name) or str(next((name for name in node.output if name), ""))


def words(nodes: Any) -> str:
    """Operators in order, repeated ones counted: `Reshape, Transpose, 3 x Conv`."""
    names: list[tuple[str, int]] = []
    for node in nodes:
        if names and names[-1][0] == node.op_type:
            names[-1] = (node.op_type, names[-1][1] + 1)
        else:
            names.append((node.op_type, 1))
    return ", ".join(printable(name, 40) if count == 1 else f"{count} x {printable(name, 40)}" for name, count in names)
