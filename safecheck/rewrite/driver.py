"""Replace what the profile does not allow: match, weigh, prove, apply, one site after the other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NamedTuple

from safecheck.finding import Verdict
from safecheck.ir.excerpt import Diagram, diagram_of
from safecheck.rewrite.finite import doubts, look_again, look_ahead
from safecheck.rewrite.graph import MutableGraph, Node
from safecheck.rewrite.prices import UNPRICED, Prices, Purse
from safecheck.rewrite.proof.local import Proof, prove
from safecheck.rewrite.proof.site import UnprovedError
from safecheck.rewrite.rule import Candidate, Match, Rewrite, matched
from safecheck.rewrite.rules import REWRITES
from safecheck.rewrite.verdicts import Offer, Verdicts, Weight
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
    prices: Prices = UNPRICED
    """Of the site, before and after; after a refusal of the offer that was too dear."""
    too_dear: bool = False
    """Whether the purse did not pay for it."""
    anchor: str = ""
    """The node from which the rewrite started."""


def rewrite_all(
    graph: MutableGraph,
    verdicts: Verdicts,
    chosen: Collection[str] | None = None,
    ignored: Collection[str] = (),
    proving: bool = True,
    purse: Purse | None = None,
    denied: Denied | None = None,
    most: int | None = None,
) -> list[Step]:
    """Try every rewrite on every node that is not allowed, until nothing changes any more or `most` were applied.

    A replacement is taken if it has fewer forbidden nodes than what it replaces, or as many and fewer unproven ones,
    and if its proof holds. Without `proving` no proof is run: what comes out is a plan, not a model to trust.
    What a `purse` cannot pay for is left out. `denied` are rewrites that are not done at a node, with the reason.
    """
    rewrites = [
        rewrite for rewrite in REWRITES if (not chosen or rewrite.name in chosen) and rewrite.name not in ignored
    ]
    steps: list[Step] = []
    refused: dict[tuple[str, str], Step] = {}
    tried = _Tried(graph)
    how = _How(proving, purse, denied or {})
    look_ahead(graph)
    looked = rounds = 0
    while rounds < _MAX_ROUNDS:
        rounds += 1
        changed = False
        for rewrite in rewrites:
            sweep = _sweep(graph, verdicts, rewrite, refused, tried, how)
            for step in islice(sweep, None if most is None else most - len(steps)):
                steps.append(step)
                changed = True
        if changed:
            continue
        # What saturates on a range is never infinite, and a site far behind may have been refused for that; once it is
        # done, one behind it again.
        ranged = sum(step.proof is not None and bool(step.proof.ranges) for step in steps)
        if ranged == looked:
            break
        looked, rounds, tried = ranged, 0, _Tried(graph)
        look_again(graph)
    left = {name_of(node) for node in graph.nodes}
    return steps + [step for (_, name), step in refused.items() if name in left]


EVERYWHERE = "*"
Denied = Mapping[tuple[str, str], str]
"""Name of a rewrite and of the node it starts from, or EVERYWHERE -> why it is not done there."""


class _How(NamedTuple):
    """What a replacement has to live up to."""

    proving: bool
    purse: Purse | None
    denied: Denied


_Place = tuple[str, frozenset[Node], frozenset[Node]]
"""Name of a rewrite, the nodes of its site, the nodes around them."""


class _Tried:
    """Sites that were refused: nobody asks again before one of their nodes, or of their neighbours, is another."""

    def __init__(self, graph: MutableGraph) -> None:
        self._graph = graph
        self._steps: dict[_Place, Step] = {}

    def get(self, rewrite: Rewrite, match: Match) -> Step | None:
        return self._steps.get(self._key(rewrite, match))

    def add(self, rewrite: Rewrite, match: Match, step: Step) -> None:
        self._steps[self._key(rewrite, match)] = step

    def _neighbours(self, match: Match) -> list[Node]:
        """The nodes that a site reads from or hands to."""
        makers = [self._graph.producer(name) for node in match.nodes for name in node.input if name]
        readers = [reader for node in match.nodes for name in node.output for reader in self._graph.consumers(name)]
        return [*(maker for maker in makers if maker is not None), *readers]

    def _key(self, rewrite: Rewrite, match: Match) -> _Place:
        return rewrite.name, frozenset(match.nodes), frozenset(self._neighbours(match))


def _sweep(
    graph: MutableGraph,
    verdicts: Verdicts,
    rewrite: Rewrite,
    refused: dict[tuple[str, str], Step],
    tried: _Tried,
    how: _How,
) -> Iterator[Step]:
    """Apply one rewrite wherever it helps; yields what was applied and notes what was not."""
    for node in verdicts.questions():
        if not graph.holds(node):
            continue
        match = matched(rewrite, graph, node)
        if match is None:
            continue
        key = (rewrite.name, name_of(node))
        if reason := how.denied.get(key) or how.denied.get((rewrite.name, EVERYWHERE)):
            match = Match(match.nodes, reason=reason)
        before = tried.get(rewrite, match)
        step = _settle(graph, verdicts, rewrite, match, how) if before is None else replace(before, nodes=_names(match))
        step = replace(step, anchor=key[1])
        if not step.applied and not step.too_dear:  # what costs too much now may not later
            tried.add(rewrite, match, step)
        if step.applied:
            refused.pop(key, None)
            yield step
        else:
            refused[key] = step


def _settle(graph: MutableGraph, verdicts: Verdicts, rewrite: Rewrite, match: Match, how: _How) -> Step:
    """Take the candidate that makes the network lightest, if its proof holds; candidates end different nodes."""
    step = Step(
        rewrite.name,
        rewrite.remedies,
        _names(match),
        applied=False,
        reason=match.reason,
        before=words(match.nodes),
        after="",
        proof=None,
    )
    weighed = weigh_candidates(graph, verdicts, match)
    reasons = [match.reason] if match.reason else []
    for excess, candidate, dying, offer, prices in weighed:
        if excess >= (0, 0):
            reasons.append(_too_heavy(verdicts.weigh(dying), offer.judgements, candidate))
            break
        if how.purse is not None and (refusal := how.purse.refuses(prices)):
            reasons.append(refusal)
            step = replace(step, too_dear=True, prices=step.prices if step.too_dear else prices)
            continue
        odd = doubts(graph, candidate.replacement) if candidate.claim.finite_only else []
        if odd and not how.proving:
            reasons.append(odd[0].words(graph))
            continue
        try:
            proof = prove(graph, candidate.replacement, candidate.claim, odd) if how.proving else None
        except UnprovedError as failure:
            reasons.append(f"the proof failed: {failure}" + (f"; {odd[0].words(graph)}" if odd else ""))
            continue
        before, old = words(dying), _picture(graph, verdicts, dying)
        new = graph.apply(candidate.replacement, offer.types)
        verdicts.record(new, offer.forms)
        if how.purse is not None:
            how.purse.pay(prices)
        after = match.after or words(new) or "nothing: the value is there already"
        pictures = (old, _picture(graph, verdicts, new))
        return replace(
            step, applied=True, reason="", before=before, after=after, proof=proof, pictures=pictures,
            prices=prices, too_dear=False,
        )  # fmt: skip
    return replace(step, reason="; ".join(dict.fromkeys(reasons)))


class Weighed(NamedTuple):
    """One candidate of a match, held against the profile."""

    excess: tuple[int, int]
    """Forbidden and unproven nodes more than today; negative if the network gets lighter."""
    candidate: Candidate
    dying: list[Node]
    """Nodes that nobody needs any more, in order."""
    offer: Offer
    prices: Prices
    """Of the site today and then."""


def weigh_candidates(graph: MutableGraph, verdicts: Verdicts, match: Match) -> list[Weighed]:
    """The candidates that can be applied, those that make the network lightest first.

    Of equally light ones those that hold for all values come before those that hold for finite ones, then the cheaper
    (`cost.price`; without a price after those with one), then those of fewer nodes, then the one offered first.
    """
    found = []
    for position, candidate in enumerate(match.candidates):
        if any(graph.is_interface(name, source) for name, source in candidate.replacement.aliases.items()):
            continue
        new = candidate.replacement
        offer = verdicts.weigh_new(new)
        dying = graph.in_order(graph.dying(new))
        excess = offer.weight.over(verdicts.weigh(dying))
        prices = Prices(verdicts.price(dying, (*new.outputs, *new.aliases)), offer.price)
        quality = (excess, candidate.claim.finite_only, prices.rank, len(new.nodes) - len(dying), position)
        found.append((quality, Weighed(excess, candidate, dying, offer, prices)))
    return [weighed for _, weighed in sorted(found, key=lambda entry: entry[0])]


def _picture(graph: MutableGraph, verdicts: Verdicts, nodes: Sequence[Node]) -> Diagram:
    """Nodes of the graph with their verdicts, as far as a picture has room."""
    return diagram_of(nodes, _DRAWN, graph.tensor, lambda node: str(verdicts.verdict(node)))


def _names(match: Match) -> tuple[str, ...]:
    return tuple(name_of(node) for node in match.nodes)


def _too_heavy(before: Weight, judgements: list[Any], candidate: Candidate) -> str:
    rules = [
        f"{printable(node.op_type, 40)} ({charge.rule.id})"
        for node, judged in zip(candidate.replacement.nodes, judgements, strict=True)
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
