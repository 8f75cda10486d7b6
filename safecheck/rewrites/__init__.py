"""The rewrites, in the order in which they are tried."""

from __future__ import annotations

from safecheck.rewrites.contract import Rewrite
from safecheck.rewrites.means import ReduceMeanToAveragePool
from safecheck.rewrites.pooling import PoolStrideToOne
from safecheck.rewrites.resize import ResizeSizesToScales
from safecheck.rewrites.rotation import RotateWithTranspose

REWRITES: tuple[Rewrite, ...] = (
    ResizeSizesToScales(),
    ReduceMeanToAveragePool(),
    PoolStrideToOne(),
    RotateWithTranspose(),
)
