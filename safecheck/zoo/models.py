"""What the zoo holds: names, sizes and sources. No library is needed to read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Geometry = Literal["published", "even"]
"""Down-sampling of CSA: `published` has no padding after the stem (maps 56, 27, 13, 6), `even` pads (56, 28, 14, 7)."""
ResizeBy = Literal["scales", "sizes"]
"""How CSA resizes: by constant scale factors, or to a target size, which restricted mode refuses."""
Pool = Literal["average", "mean"]
"""How CSA pools: AveragePool with an explicit kernel, or ReduceMean, which restricted mode refuses."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One model of the zoo."""

    name: str
    title: str
    image: int
    """Side of the square input in pixels, unless another one is asked for."""
    parameters: int
    """Trainable parameters."""
    macs: Mapping[Geometry, int]
    """Multiply-accumulates of one such image; only CSA comes in two geometries."""
    needs: tuple[str, ...]
    """Libraries that make it."""
    source: str
    """Where the architecture is published."""

    @property
    def is_csa(self) -> bool:
        """Whether it comes in the variants of CSA: geometry, resize, pool."""
        return len(self.macs) > 1


_CSA = "https://github.com/NVIDIA/DL4AGX/tree/master/Models/ConvSelfAttention"
_SWIN = "https://arxiv.org/abs/2103.14030"
_CONVNEXT = "https://arxiv.org/abs/2201.03545"
_CVT = "https://arxiv.org/abs/2103.15808"
_OURS, _BASELINE = ("torch",), ("torch", "transformers")


def _listed(*references: Reference) -> Mapping[str, Reference]:
    return {reference.name: reference for reference in references}


# fmt: off
CATALOGUE = _listed(
    Reference("csa-tiny", "Convolutional Self-Attention, published sizes", 224, 27_638_836,
              {"published": 4_069_200_384, "even": 4_541_181_696}, _OURS, _CSA),
    Reference("swin-tiny", "Swin Transformer, Swin-T", 224, 28_288_354, {"published": 4_490_566_656}, _BASELINE, _SWIN),
    Reference("convnext-tiny", "ConvNeXt-T", 224, 28_589_128, {"published": 4_455_531_264}, _BASELINE, _CONVNEXT),
    Reference("cvt-13", "Convolutional vision Transformer, CvT-13", 224, 19_997_480, {"published": 4_566_089_216},
              _BASELINE, _CVT),
    Reference("csa-nano", "CSA in miniature, ten classes", 64, 197_614,
              {"published": 2_022_312, "even": 2_892_864}, _OURS, _CSA),
    Reference("swin-nano", "Swin in miniature, ten classes", 64, 195_020, {"published": 6_455_936}, _BASELINE, _SWIN),
    Reference("convnext-nano", "ConvNeXt in miniature, ten classes", 64, 198_310, {"published": 2_829_120}, _BASELINE,
              _CONVNEXT),
    Reference("cvt-nano", "CvT in miniature, ten classes", 64, 196_914, {"published": 5_512_704}, _BASELINE, _CVT),
)
# fmt: on
"""Name -> model: the four that are compared, then a miniature of each for tests and quick training."""
