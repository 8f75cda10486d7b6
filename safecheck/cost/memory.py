"""What kernels exchange through memory, and what of it a cache holds: bytes of one run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from safecheck.cost.kernels import Kernel
from safecheck.cost.macs import Precision

CACHE = 4 << 20
"""Bytes: the L2 cache of the GPU in Orin (source `orin-brief`)."""


def memory(
    kernels: Sequence[Kernel], outputs: Iterable[str], precision: Precision, batch: int, unit: int, cache: int
) -> int:
    """Bytes per `batch` frames, times the batch of the file (`unit`), so that every number is whole.

    With 1 and 1 it is what one run of the file moves, whatever its batch.
    """
    width = precision.width
    moved = total = 0
    touched: dict[str, int] = {}
    """Tensor -> what had been moved when the kernel that touched it last began."""
    written: dict[str, int] = {}
    """Tensor that so far is on chip only -> its size."""
    for kernel in kernels:
        reads = {name: (size.floats * width + size.other) * batch for name, size in kernel.reads.items()}
        writes = {name: (size.floats * width + size.other) * batch for name, size in kernel.writes.items()}
        weights = sum(size.floats * width + size.other for size in kernel.weights.values()) * unit
        begin, moved = moved, moved + sum(reads.values()) + sum(writes.values()) + weights
        total += weights
        for name, size in reads.items():
            if name not in touched or moved - touched[name] > cache * unit:
                total += size + written.pop(name, 0)
            touched[name] = begin
        written |= writes
        touched.update(dict.fromkeys(writes, begin))
    return total + sum(written.get(name, 0) for name in outputs)
