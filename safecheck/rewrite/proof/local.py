"""Prove a replacement where it stands: both sides as models of their own, on the same inputs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from safecheck.ir.signature import Tensor
from safecheck.rewrite.finite import Doubt
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.proof.channels import magnitudes, relative
from safecheck.rewrite.proof.difference import Difference, difference
from safecheck.rewrite.proof.half import Half, half
from safecheck.rewrite.proof.index_map import enumerations
from safecheck.rewrite.proof.judge import judged
from safecheck.rewrite.proof.runtime import RunError, Session
from safecheck.rewrite.proof.samples import FINITE, INFINITE, SEED, SPECIAL, nudged, samples
from safecheck.rewrite.proof.site import UnprovedError, fingerprint, model_of, region, with_aliases
from safecheck.rewrite.replacement import Replacement
from safecheck.rewrite.rule import Claim, Range
from safecheck.rewrite.shelf import Shelf
from safecheck.text import printable

TOLERANCE = 1e-5
"""Of a `tested` claim, relative to the largest magnitude in a channel."""
_FEW = 32
"""Channels of fewer elements are judged with the whole result: the largest of a few can be small by chance."""


@dataclass(frozen=True)
class Proof:
    """What was shown."""

    kind: str
    """`exact`, `bounded` or `tested`."""
    method: str
    difference: Difference
    samples: int
    seed: int
    bound: str = ""
    domain: str = "all values"
    caveats: tuple[str, ...] = ()
    ranges: tuple[Range, ...] = ()
    """Where the bound holds; empty: everywhere."""
    half: Half | None = None
    """Of a bounded replacement in FP32, what it becomes in FP16."""


class Shown(dict[tuple[object, ...], Proof | str]):
    """Proofs, and why there is none, by all that they depend on: both sides but for their names, and the claim.

    The limit of a claim is a function of the same: bounds are derived from what is replaced and from the new constants.
    """


def prove(graph: MutableGraph, replacement: Replacement, claim: Claim, odd: Collection[Doubt] = ()) -> Proof:
    """Run the nodes that make the outputs today and the new ones.

    `odd` are values at the site that can be infinite or NaN: there a claim for finite values is not enough.

    Raises:
        UnprovedError: the results differ by more than claimed, or one side cannot be run.
    """
    feeds = {name: graph.tensor(name) for name in replacement.inputs}
    for name, tensor in feeds.items():
        if tensor.dtype is None or graph.dims(name) is None:
            raise UnprovedError(f"the type or shape of {printable(name, 60)} is not known, so nothing can be run")
    results = [*replacement.outputs, *replacement.aliases]
    old_model = model_of(graph, feeds, region(graph, replacement.inputs, results), results, {})
    new_model = model_of(graph, feeds, with_aliases(replacement), results, replacement.constants)
    floors = tuple((position, claim.floors[name]) for position, name in enumerate(feeds) if name in claim.floors)
    words = (
        claim.kind,
        claim.method,
        claim.moves_data,
        claim.finite_only,
        claim.caveats,
        claim.bound,
        claim.ranges,
        floors,
    )
    extents = {doubt.name: doubt.extent for doubt in odd}
    beyond = tuple((extents[name].inf, extents[name].nan) if name in extents else (False, False) for name in feeds)
    key = fingerprint(old_model), fingerprint(new_model), words, beyond, bool(odd)
    shown = graph.memo(Shown)
    if key not in shown:  # a network repeats its blocks: equal sites with equal weights need one proof
        shown[key] = _shown(graph.shelf, claim, feeds, old_model, new_model, beyond)
    found = shown[key]
    if isinstance(found, str):
        raise UnprovedError(found)
    if found.half is None or not found.half.kept:
        return found
    layers = tuple(replacement.nodes[position].name for position in found.half.kept)  # of this site, not of its equals
    return replace(found, half=replace(found.half, layers=layers))


_Beyond = Sequence[tuple[bool, bool]]
"""For every input, whether it can be infinite and whether it can be NaN."""


def _shown(
    shelf: Shelf, claim: Claim, feeds: Mapping[str, Tensor], old_model: Any, new_model: Any, beyond: _Beyond
) -> Proof | str:
    """The proof, or why there is none."""
    try:
        old, new = (Session(one.SerializeToString(), folder=shelf.folder) for one in (old_model, new_model))
        if claim.moves_data:
            _prove_movement(feeds, old, new)
        proof = _prove_numbers(claim, feeds, old, new)
        if claim.kind == "bounded":
            proof = replace(proof, half=half(shelf, feeds, old, new_model, claim.keep))
        return _prove_beyond(proof, claim, feeds, old, new, beyond) if any(map(any, beyond)) else proof
    except RunError as error:
        raise UnprovedError(f"onnxruntime cannot run it: {printable(str(error), 200)}") from error
    except UnprovedError as failure:
        return str(failure)


def _prove_movement(feeds: Mapping[str, Tensor], old: Session, new: Session) -> None:
    for feed in enumerations(feeds):
        for expected, actual in zip(old.run(feed), new.run(feed), strict=True):
            if not difference(expected, actual).same_bits:
                raise UnprovedError("an element ends in another place")


def _prove_numbers(claim: Claim, feeds: Mapping[str, Tensor], old: Session, new: Session) -> Proof:
    total, count, reached = Difference(), 0, not claim.ranges
    for kind, drawn in samples(feeds):
        feed = {name: _raised(value, claim.floors.get(name)) for name, value in drawn.items()}
        if (wanted := _run(old, feed, kind)) is None:
            continue
        measured = Difference()
        for position, (expected, actual) in enumerate(zip(wanted, new.run(feed), strict=True)):
            inside = _in_range(claim, feed, expected)
            one = difference(expected[inside], actual[inside])
            if kind != SPECIAL or not claim.finite_only:
                try:
                    _check(claim, kind, feed, expected, actual, one)
                except UnprovedError:
                    if claim.kind != "tested" or not _as_steady(old, feed, position, expected, actual):
                        raise
            measured = measured.worst(one)
            reached = reached or (kind in FINITE and bool(expected[inside].size))
        if kind in FINITE:
            total = total.worst(measured)
        count += 1
    if not reached:
        raise UnprovedError("no sample lies in the range for which the bound holds")
    domain = "finite values" if claim.finite_only else "all values"
    return Proof(claim.kind, claim.method, total, count, SEED, claim.bound, domain, claim.caveats, claim.ranges)


def _as_steady(old: Session, feed: Mapping[str, Any], position: int, expected: Any, actual: Any) -> bool:
    """Whether what is replaced moves as far by itself when its inputs move by a few units in the last place.

    Gates that a sum of large numbers opens or shuts are no sharper than the order of that sum.
    """
    moved = [[old.run(nudged(feed, number))[position]] for number in range(2)]
    return not judged([""], [expected], [actual], [magnitudes(expected)], TOLERANCE, moved, extreme=False).failure


def _in_range(claim: Claim, feed: Mapping[str, Any], expected: Any) -> Any:
    """Which elements of a result the claim is about: all, or those that it limits."""
    import numpy

    if not claim.ranges or claim.limit is None or not expected.ndim:
        return ...
    with numpy.errstate(all="ignore"):
        return numpy.broadcast_to(numpy.isfinite(claim.limit(feed, expected)), expected.shape)


def _run(old: Session, feed: Mapping[str, Any], kind: str) -> list[Any] | None:
    """What is replaced computes this; nothing where it refuses the values, such as indices beyond the end."""
    try:
        return old.run(feed)
    except RunError:
        if kind == FINITE[0]:
            raise
        return None


def _prove_beyond(
    proof: Proof, claim: Claim, feeds: Mapping[str, Tensor], old: Session, new: Session, beyond: _Beyond
) -> Proof:
    """The same with infinities and NaN in the inputs that can have them."""
    normal = next(samples(feeds, FINITE[:1]))[1]
    count = 0
    for kind, drawn in samples(feeds, (*INFINITE, SPECIAL)):
        which = (nan if kind == SPECIAL else infinite for infinite, nan in beyond)
        feed = {name: drawn[name] if odd else normal[name] for name, odd in zip(feeds, which, strict=True)}
        if (wanted := _run(old, feed, kind)) is None:
            continue
        for expected, actual in zip(wanted, new.run(feed), strict=True):
            one = difference(expected, actual)
            _check(claim, kind, feed, expected, actual, one)
            if one.max_rel > TOLERANCE and claim.kind != "exact":  # a bound of magnitudes is infinite here
                raise UnprovedError(f"relative error {one.max_rel:.3g} on the {kind} sample")
        count += 1
    return replace(proof, samples=proof.samples + count, domain=f"{proof.domain}, and infinities where they can be")


def _raised(value: Any, floor: float | None) -> Any:
    import numpy

    return value if floor is None else numpy.maximum(value, numpy.asarray(floor, value.dtype))


def _check(claim: Claim, kind: str, feed: Mapping[str, Any], expected: Any, actual: Any, one: Difference) -> None:
    if claim.kind == "exact":
        if not (one.same_values if claim.finite_only else one.same_bits):
            raise UnprovedError(f"not exact on the {kind} sample: differs by {one.max_abs:.3g}, {one.max_ulp:.3g} ULP")
        return
    if not one.same_nonfinite:
        raise UnprovedError(f"infinities or NaN are in other places on the {kind} sample")
    if claim.kind == "bounded" and claim.limit is not None:
        import numpy

        with numpy.errstate(all="ignore"):
            finite = numpy.isfinite(expected) & numpy.isfinite(actual)
            error = numpy.abs(expected.astype(numpy.float64) - actual.astype(numpy.float64))
            excess = (error > claim.limit(feed, expected)) & finite
        if bool(excess.any()):
            raise UnprovedError(f"the error exceeds the derived bound on the {kind} sample: {one.max_abs:.3g}")
    elif (ratio := max(one.max_rel, relative(expected, actual, _FEW))) > TOLERANCE:
        raise UnprovedError(f"relative error {ratio:.3g} on the {kind} sample, more than {TOLERANCE:g}")
