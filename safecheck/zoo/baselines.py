"""The networks that CSA is compared with, as the `transformers` library makes them, and a miniature of each.

That library needs no torchvision, which has no CPU build that fits every torch. Weights are random; the state of the
inner network has the names of the published checkpoints of the library, so those can be loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor, nn
from transformers import (
    ConvNextConfig,
    ConvNextForImageClassification,
    CvtConfig,
    CvtForImageClassification,
    SwinConfig,
    SwinForImageClassification,
)

_SWIN_PATCH = 4


class Baseline(nn.Module):
    """A classifier of the library as a function of the image alone, (N, 3, S, S) -> (N, classes)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        """Return one logit per class."""
        logits: Tensor = self.network(pixel_values=image).logits
        return logits


def swin(
    image: int, classes: int, width: int = 96, depths: Sequence[int] = (2, 2, 6, 2),
    heads: Sequence[int] = (3, 6, 12, 24), window: int = 7,
) -> Baseline:  # fmt: skip
    """Build a Swin Transformer; the defaults are Swin-T.

    Attention is written out: torch's counter of operations misses its fused kernel.

    Raises:
        ValueError: a map would be smaller than a window, which the library cannot compute.
    """
    smallest = _SWIN_PATCH * 2 ** (len(depths) - 1) * window
    if image < smallest:
        raise ValueError(f"an image of {image} pixels is too small for windows of {window}, {smallest} is the least")
    config = SwinConfig(
        image_size=image, num_labels=classes, patch_size=_SWIN_PATCH, embed_dim=width, depths=list(depths),
        num_heads=list(heads), window_size=window, attn_implementation="eager",
    )  # fmt: skip
    return Baseline(SwinForImageClassification(config))


def convnext(
    image: int, classes: int, widths: Sequence[int] = (96, 192, 384, 768), depths: Sequence[int] = (3, 3, 9, 3)
) -> Baseline:
    """Build a ConvNeXt; the defaults are ConvNeXt-T."""
    config = ConvNextConfig(
        image_size=image, num_labels=classes, num_stages=len(depths), hidden_sizes=list(widths), depths=list(depths)
    )
    return Baseline(ConvNextForImageClassification(config))


def cvt(
    image: int, classes: int, widths: Sequence[int] = (64, 192, 384), depths: Sequence[int] = (1, 2, 10),
    heads: Sequence[int] = (1, 3, 6),
) -> Baseline:  # fmt: skip
    """Build a convolutional vision Transformer for any image size; the defaults are CvT-13.

    The library wants stage i (from 0) to have more than i layers.
    """
    del image  # position comes from the convolutions, no size is fixed
    config = CvtConfig(
        num_labels=classes, embed_dim=list(widths), depth=list(depths), num_heads=list(heads),
        cls_token=[stage == len(depths) for stage in range(1, len(depths) + 1)],
    )  # fmt: skip
    return Baseline(CvtForImageClassification(config))


BUILDERS: Mapping[str, Callable[[int], Baseline]] = {
    "swin-tiny": lambda image: swin(image, 1000),
    "convnext-tiny": lambda image: convnext(image, 1000),
    "cvt-13": lambda image: cvt(image, 1000),
    "swin-nano": lambda image: swin(image, 10, 16, (2, 2, 3), (1, 2, 4), 4),
    "convnext-nano": lambda image: convnext(image, 10, (12, 24, 48, 96), (1, 1, 4, 1)),
    "cvt-nano": lambda image: cvt(image, 10, (16, 24, 64), (1, 2, 3), (1, 2, 4)),
}
"""Name in the catalogue -> from the side of the image to the network."""
