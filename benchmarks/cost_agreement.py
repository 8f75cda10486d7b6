"""How far the cost model agrees with others who count: the package onnx-tool, and PyTorch's flop counter.

    pip install onnx-tool                          # and torch for --torch
    python benchmarks/cost_agreement.py MODEL... [--torch MODULE:FUNCTION=MODEL]...

MODULE:FUNCTION makes the torch module that MODEL was exported from; it is run on one image of 224 x 224. onnx-tool
counts a multiply-accumulate for elementwise work and for every bias, too: only operators that are products are
compared, and a difference of at most one per result is biases. Exit code 1 if more than a per cent is left.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from typing import Any

from safecheck.cost.macs import PRODUCTS
from safecheck.rulebook.load import DEFAULT, profile
from safecheck.usecases.audit import audit_model

TOLERANCE = 0.01
ROW = "{:<34} {:>12} {:>12} {:>9}  {}"


def ours(path: str) -> tuple[int, int]:
    """Multiply-accumulates, and elements of the results of products, which is what biases can add."""
    report = audit_model(path, profile(DEFAULT))
    if report.cost is None or report.cost.macs is None:
        raise SystemExit(f"cost_agreement: {path}: {report.error or 'a shape is not known'}")
    results = [step.writes for step in report.cost.steps if step.node.signature.op_type in PRODUCTS]
    return report.cost.macs, sum(size.floats for writes in results for size in writes.values())


def onnx_tool_count(path: str) -> int:
    import onnx_tool

    graph: Any = onnx_tool.Model(path, {"verbose": False, "constant_folding": False}).graph
    graph.shape_infer()
    graph.profile()
    return sum(int(node.macs[0]) for node in graph.nodemap.values() if node.op_type in PRODUCTS)


def torch_count(name: str) -> int:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    module, _, function = name.partition(":")
    model: Any = getattr(importlib.import_module(module), function)().eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, 224, 224))
    return counter.get_total_flops() // 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--torch", action="append", default=[], metavar="MODULE:FUNCTION=MODEL", help="repeatable")
    chosen = parser.parse_args()
    print(ROW.format("model", "ours", "theirs", "theirs/ours", "who"))
    far = False
    tasks = [(path, "onnx-tool", lambda path=path: onnx_tool_count(path)) for path in chosen.models]
    for request in chosen.torch:
        name, _, path = request.partition("=")
        tasks.append((path, f"torch, {name}", lambda name=name: torch_count(name)))
    for path, who, count in tasks:
        (mine, biases), theirs = ours(path), count()
        ratio = theirs / mine
        biased = mine < theirs <= mine + biases
        far |= not biased and abs(ratio - 1) > TOLERANCE
        note = ", difference at most a bias per result" if biased else ""
        print(
            ROW.format(Path(path).stem[:34], f"{mine / 1e9:.4f} G", f"{theirs / 1e9:.4f} G", f"{ratio:.4f}", who + note)
        )
    return 1 if far else 0


if __name__ == "__main__":
    sys.exit(main())
