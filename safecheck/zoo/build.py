"""From an order to a network: seeded weights, or weights from a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from safecheck.errors import UsageError
from safecheck.text import printable
from safecheck.zoo.extra import need
from safecheck.zoo.models import CATALOGUE, Geometry, Pool, Reference, ResizeBy
from safecheck.zoo.weights import load_weights

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True)
class Order:
    """Which network, in which form."""

    name: str
    """One of the catalogue."""
    image: int | None = None
    """Side of the square image in pixels; None for that of the catalogue."""
    seed: int = 0
    """Draws the weights; equal seeds give equal weights with equal versions of the libraries."""
    weights: str | None = None
    """A file to take the weights from instead."""
    geometry: Geometry = "published"
    resize: ResizeBy = "scales"
    pool: Pool = "average"

    @property
    def reference(self) -> Reference:
        """The entry of the catalogue."""
        return CATALOGUE[self.name]

    @property
    def side(self) -> int:
        """Side of the image in pixels."""
        return self.image or self.reference.image


def build(order: Order) -> nn.Module:
    """Make the network, in inference mode.

    Raises:
        UsageError: a library is missing, the image is too small, an option that only CSA has, weights that do not fit.
        InputError: the weights cannot be read.
    """
    reference = order.reference
    if not reference.is_csa and (order.geometry, order.resize, order.pool) != ("published", "scales", "average"):
        what = f"{reference.name} has no variants"
        raise UsageError("SC-CFG-ZOO", "safecheck zoo", what, "--geometry, --resize and --pool are for CSA")
    need(reference.needs)
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(order.seed)
        try:
            network = _csa(order) if reference.is_csa else _baseline(order)
        except ValueError as error:
            raise UsageError("SC-CFG-ZOO", "--image", printable(str(error)), "ask for a larger one") from error
    if order.weights is not None:
        load_weights(network if reference.is_csa else network.network, order.weights)
    return network.eval()


def _csa(order: Order) -> nn.Module:
    from safecheck.zoo.csa import NANO, TINY, Csa

    stages, classes = (TINY, 1000) if order.name == "csa-tiny" else (NANO, 10)
    return Csa(stages, order.side, classes, order.geometry, order.resize, order.pool)


def _baseline(order: Order) -> nn.Module:
    from safecheck.zoo.baselines import BUILDERS

    return BUILDERS[order.name](order.side)
