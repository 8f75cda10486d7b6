"""Which file gets which published figures: never a wrong one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from safecheck.cost.published import Match, match, published
from safecheck.cost.traffic import Cost, Products
from safecheck.usecases.compare import bound

EMPTY = Cost(0, Products(0, 0), 1, "", frozenset(), (), ())
NETWORKS = published()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_recognised_by_its_weights_and_operations(name: str) -> None:
    network = NETWORKS[name]
    cost = replace(EMPTY, products=Products(network.macs, network.weights))
    assert match(cost).network is network
    four = replace(cost, products=Products(4 * network.macs, network.weights), batch=4)
    assert match(four).network is network, "a file of four frames"
    other = match(replace(cost, products=Products(round(1.01 * network.macs), network.weights)))
    assert other.network is None
    assert name in other.because
    assert "another geometry or size" in other.because
    for unknown in (replace(cost, products=Products(None, network.weights)), replace(cost, batch=None)):
        assert match(unknown).network is None
        assert "unknown" in match(unknown).because
    assert match(replace(cost, products=Products(network.macs, network.weights + 1))) == (None, "")


def test_structure_alone_binds_no_figures() -> None:
    """Published figures are of other weights: they appear where the user says which network a file is."""
    (network, *_) = NETWORKS.values()
    found = match(replace(EMPTY, products=Products(network.macs, network.weights)))
    assert found.network is network
    unbound = bound(found, None, ())
    assert unbound.network is None
    assert network.id in unbound.because
    assert bound(found, None, [network.id]).network is network
    assert bound(found, None, ["another"]).network is None
    assert bound(Match(network, "named on the command line"), network.id, ()).network is network


def test_no_two_networks_can_be_confused() -> None:
    assert len({network.weights for network in NETWORKS.values()}) == len(NETWORKS)


def test_every_figure_has_a_source_and_no_figure_comes_from_an_image() -> None:
    for network in NETWORKS.values():
        assert network.figures
        for figure in network.figures:
            assert figure.sources
            assert all(source.title for source in figure.sources)
    from_article = {
        (figure.what, figure.value)
        for network in NETWORKS.values()
        for figure in network.figures
        if any(source.ref == "csa-article" for source in figure.sources)
    }
    assert from_article == {
        ("restricted mode", "compatible"),
        ("restricted mode", "not compatible"),
        ("latency against ConvNeXt-tiny", "49"),
    }
