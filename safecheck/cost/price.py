"""The price of nodes: what they multiply, move and start, and one number that orders ways to compute the same.

Everything is for one run of the file at its own batch, with every floating-point tensor in FP16, the precision of the
target. Nothing is measured: a price orders alternatives, it predicts no latency.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from safecheck.cost.kernels import kernels
from safecheck.cost.macs import Precision, macs, total
from safecheck.cost.memory import CACHE, memory
from safecheck.cost.steps import steps
from safecheck.ir.graph import OpGraph
from safecheck.ir.signatures import Occurrence

MACS_PER_BYTE = 100
"""Multiply-accumulates in the time of moving a byte: a choice of this model, the order of magnitude of the GPU in Orin
(some 2e13 dense FP16 multiply-accumulates and 2e11 bytes a second at its peaks)."""
LAUNCH = 1 << 18
"""Bytes that could be moved while a kernel starts: a choice of this model, some 1.3 microseconds at 2e11 bytes a
second. Without it a hundred kernels whose tensors stay in the cache would cost as little as one."""
PRECISION = Precision.FP16
WORDS = (
    f"Price: estimated memory traffic in FP16, plus a byte for every {MACS_PER_BYTE} multiply-accumulates, plus "
    f"{LAUNCH // 1024} KiB for every kernel. An estimate that orders alternatives, not a latency."
)


class Price(NamedTuple):
    """What nodes cost in one run."""

    macs: int = 0
    activations: int = 0
    """Bytes that all nodes read and write, as if nothing were fused, without weights."""
    traffic: int = 0
    """Estimated bytes to and from memory, weights included (`traffic.assumptions`)."""
    kernels: int = 0
    """Groups of nodes that run together."""

    @property
    def estimate(self) -> int:
        """Bytes that could be moved meanwhile: traffic, arithmetic and starts one after the other.

        A roofline would let the larger of traffic and arithmetic hide the smaller; the sum is at most twice that, and
        unlike it adds up over parts of a network.
        """
        return self.traffic + self.macs // MACS_PER_BYTE + self.kernels * LAUNCH


def price(nodes: Iterable[Occurrence], outputs: Iterable[str]) -> Price | None:
    """The price of nodes in order as a network of its own, whose inputs and outputs pass through memory.

    None if the size of a tensor is not known, or what an operator multiplies.
    """
    work = steps(list(nodes), outputs)
    counts = [macs(step.node.signature) for step in work.steps]
    if work.problem or None in counts:
        return None
    found = kernels(work)
    return Price(
        sum(count or 0 for count in counts),
        total(size for step in work.steps for size in step.moved).bytes(PRECISION),
        memory(found, work.outputs, PRECISION, 1, 1, CACHE),
        len(found),
    )


def network_price(graph: OpGraph, nodes: Iterable[Occurrence]) -> Price | None:
    """The price of a network from all its nodes; None where graphs inside of nodes do work that depends on data."""
    if any(scope.parent is not None for scope in graph.scopes):
        return None
    main = graph.scopes[0]
    return price((occurrence for occurrence in nodes if occurrence.node.scope is main), main.outputs)


def ratio(after: Price, before: Price) -> float:
    """How many times the price of `before` that of `after` is; 1 for two that cost nothing."""
    return after.estimate / before.estimate if before.estimate else 1.0 if not after.estimate else float("inf")
