"""The block that the written-out networks are made of."""

from __future__ import annotations

from torch import Tensor, nn

Made = tuple[nn.Module, Tensor | tuple[Tensor, ...]]
"""A module and an example of its input."""


def conv(inside: int, outside: int, kernel: int = 3, stride: int = 1, act: type[nn.Module] = nn.SiLU) -> nn.Sequential:
    """Convolution, BatchNorm and an activation."""
    return nn.Sequential(
        nn.Conv2d(inside, outside, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outside), act()
    )
