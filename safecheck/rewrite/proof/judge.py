"""When are two results of a network the same? Channel by channel, and no sharper than the original itself is.

Where the results differ by more than the tolerance, the original is asked how far its own results move when its inputs
move by some units in the last place, and when onnxruntime optimises it: a difference of a number that cancels to nearly
nothing, a tie that falls the other way, or an index of the largest of equal numbers says nothing about a rewrite.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

from safecheck.rewrite.proof.channels import Sizes, errors, larger, magnitudes, worst
from safecheck.rewrite.proof.difference import DIFFERENT, Difference, difference
from safecheck.text import printable

Outputs: TypeAlias = Sequence[Any]
"""Results of a network in order: arrays, or lists of them."""
_MOVES = 64
"""So many times the movement of the original is allowed: rounding adds up over layers as it does over inputs."""
_IN_SEQUENCES = 1e-4
"""Relative to the largest magnitude of a tensor in a sequence."""


class Ruling(NamedTuple):
    """How far results are apart."""

    difference: Difference
    failure: str
    """What is too far apart, in words; empty if nothing is."""


def grown(sizes: Sequence[Sizes], result: Outputs) -> list[Sizes]:
    """The largest magnitudes of every slice of every output, over one more sample than before."""
    found = [magnitudes(array) if _is_float(array) else [] for array in result]
    return [larger(one, other) for one, other in zip(sizes, found, strict=True)] if sizes else found


def shown(expected: Outputs, actual: Outputs, sizes: Sequence[Sizes]) -> Ruling:
    """The differences, without a judgement."""
    total = Difference()
    for wanted, got, size in zip(expected, actual, sizes, strict=True):
        total = total.worst(_difference(wanted, got, size)[0])
    return Ruling(total, "")


def judged(
    names: Sequence[str],
    expected: Outputs,
    actual: Outputs,
    sizes: Sequence[Sizes],
    tolerance: float,
    moved: Sequence[Outputs],
    extreme: bool,
) -> Ruling:
    """The differences, and the first output that is further off than the tolerance.

    `moved` are results of the original on inputs that are almost the same; `extreme` says that a result which is not
    finite has overflowed.
    """
    total, failure = Difference(), ""
    for position, (wanted, got, size) in enumerate(zip(expected, actual, sizes, strict=True)):
        one, where = _difference(wanted, got, size)
        total = total.worst(one)
        if one.same_bits or failure:
            continue
        others = [result[position] for result in moved]
        wrong = _wrong(wanted, got, size, tolerance, others, extreme)
        failure = f"output {printable(names[position], 60)}{where} {wrong}" if wrong else ""
    return Ruling(total, failure)


def _difference(wanted: Any, got: Any, size: Sizes) -> tuple[Difference, str]:
    """Relative to the worst slice, which is also named."""
    if not (_is_array(wanted) and _is_array(got)):
        return (Difference() if _same(wanted, got) else DIFFERENT), ""
    one = difference(wanted, got)
    if one.same_bits or not _alike(wanted, got) or not _is_float(wanted):
        return one, ""
    excess = worst(wanted, got, larger(magnitudes(wanted), size))
    where = "" if excess.axis is None else f" at {excess.place} of axis {excess.axis}"
    return replace(one, max_rel=excess.ratio), where if one.same_nonfinite else ""


def _wrong(wanted: Any, got: Any, size: Sizes, tolerance: float, moved: Sequence[Any], extreme: bool) -> str:
    import numpy

    if not (_is_array(wanted) and _is_array(got) and _alike(wanted, got)):
        return "has other elements, or another type or shape"
    near = [other for other in moved if _is_array(other) and _alike(wanted, other)]
    if not _is_float(wanted):
        steady = numpy.all([other == wanted for other in near], axis=0) if near else True
        return "has other elements" if bool(((wanted != got) & steady).any()) else ""
    if extreme and not all(bool(numpy.isfinite(one).all()) for one in (wanted, *near)):
        return ""
    steady = numpy.all([_same_kind(wanted, other) for other in near], axis=0) if near else True
    if bool((~_same_kind(wanted, got) & steady).any()):
        return "has infinities or NaN in other places"
    limits = larger(magnitudes(wanted), size)
    for other in near:
        moves = errors(wanted, other)
        limits = [limit + _MOVES / tolerance * move for limit, move in zip(limits, moves, strict=True)]
    ratio = worst(wanted, got, limits).ratio
    if ratio <= tolerance:
        return ""
    if ratio < numpy.inf:
        return f"differs by {ratio:.3g} relative"
    return f"differs by {max(part.max() for part in errors(wanted, got)):.3g} from zero"


def _same_kind(one: Any, other: Any) -> Any:
    """Element by element, whether both are finite, both NaN, or the same infinity."""
    import numpy

    finite = numpy.isfinite(one) & numpy.isfinite(other)
    return finite | (numpy.isnan(one) & numpy.isnan(other)) | (one == other)


def _is_array(value: Any) -> bool:
    return hasattr(value, "dtype")


def _is_float(value: Any) -> bool:
    return _is_array(value) and value.dtype.kind == "f"


def _alike(one: Any, other: Any) -> bool:
    return bool(one.dtype == other.dtype and one.shape == other.shape)


def _same(one: Any, other: Any) -> bool:
    """Whether sequences, maps or nothing at all are equal; the arrays of a sequence as a whole, not by channel."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if _is_array(one) and _is_array(other):
        found = difference(one, other)
        return found.same_nonfinite and found.max_rel <= _IN_SEQUENCES
    return type(one) is type(other) and bool(one == other)
