"""What the profile says about every node of a graph, kept up to date while nodes are replaced."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from safecheck.cost.price import Price, price
from safecheck.finding import Verdict
from safecheck.ir.graph import OpNode, Scope, graph_of
from safecheck.ir.protos import sketch, standalone, value_info, without_payload
from safecheck.ir.schemas import meant, schema_of
from safecheck.ir.shape_inference.infer import infer
from safecheck.ir.signature import UNKNOWN_TENSOR, Signature, Tensor
from safecheck.ir.signatures import Occurrence, Signatures, signatures
from safecheck.ir.validity import violation
from safecheck.ir.walk import entering, is_standard
from safecheck.rewrite.graph import MutableGraph, Node
from safecheck.rewrite.replacement import Replacement
from safecheck.rulebook.judge import Judgement, judge
from safecheck.rulebook.profile import Profile


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


class Form(NamedTuple):
    """What a node is worth knowing by, apart from its names."""

    signature: Signature
    fixed: bool
    """Whether what it computes depends on constants and fixed shapes only."""
    judgement: Judgement


class Offer(NamedTuple):
    """New nodes, held against the profile before they are in the graph."""

    weight: Weight
    forms: list[Form]
    """In order."""
    types: dict[str, Tensor]
    """Of the values they make."""
    price: Price | None
    """None if a size is not known."""

    @property
    def judgements(self) -> list[Judgement]:
        """In order."""
        return [form.judgement for form in self.forms]


_NOWHERE = Scope("", None, {}, frozenset())
"""A price does not ask where nodes stand."""


class Verdicts:
    """Judgements and prices by node."""

    def __init__(self, graph: MutableGraph, profile: Profile) -> None:
        self._graph = graph
        self._profile = profile
        self._can_allow = any(rule.verdict is Verdict.ALLOWED for rule in profile.rules)
        self._memo: dict[Signature, Judgement] = {}
        self.renew()

    def in_question(self, node: Node) -> bool:
        """Whether a rewrite could help: forbidden, or unproven under a profile that allows anything at all.

        None knows what an operator of somebody's own means, whatever it is called, and there is no program for what has
        no elements.
        """
        verdict = self.verdict(node)
        stops = verdict is Verdict.FORBIDDEN or (verdict is Verdict.UNPROVEN and self._can_allow)
        return stops and is_standard(node) and not self._is_empty(node) and not self._misfits(node)

    def _is_empty(self, node: Node) -> bool:
        """Whether something that it makes, or computes from, has no elements; empty constants are left-out operands."""
        names = [*node.output, *(name for name in node.input if name not in self._graph.initializers)]
        return any(0 in (self._graph.dims(name) or ()) for name in names if name)

    def _misfits(self, node: Node) -> bool:
        """Whether operands do not fit an operator that its operator set does not have, so that no schema said so."""
        signature = self._forms[node].signature
        form, own = meant(signature.op_type, signature.opset), schema_of(signature.op_type, "", signature.opset)
        return form is not None and form is not own and violation(signature._replace(opset=form.since)) is not None

    def renew(self) -> None:
        """Judge the whole graph anew; needed after `MutableGraph.refresh`."""
        forms = self._judge(signatures(self._graph.inferred()))
        self._forms: dict[Node, Form] = {}
        self._questions: dict[Node, None] = {}
        self.record(self._graph.nodes, forms)

    def questions(self) -> list[Node]:
        """The nodes of the graph that a rewrite could help, in order; costs what they cost, not what the graph does."""
        self._questions = dict.fromkeys(filter(self._graph.holds, self._questions))
        return self._graph.in_order(self._questions)

    def verdict(self, node: Node) -> Verdict:
        """The verdict on a node of the main graph; the graphs it holds are judged by the audit, not here."""
        return self._forms[node].judgement.verdict

    def judgement(self, node: Node) -> Judgement:
        """Everything the profile says about a node."""
        return self._forms[node].judgement

    def weigh(self, nodes: Iterable[Node]) -> Weight:
        """What nodes of the graph weigh."""
        return _weight(self._forms[node].judgement for node in nodes)

    def price(self, nodes: Iterable[Node], results: Iterable[str]) -> Price | None:
        """What nodes of the graph, in order, cost as a network that makes some values; None if a size is not known."""
        forms = ((node, self._forms[node]) for node in nodes)
        return price(
            (
                Occurrence(OpNode(_NOWHERE, at, node.proto), form.signature, False, form.fixed, ())
                for at, (node, form) in enumerate(forms)
            ),
            results,
        )

    def weigh_new(self, replacement: Replacement) -> Offer:
        """What the new nodes would weigh and cost, and the types of the values they make."""
        if not replacement.nodes:
            return Offer(Weight(), [], {}, Price())
        graph = graph_of(infer(self._alone(replacement)).proto)
        found = signatures(graph)
        forms = self._judge(found)
        scope = graph.scopes[0]
        types = {name: found.lookup(scope, name) for node in replacement.nodes for name in node.output if name}
        results = (*replacement.outputs, *replacement.aliases.values())
        return Offer(_weight(form.judgement for form in forms), forms, types, price(found.nodes, results))

    def record(self, nodes: Sequence[Node], forms: Sequence[Form]) -> None:
        """Remember the forms of nodes that are now in the graph."""
        self._forms.update(zip(nodes, forms, strict=True))
        self._questions.update(dict.fromkeys(filter(self.in_question, nodes)))

    def _judge(self, given: Signatures) -> list[Form]:
        found = []
        for occurrence in given.nodes:
            if occurrence.node.scope.path:
                continue
            is_output = any(map(self._graph.is_output, occurrence.node.proto.output))
            signature = occurrence.signature._replace(is_output=is_output)
            judgement = self._memo.get(signature)
            if judgement is None:
                judgement = self._memo[signature] = judge(self._profile, signature)
            found.append(Form(signature, occurrence.fixed, judgement))
        return found

    def _alone(self, replacement: Replacement) -> Any:
        """The new nodes as a model of their own."""
        graph = self._graph
        constants = {name: sketch(name, array) for name, array in replacement.constants.items()}
        stored = ChainMap(constants, graph.initializers)  # a copy would cost as much as the model has weights
        read = entering(replacement.nodes)
        return standalone(
            replacement.nodes,
            [value_info(name, graph.tensor(name)) for name in read if name not in stored],
            [value_info(name, UNKNOWN_TENSOR) for name in replacement.outputs],
            [without_payload(stored[name]) for name in read if name in stored],
            graph.proto.opset_import,
            graph.proto.ir_version,
        )


def _weight(judgements: Iterable[Judgement]) -> Weight:
    verdicts = [judgement.verdict for judgement in judgements]
    return Weight(verdicts.count(Verdict.FORBIDDEN), verdicts.count(Verdict.UNPROVEN))
