"""Inputs on which ranges are measured: seeded random ones, or the images of a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from safecheck.errors import UsageError
from safecheck.ir.signature import Tensor
from safecheck.measure.images.folder import find_images, sample
from safecheck.measure.images.input import DEFAULTS, image_input
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.ranges import Feed, Ranges, random_feeds
from safecheck.rewrite.rules import REWRITES
from safecheck.rewrite.rules.curves import FunctionOnRange
from safecheck.rewrite.rules.normalization import NormalizationToNewton
from safecheck.rewrite.rules.quotient import DivisionToProduct
from safecheck.rewrite.rules.space_norm import SpaceNormalizationToNewton
from safecheck.text import printable

MOST = 64
"""Images that are used of a folder."""
_ASKING = (DivisionToProduct, FunctionOnRange, NormalizationToNewton, SpaceNormalizationToNewton)


def calibrate(graph: MutableGraph, given: str) -> None:
    """Let the rewrites of a graph ask for ranges measured on a folder of images, or on a number of random inputs.

    Raises:
        InputError: the network is none for images, or the folder holds none.
        UsageError: an input has an open shape, or there is no such folder.
    """
    types = {value.name: graph.tensor(value.name) for value in graph.proto.graph.input}
    open_ = [name for name, tensor in types.items() if graph.dims(name) is None or tensor.dtype is None]
    if open_:
        what = f"the shape of input {printable(open_[0], 60)} is not fixed"
        raise UsageError("SC-CFG-CALIBRATE", "--calibrate", what, "give --batch, or export with fixed sizes")
    asking = [rewrite for rewrite in REWRITES if isinstance(rewrite, _ASKING)]
    feeds = _random(types, int(given)) if given.isascii() and given.isdigit() else _images(graph, given)
    graph.memo(Ranges).open(feeds, asking)


def _random(types: Mapping[str, Tensor], count: int) -> Callable[[], Iterable[Feed]]:
    if not 1 <= count <= 10_000:
        raise UsageError("SC-CFG-CALIBRATE", "--calibrate", f"{count} inputs", "give a number from 1 to 10000")
    return lambda: random_feeds(types, count)


def _images(graph: MutableGraph, folder: str) -> Callable[[], Iterable[Feed]]:
    source = image_input(graph.model(weights=False), "--calibrate", DEFAULTS)
    chosen = sample(find_images(folder), MOST, 0)

    def feeds() -> Iterator[dict[str, Any]]:
        return (feed for _, feed in source.batches(chosen))

    return feeds
