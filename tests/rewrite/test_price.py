"""Of equally allowed offers the cheapest is taken, and what a purse cannot pay for is left out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from mended import RESTRICTED, model

from safecheck.rewrite import driver
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.driver import Step, rewrite_all
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.prices import Purse
from safecheck.rewrite.rule import Candidate, Claim, Match
from safecheck.rewrite.verdicts import Verdicts
from safecheck.rulebook.load import profile

CHAIN = "g (float[1,8,32,32] x) => (float[1,8,32,32] y) { a = Neg (x) b = Neg (a) y = Neg (b) }"


def offer(graph: MutableGraph, node: Any, detour: int) -> Candidate:
    """The same by Sigmoids after so many rounds there and back: equally allowed, and each round moves more."""
    build = Builder(graph, "offer")
    value = node.input[0]
    for _ in range(detour):
        value = build.transpose(build.transpose(value, [0, 1, 3, 2]), [0, 1, 3, 2])
    result = build.add("Sigmoid", [value])
    return Candidate(build.replacement([node.input[0]], {node.output[0]: result}), Claim("tested", "as offered"))


def rewritten(
    monkeypatch: pytest.MonkeyPatch, detours: tuple[int, ...], limit: float | None = None, text: str = CHAIN
) -> tuple[list[Step], list[str]]:
    """What a rewrite of Neg does that makes these offers in this order; nothing is proved."""

    def match(graph: MutableGraph, node: Any) -> Match | None:
        offers = tuple(offer(graph, node, detour) for detour in detours)
        return Match((node,), offers) if node.op_type == "Neg" else None

    monkeypatch.setattr(driver, "REWRITES", (SimpleNamespace(name="neg", remedies=(), match=match),))
    graph = MutableGraph(model(text))
    verdicts = Verdicts(graph, profile(RESTRICTED))
    purse = None if limit is None else Purse(verdicts.price(graph.nodes, graph.outputs), limit, limit)
    steps = rewrite_all(graph, verdicts, proving=False, purse=purse)
    return steps, [node.op_type for node in graph.nodes]


@pytest.mark.parametrize("detours", [(0, 2, 1), (2, 1, 0), (1, 0, 2)])
def test_the_cheapest_offer_is_taken_wherever_it_stands(
    monkeypatch: pytest.MonkeyPatch, detours: tuple[int, ...]
) -> None:
    steps, operators = rewritten(monkeypatch, detours)
    assert operators == ["Sigmoid"] * 3
    assert all(step.applied for step in steps)


def test_prices_of_the_site_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    steps, _ = rewritten(monkeypatch, (1,))
    map_bytes = 8 * 32 * 32 * 2
    for step in steps:
        today, then = step.prices
        assert today is not None
        assert then is not None
        assert (today.activations, today.kernels, today.macs) == (2 * map_bytes, 1, 0)
        assert (then.activations, then.kernels, then.macs) == (6 * map_bytes, 3, 0)


def test_a_purse_pays_in_order_and_then_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    # Three fused Neg are one kernel; each site alone goes from one kernel to three: about 3, 5 and 7 times the price.
    steps, operators = rewritten(monkeypatch, (1,), limit=4)
    assert operators == ["Transpose", "Transpose", "Sigmoid", "Neg", "Neg"]
    left = [step for step in steps if not step.applied]
    assert [step.nodes for step in left] == [("b",), ("y",)]
    assert all(step.too_dear and "--max-price is 4" in step.reason for step in left)
    assert all(step.prices.added and step.prices.added > 0 for step in left)


def test_a_dearer_network_still_takes_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    steps, operators = rewritten(monkeypatch, (0,), limit=0.1)
    assert operators == ["Sigmoid"] * 3
    assert all(step.applied for step in steps)


def test_where_the_price_of_the_original_is_not_known_nothing_is_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Verdicts, "price", lambda *given: None)
    steps, operators = rewritten(monkeypatch, (0,), limit=10)
    assert operators == ["Neg"] * 3
    assert all("not known" in step.reason for step in steps)
    steps, operators = rewritten(monkeypatch, (1, 0))
    assert operators == ["Sigmoid"] * 3, "without prices fewer nodes are better"
