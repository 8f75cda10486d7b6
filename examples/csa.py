"""A small, trainable Convolutional Self-Attention (CSA) network.

CSA emulates attention with convolutions: a query made on a reduced g x g grid is multiplied by its own rotation, and
the result gates a depthwise value path. No softmax, no layer norm, no matrix product of two activations.

Shapes in the docstrings: N batch, C channels, S side of the square map, g side of the grid, P = g * g places, h heads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

ResizeBy = Literal["scales", "sizes"]
Head = Literal["pool", "mean"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the classifier: a down-sampling convolution, then a CSA block."""

    width: int
    """Channels of the stage."""
    heads: int
    """Heads of the query; it has heads * grid**2 channels."""
    grid: int
    """Side of the reduced grid."""


TINY = (Stage(width=32, heads=1, grid=4), Stage(width=64, heads=2, grid=4))


def exact_scale(source: int, target: int) -> float:
    """Return a float32 factor that takes `source` to `target` under floor(source * scale).

    The nearest float32 can be one ulp too small (14 / 27 is), and readers that multiply in double then infer 13.
    """
    scale = np.float32(target / source)
    if int(source * float(scale)) < target:
        scale = np.nextafter(scale, np.float32(np.inf))
    return float(scale)


def conv_bn(inputs: int, outputs: int, kernel: int, stride: int = 1, pad: int = 0, groups: int = 1) -> nn.Sequential:
    """Build a convolution followed by BatchNorm, which an exporter folds into it."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, pad, groups=groups, bias=False)
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
        query, hidden = heads * self.places, 3 * channels
        self.value = conv_bn(channels, channels, kernel=5, pad=2, groups=channels)
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


class CsaClassifier(nn.Module):
    """Stages of down-sampling and CSA, then a pooled 1x1 head, (N, 3, S, S) -> (N, classes).

    With `resize="scales"` and `head="pool"` the export holds only constant-scale Resize and an AveragePool with an
    explicit kernel; `"sizes"` and `"mean"` are the same arithmetic in the form that restricted builders refuse.
    """

    def __init__(
        self,
        stages: Sequence[Stage] = TINY,
        image: int = 64,
        classes: int = 10,
        resize: ResizeBy = "scales",
        head: Head = "pool",
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels, size = 3, image
        for stage in stages:
            kernel, stride, pad = (3, 2, 1) if layers else (7, 4, 3)
            layers.append(conv_bn(channels, stage.width, kernel, stride, pad))
            channels, size = stage.width, (size + 2 * pad - kernel) // stride + 1
            layers.append(ConvSelfAttention(channels, size, stage.heads, stage.grid, resize))
        self.stages = nn.Sequential(*layers)
        self.head = head
        self.pool = nn.AvgPool2d(size)
        self.classify = nn.Conv2d(channels, classes, kernel_size=1)

    def forward(self, image: Tensor) -> Tensor:
        """Return one logit per class."""
        features = self.stages(image)
        pooled = self.pool(features) if self.head == "pool" else features.mean((2, 3), keepdim=True)
        logits: Tensor = self.classify(pooled).flatten(1)  # (N, classes, 1, 1) -> (N, classes)
        return logits
