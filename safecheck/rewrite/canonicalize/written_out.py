"""Replace operators by what they are defined to be, each under a proof; one that cannot be proved stays."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from safecheck.ir.walk import is_standard
from safecheck.rewrite.finite import Doubt
from safecheck.rewrite.graph import MutableGraph, Node
from safecheck.rewrite.proof.local import prove
from safecheck.rewrite.proof.site import UnprovedError
from safecheck.rewrite.replacement import Replacement
from safecheck.rewrite.rule import Claim


class Definition(NamedTuple):
    """What an operator is replaced by, and what has to be shown of it."""

    replacement: Replacement
    claim: Claim
    odd: Collection[Doubt] = ()
    """As `prove` takes them."""


def write_out(
    graph: MutableGraph, op_type: str, define: Callable[[MutableGraph, Node], Definition | None]
) -> list[Any]:
    """Replace every node of a standard operator that has a definition; returns the nodes that are gone."""
    gone = []
    for node in list(graph.nodes):
        found = define(graph, node) if node.op_type == op_type and is_standard(node) else None
        if found is None:
            continue
        try:
            prove(graph, *found)
        except UnprovedError:
            continue
        graph.apply(found.replacement, {})
        gone.append(node)
    return gone
