"""Convolutional Self-Attention (CSA): a trainable network that emulates attention with convolutions.

A query made on a reduced g x g grid is multiplied by its own rotation, and the result gates a depthwise value path. No
softmax, no layer norm, no matrix product of two activations. Written after the public description (NVIDIA technical
blog, January 2024) and the sizes of the published network (NVIDIA/DL4AGX); it holds no code and no weights of either.

Shapes in the docstrings: N batch, C channels, S side of the square map, g side of the grid, P = g * g places, h heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

from safecheck.zoo.models import Geometry, Pool, ResizeBy

_FEED_RATIO = 3
_VALUE_KERNEL = 5
_WEIGHT_DEVIATION = 0.02  # larger random weights make the network chaotic: query * key is quadratic


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: a down-sampling convolution, then `depth` CSA blocks."""

    depth: int
    width: int
    """Channels."""
    heads: int
    """Heads of the query; it has heads * grid**2 channels."""
    grid: int
    """Side of the reduced grid."""


TINY = (Stage(3, 96, 1, 14), Stage(4, 192, 2, 14), Stage(6, 384, 4, 14), Stage(3, 768, 8, 7))
NANO = (Stage(1, 12, 1, 4), Stage(1, 24, 2, 4), Stage(3, 48, 4, 4), Stage(1, 96, 8, 2))
BLOCK = (Stage(1, 32, 1, 4), Stage(1, 64, 2, 4))
"""Two blocks, the smallest network with every operator of CSA-tiny."""


def exact_scale(source: int, target: int) -> float:
    """Return a float32 factor that takes a side of `source` pixels to `target` under floor(source * scale).

    The nearest float32 can be one ulp too small (14 / 27 is): ONNX shape inference multiplies in double and then infers
    13 where the kernels of onnxruntime, which multiply in float32, make 14, and the file does not load.
    """
    scale = np.float32(target / source)
    if int(source * float(scale)) < target:
        scale = np.nextafter(scale, np.float32(np.inf))
    return float(scale)


def conv_bn(inputs: int, outputs: int, kernel: int, stride: int = 1, pad: int = 0, groups: int = 1) -> nn.Sequential:
    """Build a convolution followed by BatchNorm, which an exporter folds into it.

    The bias is redundant before BatchNorm; the published network has it, so its weights and its size fit.
    """
    conv = nn.Conv2d(inputs, outputs, kernel, stride, pad, groups=groups)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


class Resize(nn.Module):
    """Bilinear resize of a square map, (N, C, source, source) -> (N, C, target, target)."""

    def __init__(self, source: int, target: int, by: ResizeBy) -> None:
        super().__init__()
        self.source, self.target, self.by = source, target, by
        self.scale = exact_scale(source, target)

    def forward(self, x: Tensor) -> Tensor:
        """Resize by constant scale factors or to a target size; nothing is done where the sides agree."""
        if self.source == self.target:
            return x
        if self.by == "sizes":
            return F.interpolate(x, size=(self.target, self.target), mode="bilinear")
        return F.interpolate(x, scale_factor=(self.scale, self.scale), mode="bilinear")


class ConvSelfAttention(nn.Module):
    """CSA block with its feed-forward part and residual, (N, C, S, S) -> (N, C, S, S)."""

    def __init__(self, channels: int, size: int, heads: int, grid: int, resize: ResizeBy = "scales") -> None:
        super().__init__()
        self.heads, self.grid, self.places = heads, grid, grid * grid
        query, hidden = heads * self.places, _FEED_RATIO * channels
        self.value = conv_bn(channels, channels, _VALUE_KERNEL, pad=_VALUE_KERNEL // 2, groups=channels)
        self.reduce = Resize(size, grid, resize)
        self.query = conv_bn(channels, query, kernel=1)
        self.restore = Resize(grid, size, resize)
        self.gate = conv_bn(query, channels, kernel=1)
        self.expand = conv_bn(channels, hidden, kernel=1)
        self.project = nn.Conv2d(hidden, channels, kernel_size=1)

    def rotate(self, query: Tensor) -> Tensor:
        """Exchange channel and place inside each head: k[n, (head, i), j] = q[n, (head, j), i].

        (N, h*P, g, g) -> (N, h, P, P) -> transposed -> (N, h*P, g, g). Never more than four axes.
        """
        batch = query.shape[0]
        places_last = query.view(batch, self.heads, self.places, self.places)
        rotated = places_last.transpose(2, 3)
        return rotated.reshape(batch, self.heads * self.places, self.grid, self.grid)

    def forward(self, x: Tensor) -> Tensor:
        """Gate the value path with the query's self-product, then feed forward and add."""
        value = F.silu(self.value(x))  # (N, C, S, S)
        query = self.query(self.reduce(value))  # (N, h*P, g, g)
        relation = self.restore(query * self.rotate(query))  # (N, h*P, S, S)
        gate = torch.sigmoid(self.gate(relation))  # (N, C, S, S)
        fed: Tensor = self.project(F.silu(self.expand(gate * value)))
        return x + fed


class Csa(nn.Module):
    """Stages of down-sampling and CSA blocks; average pool, BatchNorm and a 1x1 head, (N, 3, S, S) -> (N, classes).

    With `resize="scales"` and `pool="average"` the export holds only constant-scale Resize and an AveragePool with an
    explicit kernel; `"sizes"` and `"mean"` are the same arithmetic in the form that restricted builders refuse.
    """

    maps: tuple[int, ...]
    """Side of each stage's map."""

    def __init__(
        self,
        stages: Sequence[Stage] = TINY,
        image: int = 224,
        classes: int = 1000,
        geometry: Geometry = "published",
        resize: ResizeBy = "scales",
        pool: Pool = "average",
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        maps: list[int] = []
        channels, size = 3, image
        for stage in stages:
            kernel, stride, pad = (3, 2, int(geometry == "even")) if layers else (7, 4, 3)
            if size + 2 * pad < kernel:
                raise ValueError(f"an image of {image} pixels is too small for {len(stages)} stages")
            layers.append(conv_bn(channels, stage.width, kernel, stride, pad))
            channels, size = stage.width, (size + 2 * pad - kernel) // stride + 1
            layers += [ConvSelfAttention(channels, size, stage.heads, stage.grid, resize) for _ in range(stage.depth)]
            maps.append(size)
        self.maps = tuple(maps)
        self.stages = nn.Sequential(*layers)
        self.mean = pool == "mean"
        self.pool = nn.AvgPool2d(size)
        self.norm = nn.BatchNorm2d(channels)
        self.classify = nn.Conv2d(channels, classes, kernel_size=1)
        self.apply(_initialise)

    def forward(self, image: Tensor) -> Tensor:
        """Return one logit per class."""
        features = self.stages(image)  # (N, C, S, S) of the last stage
        pooled = features.mean((2, 3), keepdim=True) if self.mean else self.pool(features)
        logits: Tensor = self.classify(self.norm(pooled)).flatten(1)  # (N, classes, 1, 1) -> (N, classes)
        return logits


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.trunc_normal_(module.weight, std=_WEIGHT_DEVIATION)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
