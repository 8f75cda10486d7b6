"""Make one benchmark model: `python benchmarks/models.py NAME FILE`.

The files repeat byte for byte. Every network is compliant, so that an audit of it ends with exit code 0.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from network import Network


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the CSA network; its blocks have `heads * grid**2` query channels."""

    width: int
    size: int
    """Side of the feature map."""
    grid: int
    """Side of the map that attends to itself; the blocks resize if it differs from `size`."""
    heads: int
    blocks: int


CSA = (Stage(96, 56, 14, 2, 3), Stage(192, 27, 14, 4, 4), Stage(384, 13, 13, 6, 7), Stage(768, 6, 6, 18, 2))
BATCH, CLASSES = 4, 1000


def conv(
    network: Network, x: str, inputs: int, outputs: int, kernel: int, stride: int = 1, pad: int = 0, groups: int = 1
) -> str:
    weights = network.weight(outputs, inputs // groups, kernel, kernel), network.weight(outputs)
    sides = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [pad] * 4, "dilations": [1, 1]}
    return network.node("Conv", x, *weights, group=groups, **sides)


def normalize(network: Network, x: str, width: int) -> str:
    return network.node("BatchNormalization", x, *(network.weight(width) for _ in range(4)), epsilon=1e-5)


def silu(network: Network, x: str) -> str:
    return network.node("Mul", x, network.node("Sigmoid", x))


def resize(network: Network, x: str, source: int, target: int) -> str:
    """Resize by constant scales, rounded up where float32 would end one pixel short."""
    if source == target:
        return x
    scale = np.float32(target / source)
    if int(source * float(scale)) < target:
        scale = np.nextafter(scale, np.float32(np.inf))
    scales = network.floats(1.0, 1.0, float(scale), float(scale))
    return network.node("Resize", x, "", scales, mode="linear", coordinate_transformation_mode="pytorch_half_pixel")


def attend(network: Network, x: str, stage: Stage) -> str:
    """One convolutional self-attention block with its feed-forward part and residual."""
    width, places, hidden = stage.width, stage.grid**2, 3 * stage.width
    channels = stage.heads * places
    value = silu(network, conv(network, x, width, width, 5, pad=2, groups=width))
    query = conv(network, resize(network, value, stage.size, stage.grid), width, channels, 1)
    rotated = network.node("Reshape", query, network.integers(BATCH, stage.heads, places, places))
    rotated = network.node("Transpose", rotated, perm=[0, 1, 3, 2])
    rotated = network.node("Reshape", rotated, network.integers(BATCH, channels, stage.grid, stage.grid))
    relation = resize(network, network.node("Mul", query, rotated), stage.grid, stage.size)
    gate = network.node("Sigmoid", conv(network, relation, channels, width, 1))
    gated = network.node("Mul", gate, value)
    fed = conv(network, silu(network, conv(network, gated, width, hidden, 1)), hidden, width, 1)
    return network.node("Add", x, fed)


def csa_tiny(path: Path) -> None:
    """278 nodes and 110 MB of weights: the operators and counts of a CSA-tiny classifier."""
    network = Network((BATCH, 3, 224, 224))
    x, width = "input", 3
    for stage in CSA:
        kernel, stride, pad = (7, 4, 3) if x == "input" else (3, 2, 0)
        x, width = conv(network, x, width, stage.width, kernel, stride, pad), stage.width
        for _ in range(stage.blocks):
            x = attend(network, x, stage)
    pooled = network.node("AveragePool", x, kernel_shape=[6, 6], strides=[6, 6])
    scores = conv(network, normalize(network, pooled, width), width, CLASSES, 1)
    network.node("Reshape", scores, network.integers(BATCH, CLASSES))
    network.write(path, (BATCH, CLASSES))


def plain(blocks: int, width: int) -> Network:
    """Ten nodes a block; nearly all weights are in the block's one full convolution."""
    network = Network((1, width, 8, 8))
    x = "input"
    for _ in range(blocks):
        y = silu(network, conv(network, x, width, width, 3, pad=1))
        y = silu(network, conv(network, y, width, width, 5, pad=2, groups=width))
        y = normalize(network, conv(network, y, width, width, 5, pad=2, groups=width), width)
        x = network.node("Add", x, network.node("Relu", y))
    return network


def inline(path: Path) -> None:
    """100 nodes, 1.5 GB of weights inside the file."""
    plain(10, 2048).write(path, (1, 2048, 8, 8))


def external(path: Path) -> None:
    """270 nodes, 4 GB of weights in a second file."""
    plain(27, 2048).write_external(path, (1, 2048, 8, 8), path.with_suffix(".data"))


def nodes_100(path: Path) -> None:
    """100 nodes, half a megabyte."""
    plain(10, 32).write(path, (1, 32, 8, 8))


def many_blocks(path: Path, widths: Iterable[int], kernel: int) -> None:
    """10,000 nodes: per width an opening of four, then 249 residual blocks."""
    network = Network((1, 4, 16, 16))
    x, before = "input", 4
    for width in widths:
        x = network.node("Relu", normalize(network, conv(network, x, before, width, 3, pad=1), width))
        x, before = conv(network, x, width, width, 5, pad=2, groups=width), width
        for _ in range(249):
            y = conv(network, x, width, width, kernel, pad=kernel // 2)
            x = network.node("Add", x, network.node("Relu", normalize(network, y, width)))
    network.write(path, (1, before, 16, 16))


def nodes_10000(path: Path) -> None:
    """10,000 nodes, 11 MB; blocks of one stage are alike, as in most networks."""
    many_blocks(path, range(18, 38, 2), 1)


def nodes_10000_narrow(path: Path) -> None:
    """10,000 nodes, 26 MB; six of ten stages have at most 16 channels, so that their parameters look like constants."""
    many_blocks(path, range(6, 26, 2), 3)


MODELS: dict[str, Callable[[Path], None]] = {
    "csa-tiny": csa_tiny,
    "inline-1.5gb": inline,
    "external-4gb": external,
    "nodes-100": nodes_100,
    "nodes-10000": nodes_10000,
    "nodes-10000-narrow": nodes_10000_narrow,
}


def main() -> None:
    name, target = sys.argv[1:]
    MODELS[name](Path(target))


if __name__ == "__main__":
    main()
