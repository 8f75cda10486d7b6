"""The terms of an Einsum, and the cheapest order in which the operands of a long one are multiplied two by two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, prod
from typing import NamedTuple

_SPREAD = 100
"""Two computed operands are spread over all of their products, and every element that is written and read costs as
much as so many multiply-accumulates of a product with weights (`cost.price`)."""


def terms_of(equation: str, ranks: Sequence[int]) -> tuple[tuple[str, ...], str] | None:
    """The terms for operands of these ranks and the result, each axis with a letter; None if they do not fit.

    An ellipsis, and a result that is not given, are written out.
    """
    plain, arrow, result = "".join(equation.split()).partition("->")
    terms = plain.split(",")
    if not arrow:
        once = sorted(letter for letter in set(plain) - {",", "."} if plain.count(letter) == 1)
        result = ("..." if "..." in plain else "") + "".join(once)
    if len(terms) != len(ranks):
        return None
    hidden = [rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True) if "..." in term]
    free = [chr(number) for number in range(0x3B1, 0x3B1 + max([*hidden, 0]))]  # Greek, which no equation uses
    written = tuple(
        term.replace("...", "".join(free[len(free) - (rank - len(term.replace("...", ""))) :]))
        for term, rank in zip(terms, ranks, strict=True)
    )
    return written, result.replace("...", "".join(free))


class Factor(NamedTuple):
    """An operand of a long product, or the product of some of them."""

    letters: frozenset[str]
    constant: bool


class Order(NamedTuple):
    """How a product of operands, given by their places in it as bits, comes about."""

    cost: float
    factor: Factor
    halves: tuple[int, int] | None
    """What is multiplied last; None for a single operand."""


def cheapest(factors: Sequence[Factor], result: frozenset[str], sizes: Mapping[str, int]) -> dict[int, Order]:
    """The cheapest order for every set of operands, by the bits of their places."""
    every = (1 << len(factors)) - 1
    orders: dict[int, Order] = {1 << at: Order(0, factor, None) for at, factor in enumerate(factors)}
    for group in range(1, every + 1):
        if group in orders:
            continue
        outside = [factor.letters for at, factor in enumerate(factors) if not group >> at & 1]
        needed = result.union(*outside)
        best, half = Order(inf, Factor(frozenset(), False), None), (group - 1) & group
        while half:
            left, right = orders[half], orders[group ^ half]
            if half > group ^ half:
                both = left.factor.letters | right.factor.letters
                made = Factor(both & needed, left.factor.constant and right.factor.constant)
                cost = left.cost + right.cost + _cost(left.factor, right.factor, made, sizes)
                if cost < best.cost or best.halves is None:
                    best = Order(cost, made, (half, group ^ half))
            half = (half - 1) & group
        orders[group] = best
    return orders


def _cost(left: Factor, right: Factor, made: Factor, sizes: Mapping[str, int]) -> float:
    products = prod(sizes[letter] for letter in left.letters | right.letters)
    if made.constant:
        return 0
    if left.constant or right.constant:
        weights = (left if left.constant else right).letters
        data = (right if left.constant else left).letters
        if not (weights & data & made.letters):
            return products + _SPREAD * prod(sizes[letter] for letter in made.letters)
    return _SPREAD * products
