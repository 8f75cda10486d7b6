"""What could stand in the place of a node that is not allowed: the best option of `fix`, before any proof."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from safecheck.audit.illustration import Alternative
from safecheck.audit.report import Report
from safecheck.ir.excerpt import Diagram, diagram_of
from safecheck.ir.model import Model
from safecheck.ir.signature import UNKNOWN_TENSOR
from safecheck.rewrite.driver import Weighed, weigh_candidates
from safecheck.rewrite.files import read_whole
from safecheck.rewrite.graph import MutableGraph, Node
from safecheck.rewrite.rule import matched
from safecheck.rewrite.rules import REWRITES
from safecheck.rewrite.verdicts import Verdicts
from safecheck.rulebook.profile import Profile
from safecheck.usecases.places import pictures
from safecheck.usecases.planning import LostPlanError, limited

_MOST_NODES = 4000
_MOST_BYTES = 1 << 30
_DRAWN = 9
_CONSTANT = UNKNOWN_TENSOR._replace(constant=True)


def drawable(model: Model) -> bool:
    """Whether a model is looked at for alternatives.

    Networks that are too large to look at in a moment are not, neither are those from standard input, whose weights are
    gone, nor those with functions of their own.
    """
    size = model.size_bytes + sum(file.size_bytes for file in model.external_data)
    small = len(model.graph.scopes[0].nodes) <= _MOST_NODES and size <= _MOST_BYTES
    return small and model.path != "-" and not model.proto.functions


def illustrated(report: Report) -> Report:
    """The report with its pictures, and with permitted alternatives for the nodes that they show.

    Raises:
        InputError: the model changed since it was audited.
    """
    found = pictures(report)
    if report.model is not None and drawable(report.model):
        places = [picture.finding.location for picture in found.drawn]
        asked = [place.index for place in places if not place.scope and place.index is not None]
        work = partial(alternatives, report.model, report.profile, asked)
        try:
            found = replace(found, alternatives=limited(work, report.path))
        except LostPlanError as lost:
            found = replace(found, problem=str(lost))
    return replace(report, illustration=found)


def alternatives(model: Model, profile: Profile, nodes: Iterable[int]) -> dict[int, Alternative]:
    """Alternatives for nodes of the main graph, by their index; without those that no rewrite makes lighter.

    Nothing is proved and nothing is changed. A model that is not `drawable` gets none.

    Raises:
        InputError: the model changed since it was audited.
    """
    asked = dict.fromkeys(nodes)
    if not asked or not drawable(model):
        return {}
    graph = MutableGraph(read_whole(model))
    verdicts = Verdicts(graph, profile)
    found = {index: _alternative(graph, verdicts, graph.nodes[index]) for index in asked}
    return {index: alternative for index, alternative in found.items() if alternative is not None}


def _alternative(graph: MutableGraph, verdicts: Verdicts, node: Node) -> Alternative | None:
    for rewrite in REWRITES:
        match = matched(rewrite, graph, node) if verdicts.in_question(node) else None
        for weighed in weigh_candidates(graph, verdicts, match)[:1] if match is not None else ():
            if weighed.excess < (0, 0):
                return Alternative(rewrite.name, _drawn(graph, weighed))
    return None


def _drawn(graph: MutableGraph, weighed: Weighed) -> Diagram:
    new = weighed.candidate.replacement
    known = {**dict.fromkeys(new.constants, _CONSTANT), **weighed.offer.types}
    verdicts = {id(node): str(judged.verdict) for node, judged in zip(new.nodes, weighed.offer.judgements, strict=True)}
    return diagram_of(
        new.nodes,
        _DRAWN,
        lambda name: known[name] if name in known else graph.tensor(name),
        lambda node: verdicts[id(node)],
    )
