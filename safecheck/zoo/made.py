"""From an order to the file: what the process behind `safecheck zoo export` does."""

from __future__ import annotations

from collections.abc import Callable

from safecheck.zoo.build import Order, build
from safecheck.zoo.export import WEIGHTS, Exported, Exporter, to_onnx


def made(order: Order, batch: int, opset: int, exporter: Exporter | None, tell: Callable[[str], object]) -> Exported:
    """The network that was ordered, as a file; `tell` is told what is done.

    Without an `exporter` it is dynamo, and torchscript where that cannot reach the operator set.

    Raises:
        UsageError: a library is missing, or something in the order cannot be had.
        InputError: the weights cannot be read.
    """
    name, shape = order.name, (batch, 3, order.side, order.side)
    network = build(order)
    tell(f"exporting {name} with {exporter or 'dynamo'}")
    exported = to_onnx(network, shape, exporter or "dynamo", opset)
    if exporter is None and exported.opset != opset:
        tell(f"exporting {name} with torchscript: dynamo could not reach opset {opset}")
        exported = to_onnx(network, shape, "torchscript", opset)
    return exported.saying(WEIGHTS, f"random, seed {order.seed}" if order.weights is None else "from a file")
