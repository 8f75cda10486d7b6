"""From an order to the file: what the process behind `safecheck zoo export` does."""

from __future__ import annotations

from collections.abc import Callable

from safecheck.zoo.build import Order, build
from safecheck.zoo.export import WEIGHTS, Exported, Exporter, to_onnx

_NORMALISED = 17
"""The operator set of LayerNormalization."""


def made(order: Order, batch: int, opset: int, exporter: Exporter | None, tell: Callable[[str], object]) -> Exported:
    """The network that was ordered, as a file; `tell` is told what is done.

    Without an `exporter` it is dynamo from operator set 17 on, which it reaches for the whole zoo, and torchscript
    below: where LayerNormalization is no operator yet.

    Raises:
        UsageError: a library is missing, or something in the order cannot be had.
        InputError: the weights cannot be read.
    """
    name, shape = order.name, (batch, 3, order.side, order.side)
    network = build(order)
    chosen: Exporter = exporter or ("dynamo" if opset >= _NORMALISED else "torchscript")
    tell(f"exporting {name} with {chosen}")
    exported = to_onnx(network, shape, chosen, opset)
    return exported.saying(WEIGHTS, f"random, seed {order.seed}" if order.weights is None else "from a file")
