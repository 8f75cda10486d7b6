"""From a model to a permitted one: normalise, rewrite, prove, audit again."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from safecheck.audit.audit import audit
from safecheck.audit.report import Report
from safecheck.cost.price import Price
from safecheck.errors import UsageError
from safecheck.finding import Finding
from safecheck.intake.memory import InMemory
from safecheck.intake.onnx_library import messages
from safecheck.ir.model import Model, load
from safecheck.rewrite.canonicalize.run import KINDS
from safecheck.rewrite.driver import EVERYWHERE, Denied, Step, name_of
from safecheck.rewrite.files import check_target, read_whole, written
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.listing import listing, unified_diff
from safecheck.rewrite.proof.local import Shown
from safecheck.rewrite.proof.whole import Whole
from safecheck.rewrite.rules import REWRITES
from safecheck.rewrite.rules.impossible import NoPermittedEquivalent
from safecheck.rewrite.shelf import Shelf
from safecheck.rulebook.profile import Profile
from safecheck.strict.yaml import suggest
from safecheck.text import printable
from safecheck.usecases.attempt import Attempt, attempt, bounded, inputs_of, prepared, repaired
from safecheck.usecases.attempt import Request as Request
from safecheck.usecases.checked import check
from safecheck.usecases.reference import ProofError as ProofError
from safecheck.usecases.reference import held, reference, tested
from safecheck.usecases.suggestions import illustrated
from safecheck.usecases.toll import FREE, Toll, toll

NAMES = (
    *(kind.name for kind in KINDS),
    *(rewrite.name for rewrite in REWRITES if not isinstance(rewrite, NoPermittedEquivalent)),
)
"""Everything that --select and --ignore know."""
_MOST_CULPRITS = 32
"""So many rewrites are left out of a model before it is given up."""
_MOST_ALIKE = 6
"""A rewrite that spoils the model at so many places is left out at all others too: every search costs some runs."""
_TIGHTENINGS = 8
"""Attempts at most to stay below a price."""
_NAMED = 8
_CHOOSING = frozenset(
    {
        "ArgMax", "ArgMin", "Ceil", "Equal", "Floor", "Greater", "GreaterOrEqual", "Hardmax", "Less", "LessOrEqual",
        "NonMaxSuppression", "QuantizeLinear", "Round", "Sign", "ThresholdedRelu", "TopK",
    }
)  # fmt: skip
"""Operators of which a small change of the input can be a large one of the result."""


@dataclass(frozen=True)
class Left:
    """A finding that remains, and why."""

    finding: Finding
    reason: str

    @property
    def node(self) -> str:
        """What a report calls the node it is about."""
        return self.finding.location.node or next(iter(self.finding.location.outputs), "")


@dataclass(frozen=True)
class Fixed:
    """What was done to one model."""

    before: Report
    after: Report
    """The audit of what was written."""
    steps: tuple[Step, ...] = ()
    left: tuple[Left, ...] = ()
    whole: Whole | None = None
    difference: str = field(default="", repr=False)
    """A unified diff of the node lists."""
    written: str | None = None
    """Path of the fixed model; None if it was not kept."""
    notes: tuple[str, ...] = ()
    """What holds beside the rewrites, in sentences."""
    toll: Toll = FREE
    """What it costs."""

    @property
    def applied(self) -> list[Step]:
        """The rewrites that took place."""
        return [step for step in self.steps if step.applied]

    def leaves(self, step: Step) -> list[Left]:
        """The findings that remain because a rewrite was too dear; none of any other step."""
        return [left for left in self.left if step.too_dear and left.node in step.nodes]


def check_names(names: Iterable[str], where: str) -> None:
    """Refuse names that are no rewrite; `where` is what they were given to.

    Raises:
        UsageError: one is not known.
    """
    for name in names:
        if name not in NAMES:
            what = f"no rewrite '{printable(name, 60)}'{suggest(name, NAMES)}"
            raise UsageError("SC-CFG-REWRITE", where, what, f"use one of: {', '.join(NAMES)}")


def fix(source: str | InMemory, target: str | None, profile: Profile, request: Request) -> Fixed:
    """Rewrite a model and write it to `target`; without one nothing is written.

    Where the result as a whole differs from the original, the rewrite that is to blame is found and left out.

    Raises:
        InputError: the model cannot be read or converted.
        ProofError: the result as a whole is another function; nothing is written then.
        UsageError: the target cannot be written or is an input, or the batch is fixed.
    """
    model = load(source)
    check_target(model, target, profile.files)
    before = Report(model.path, profile, model, audit(model, profile), None)
    size = model.size_bytes + sum(file.size_bytes for file in model.external_data)
    with Shelf(size, None if target is None else os.path.dirname(os.path.abspath(target))) as shelf:
        return _fixed(_Run(model, profile, request, shelf), before, target)


def _fixed(run: _Run, before: Report, target: str | None) -> Fixed:
    denied: dict[tuple[str, str], str] = {}
    while True:
        current = run.attempt(denied)
        if not current.applied:
            return _copied(run, before, current, target)
        try:
            return _kept(run, before, current, target)
        except _DiffersError as differs:
            step = run.culprit(current, denied) if len(denied) < _MOST_CULPRITS else None
            if step is None:
                what = f"the rewritten model differs: {differs.whole.failures[0]}"
                todo = "nothing was written; leave rewrites out with --ignore"
                raise ProofError("SC-FIX-PROOF", printable(run.model.path), what, todo) from None
            alike = sum(name == step.name for name, _ in denied)
            anchor = step.anchor if alike < _MOST_ALIKE else EVERYWHERE
            denied[step.name, anchor] = f"left out, because with it {run.blame}"
            if anchor == EVERYWHERE:
                run.agreed = -1  # what comes before is another chain of rewrites from now on


class _DiffersError(Exception):
    """The whole models do not agree."""

    def __init__(self, whole: Whole) -> None:
        super().__init__()
        self.whole = whole


class _Run:
    """Everything that the attempts to fix one model share."""

    def __init__(self, model: Model, profile: Profile, request: Request, shelf: Shelf) -> None:
        self.model = model
        self.shelf = shelf
        self._profile = profile
        self.request = request
        self._proofs = Shown()
        self.agreed = -1
        """So many rewrites from the start are known to agree with the original; -1 before that was asked."""
        self._limit = request.max_price
        self.blame = ""
        """What the last culprit did, in words."""
        proto = shelf.emptied(read_whole(model))
        ends = bounded(proto, request)
        other = held(proto, model.path, shelf) if ends else None
        self.repairs = repaired(proto, request)
        self.reference = reference(model, other, proto if self.repairs else None, shelf)
        self.repairs = ends + self.repairs
        proto, steps = prepared(proto, request, model.path)
        self.inputs = inputs_of(proto)
        self._steps = self.repairs + tested(self.reference, proto, steps, self.inputs, model.path, shelf)
        self._prepared = proto

    def attempt(self, denied: Denied, most: int | None = None) -> Attempt:
        """Rewrite the model from the start.

        Sites are priced on their own while it is rewritten, and what they share with their neighbours shows at the end
        only: where the whole has become dearer than allowed, it is done again with that much less to spend.
        """
        found = self._attempt(denied, most)
        while most is None and self._limit is not None and self.request.max_price is not None:
            overdrawn = found.overdrawn(self.request.max_price)
            if not overdrawn or self._limit <= 0:
                break
            self._limit -= max(overdrawn, self.request.max_price / _TIGHTENINGS)
            found = self._attempt(denied, most)
        return found

    def _attempt(self, denied: Denied, most: int | None) -> Attempt:
        proto = messages().ModelProto()
        proto.CopyFrom(self._prepared)
        return attempt(
            proto, self._steps, self._profile, self.request, self._proofs, denied, most, self._limit, shelf=self.shelf
        )

    def written(self, proto: Any, target: str | None) -> AbstractContextManager[str]:
        """A model as a file; see `files.written`."""
        return written(proto, target, bool(self.model.external_data), self.shelf.folder)

    def toll(self, found: Attempt, price: Price | None, place: str) -> Toll:
        """What a result of this price costs beside the original; it is written at a place."""
        pair = (self.reference.original, place) if self.request.measure else None
        return toll(found.original, price, self.inputs, self.request.max_price, pair)

    def culprit(self, whole: Attempt, denied: Denied) -> Step | None:
        """The first rewrite with which the result differs; None if it does so without any.

        With none of the rewrites it agrees, with all it does not: halving finds a step with which it begins to differ.
        """
        agrees, differs = self.agreed, len(whole.rewrites)
        while differs - agrees > 1:
            middle = (agrees + differs) // 2
            one = self.attempt(denied, middle)
            with self.written(one.release(), None) as place:
                found = self.reference.compare(place, self.inputs, whole.scope)
            if found.holds:
                agrees = middle
            else:
                differs, self.blame = middle, found.failures[0]
        self.agreed = agrees
        return whole.rewrites[differs - 1] if differs > 0 else None


def _copied(run: _Run, before: Report, current: Attempt, target: str | None) -> Fixed:
    """Nothing was done: the file as it is."""
    price = current.price
    current.release()
    with run.written(run.shelf.emptied(read_whole(run.model)), target) as place:
        cost = run.toll(current, price, place)
    after = replace(before, path=target or before.path)
    if run.request.illustrate:
        after = illustrated(after)
    return Fixed(before, after, tuple(current.steps), _left(after, current.steps), None, written=target, toll=cost)


def _kept(run: _Run, before: Report, current: Attempt, target: str | None) -> Fixed:
    """What was done, written if the whole model holds."""
    current.graph.drop_unused()
    diff = "\n".join(unified_diff(current.before, listing(current.graph)))
    told, scope, price = notes(current.graph, current.steps), current.scope, current.price
    with run.written(current.release(), target) as place:
        new = load(place)
        check(new, run.model)
        whole = run.reference.compare(place, run.inputs, scope) if run.request.whole else None
        if whole is not None and not whole.holds:
            run.blame = whole.failures[0]
            raise _DiffersError(whole)
        after = Report(target or run.model.path, before.profile, new, audit(new, before.profile), None)
        if run.request.illustrate:  # before the file moves: what could stand in a place is asked of the file
            after = illustrated(after)
        cost = run.toll(current, price, place)
    left = _left(after, current.steps)
    return Fixed(before, after, tuple(current.steps), left, whole, diff, target, told, cost)


def notes(graph: MutableGraph, steps: Iterable[Step] = ()) -> tuple[str, ...]:
    """What holds beside the rewrites, in sentences."""
    found = []
    if graph.declared.defaults:
        names = ", ".join(printable(name, 40) for name in graph.declared.defaults[:_NAMED])
        found.append(f"inputs with defaults are constants now and cannot be fed any more: {names}")
    if graph.declared.assumed:
        names = ", ".join(printable(name, 40) for name in graph.declared.assumed[:_NAMED])
        found.append(
            f"assumed: behind operators that ONNX does not know, shapes are as the file declares them: {names}"
        )
    if any(step.applied and step.proof is not None and step.proof.kind != "exact" for step in steps):
        choosing = [name_of(node) for node in graph.nodes if node.op_type in _CHOOSING]
        if choosing:
            names = ", ".join(printable(name, 40) for name in choosing[:_NAMED])
            found.append(f"what chooses or jumps can fall the other way where values are closer than a bound: {names}")
    return tuple(found)


def _left(after: Report, steps: list[Step]) -> tuple[Left, ...]:
    refusals: dict[str, list[str]] = {}
    for step in steps:
        if not step.applied:
            for name in step.nodes[:1]:
                refusals.setdefault(name, []).append(f"{step.name}: {step.reason}")
    found = []
    for finding in after.audit.findings if after.audit is not None else ():
        reasons = refusals.get(Left(finding, "").node) or ["no rewrite knows a permitted equivalent"]
        if len(reasons) > 1:  # the general reason is for nodes that no rewrite had an idea about
            reasons = [reason for reason in reasons if not reason.startswith(NoPermittedEquivalent.name)]
        found.append(Left(finding, "; ".join(dict.fromkeys(reasons))))
    return tuple(found)
