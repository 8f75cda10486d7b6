"""What the profile says about every node of a bench, kept up to date while nodes are replaced."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from safecheck.finding import Verdict
from safecheck.ir.graph import graph_of
from safecheck.ir.protos import proto_from_array, standalone, value_info, without_payload
from safecheck.ir.shape_inference.infer import infer
from safecheck.ir.signature import UNKNOWN_TENSOR, Signature, Tensor
from safecheck.ir.signatures import Signatures, signatures
from safecheck.ir.walk import entering
from safecheck.rewrite.graph import Bench
from safecheck.rewrite.replacement import Replacement
from safecheck.rulebook.judge import Judgement, judge
from safecheck.rulebook.profile import Profile

_FOLDED = Judgement(Verdict.ALLOWED, (), (), ())


class Weight(NamedTuple):
    """How far some nodes are from compliance; smaller is better."""

    forbidden: int = 0
    unproven: int = 0

    @property
    def total(self) -> int:
        """Nodes that are not allowed."""
        return self.forbidden + self.unproven

    def over(self, other: Weight) -> tuple[int, int]:
        """How much heavier than another one; negative if lighter, forbidden nodes counting first."""
        return self.forbidden - other.forbidden, self.unproven - other.unproven


class Ledger:
    """Judgements by node."""

    def __init__(self, bench: Bench, profile: Profile) -> None:
        self._bench = bench
        self._profile = profile
        self._can_allow = any(rule.verdict is Verdict.ALLOWED for rule in profile.rules)
        self._memo: dict[Signature, Judgement] = {}
        self.renew()

    def in_question(self, node: Any) -> bool:
        """Whether a rewrite could help: forbidden, or unproven under a profile that allows anything at all."""
        verdict = self.verdict(node)
        return verdict is Verdict.FORBIDDEN or (verdict is Verdict.UNPROVEN and self._can_allow)

    def renew(self) -> None:
        """Judge the whole bench anew; needed after `Bench.refresh`."""
        graph = graph_of(infer(self._bench.model(weights=False)).proto)
        judged = self._judge(signatures(graph, self._profile.folded), set(self._bench.outputs))
        self._judgements = {id(node): judgement for node, judgement in zip(self._bench.nodes, judged, strict=True)}

    def verdict(self, node: Any) -> Verdict:
        """The verdict on a node of the main graph; the graphs it holds are judged by the audit, not here."""
        return self._judgements[id(node)].verdict

    def judgement(self, node: Any) -> Judgement:
        """Everything the profile says about a node."""
        return self._judgements[id(node)]

    def weigh(self, nodes: Iterable[Any]) -> Weight:
        """What nodes of the bench weigh."""
        return _weight(self._judgements[id(node)] for node in nodes)

    def weigh_new(self, replacement: Replacement) -> tuple[Weight, list[Judgement], dict[str, Tensor]]:
        """What the new nodes would weigh, their judgements in order, and the types of the values they make."""
        if not replacement.nodes:
            return Weight(), [], {}
        graph = graph_of(infer(self._alone(replacement)).proto)
        found = signatures(graph, self._profile.folded)
        judged = self._judge(found, set(self._bench.outputs))
        scope = graph.scopes[0]
        types = {name: found.lookup(scope, name) for node in replacement.nodes for name in node.output if name}
        return _weight(judged), judged, types

    def record(self, nodes: Sequence[Any], judgements: Sequence[Judgement]) -> None:
        """Remember the judgements of nodes that are now on the bench."""
        self._judgements.update({id(node): judged for node, judged in zip(nodes, judgements, strict=True)})

    def _judge(self, given: Signatures, network_outputs: set[str]) -> list[Judgement]:
        found = []
        for occurrence in given.nodes:
            if occurrence.node.scope.path:
                continue
            is_output = not network_outputs.isdisjoint(occurrence.node.proto.output)
            signature = occurrence.signature._replace(is_output=is_output)
            folded = occurrence.computes_constant and self._profile.folded and not is_output
            judgement = _FOLDED if folded else self._memo.get(signature)
            if judgement is None:
                judgement = self._memo[signature] = judge(self._profile, signature)
            found.append(judgement)
        return found

    def _alone(self, replacement: Replacement) -> Any:
        """The new nodes as a model of their own."""
        bench = self._bench
        constants = {name: proto_from_array(name, array) for name, array in replacement.constants.items()}
        stored = {**bench.initializers, **constants}
        read = entering(replacement.nodes)
        return standalone(
            replacement.nodes,
            [value_info(name, bench.tensor(name)) for name in read if name not in stored],
            [value_info(name, UNKNOWN_TENSOR) for name in replacement.outputs],
            [without_payload(stored[name]) for name in read if name in stored],
            bench.proto.opset_import,
            bench.proto.ir_version,
        )


def _weight(judgements: Iterable[Judgement]) -> Weight:
    verdicts = [judgement.verdict for judgement in judgements]
    return Weight(verdicts.count(Verdict.FORBIDDEN), verdicts.count(Verdict.UNPROVEN))
