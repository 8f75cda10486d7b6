"""What a rewritten network costs, in words that every format of `fix` shares."""

from __future__ import annotations

from collections.abc import Iterable

from safecheck.cost.price import Price, ratio
from safecheck.render import amounts
from safecheck.rewrite.driver import Step
from safecheck.usecases.fix import Fixed
from safecheck.usecases.toll import Toll


def total(fixed: Fixed) -> str:
    """`compliant; 4.5 -> 5.1 G MACs, 99 -> 160 MB a frame (FP16, batch 1), price x1.5, latency x1.4 here`."""
    toll = fixed.toll
    parts = [of_network(toll)]
    if toll.latency is not None:
        parts.append(f"latency x{times(toll.latency.ratio)} here")
    elif toll.unmeasured:
        parts.append(f"latency not measured: {toll.unmeasured}")
    return f"{fixed.after.verdict}; {', '.join(parts)}"


def of_network(toll: Toll) -> str:
    """`4.5 -> 5.1 G MACs, 99 -> 160 MB a frame (FP16, batch 1), price x1.5`."""
    if toll.before is None or toll.after is None:
        return "price unknown: a size is open, or an operator is not known"
    run = "a frame" if toll.batch == 1 else "a run"
    batch = "batch of the file" if toll.batch is None else f"batch {toll.batch}"
    price = times(ratio(toll.after, toll.before))
    return f"{amounts.prices(toll.before, toll.after)} {run} (FP16, {batch}), price x{price}"


def of_steps(steps: Iterable[Step]) -> str:
    """What the sites of steps cost before and after, all together; empty if one is not known, or there is none."""
    pairs = [step.prices for step in steps]
    known = [(today, then) for today, then in pairs if today is not None and then is not None]
    if not known or len(known) < len(pairs):
        return ""
    before, after = (_sum(column) for column in zip(*known, strict=True))
    return f"{amounts.prices(before, after)}, {before.kernels} -> {after.kernels} kernels"


def _sum(prices: Iterable[Price]) -> Price:
    return Price(*(sum(column) for column in zip(*prices, strict=True)))


def times(value: float) -> str:
    """`1.4` or `39`; what costs the same is `1.0`."""
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"
