"""Export the example models beside this file, verified against PyTorch; any mismatch stops the run."""

import argparse
import math
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from torch import Tensor, nn
from transformer import TransformerBlock

from safecheck.zoo.baselines import convnext, cvt, swin
from safecheck.zoo.csa import BLOCK, NANO, Csa
from safecheck.zoo.export import to_onnx

SEED = 20240112
TOLERANCE = 1e-4
SIZE_LIMIT = 1_000_000
EXTENDED, PLAIN = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED, ort.GraphOptimizationLevel.ORT_DISABLE_ALL


@dataclass(frozen=True, slots=True)
class Example:
    """One file to make."""

    stem: str
    """File name without its suffix."""
    build: Callable[[], nn.Module]
    """Makes the module; its weights are filled afterwards."""
    shape: tuple[int, ...]
    """Shape of the one input, batch first."""
    opset: int
    """Operator set the file must have; the exporter silently writes 18 where it cannot reach 17."""


EXAMPLES = (
    Example("csa-block", lambda: Csa(BLOCK, 64, 10, "even"), (1, 3, 64, 64), 18),
    Example("csa-block-refused", lambda: Csa(BLOCK, 64, 10, "even", "sizes", "mean"), (1, 3, 64, 64), 18),
    Example("csa-nano", lambda: Csa(NANO, 64, 10), (1, 3, 64, 64), 17),
    Example("transformer-block", TransformerBlock, (1, 64, 64), 17),
    Example("swin-block", lambda: swin(32, 10, 32, (2,), (2,), 4), (1, 3, 32, 32), 18),
    Example("convnext-block", lambda: convnext(32, 10, (64,), (1,)), (1, 3, 32, 32), 18),
    Example("cvt-block", lambda: cvt(32, 10, (64,), (1,), (2,)), (1, 3, 32, 32), 18),
)


def require(condition: bool, message: str) -> None:
    if not condition:
        raise SystemExit(f"make_examples: {message}")


def fill(module: nn.Module, random: torch.Generator) -> None:
    """Give every weight a value that keeps activations near unit size, so that errors mean something."""
    for name, tensor in module.state_dict().items():
        if not tensor.is_floating_point():
            continue
        if tensor.ndim > 1:
            bound = math.sqrt(3 / math.prod(tensor.shape[1:]))
            tensor.uniform_(-bound, bound, generator=random)
        elif name.endswith(("weight", "running_var")):
            tensor.uniform_(0.8, 1.2, generator=random)
        else:
            tensor.uniform_(-0.1, 0.1, generator=random)


def largest_error(data: bytes, module: nn.Module, samples: list[Tensor]) -> float:
    """Return the largest absolute difference from PyTorch, graph optimisation on and off."""
    worst = 0.0
    for level in (EXTENDED, PLAIN):
        options = ort.SessionOptions()
        options.graph_optimization_level = level
        session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        (name,) = (item.name for item in session.get_inputs())
        for sample in samples:
            (found,) = session.run(None, {name: sample.numpy()})
            expected = module(sample).numpy()
            require(found.shape == expected.shape, f"shape {found.shape}, expected {expected.shape}")
            require(float(np.std(expected)) > 0.01, "outputs are nearly constant, the comparison would prove nothing")
            worst = max(worst, float(np.max(np.abs(found - expected))))
    return worst


def make(example: Example) -> tuple[bytes, str]:
    """Return the file's bytes and a line about it."""
    random = torch.Generator().manual_seed(SEED)
    module = example.build().eval()
    fill(module, random)
    samples = [torch.empty(example.shape).uniform_(-1.7, 1.7, generator=random) for _ in range(4)]
    data = to_onnx(module, example.shape, "dynamo", example.opset).data
    require(data == to_onnx(module, example.shape, "dynamo", example.opset).data, f"{example.stem}: two exports differ")
    require(len(data) < SIZE_LIMIT, f"{example.stem}: {len(data)} bytes, the limit is {SIZE_LIMIT}")
    for path in (".py", sys.prefix, str(Path.home()), str(Path.cwd())):
        require(path == "/" or path.encode() not in data, f"{example.stem}: the file mentions {path}")

    model = onnx.load_from_string(data)
    onnx.checker.check_model(model, full_check=True)
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    require(opsets == {"": example.opset}, f"{example.stem}: operator sets {opsets}, wanted {example.opset}")
    error = largest_error(data, module, samples)
    require(error < TOLERANCE, f"{example.stem}: off by {error:.1e} from PyTorch, the limit is {TOLERANCE:.0e}")
    operators = ", ".join(f"{op} {count}" for op, count in Counter(n.op_type for n in model.graph.node).most_common())
    return data, f"{len(data):,} bytes, opset {example.opset}, max error {error:.1e}: {operators}"


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to write to")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for example in EXAMPLES:
        data, line = make(example)
        (out / f"{example.stem}.onnx").write_bytes(data)
        print(f"{example.stem}.onnx: {line}")


if __name__ == "__main__":
    main()
