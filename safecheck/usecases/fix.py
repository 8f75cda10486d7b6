"""From a model to a permitted one: normalise, rewrite, prove, audit again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from safecheck.audit.audit import audit
from safecheck.audit.report import Report
from safecheck.errors import InputError, SafecheckError, UsageError
from safecheck.finding import Finding
from safecheck.intake.memory import InMemory
from safecheck.intake.onnx_library import library
from safecheck.ir.model import Model, load
from safecheck.rewrite.canonicalize.interface import convert_opset, fix_batch, inline_functions
from safecheck.rewrite.canonicalize.repair import repair
from safecheck.rewrite.canonicalize.run import KINDS, normalise
from safecheck.rewrite.driver import Step, name_of, rewrite_all, words
from safecheck.rewrite.files import check_target, fits, read_whole, written
from safecheck.rewrite.graph import LARGEST, MutableGraph
from safecheck.rewrite.listing import listing, unified_diff
from safecheck.rewrite.proof.difference import Difference
from safecheck.rewrite.proof.local import Proof
from safecheck.rewrite.proof.whole import Whole, compare_models
from safecheck.rewrite.rules import REWRITES
from safecheck.rewrite.rules.impossible import NoPermittedEquivalent
from safecheck.rewrite.verdicts import Verdicts, Weight
from safecheck.rulebook.profile import Profile
from safecheck.strict.yaml import suggest
from safecheck.text import printable
from safecheck.usecases.suggestions import illustrated

NAMES = (
    *(kind.name for kind in KINDS),
    *(rewrite.name for rewrite in REWRITES if not isinstance(rewrite, NoPermittedEquivalent)),
)
"""Everything that --select and --ignore know."""


@dataclass(frozen=True)
class Request:
    """What the caller wants done."""

    batch: int | None = None
    opset: int | None = None
    selected: Collection[str] = ()
    """Only these rewrites; empty for all. Normalisation always runs unless ignored."""
    ignored: Collection[str] = ()
    finite_only: bool = True
    """Whether rewrites may be used that hold for finite values only."""
    whole: bool = True
    """Whether the two models are run against each other as a whole."""
    largest: int = LARGEST
    """Bytes that no tensor of a replacement may exceed where it can be written in parts."""
    illustrate: bool = False
    """Whether the audit of the result knows its pictures."""


@dataclass(frozen=True)
class Left:
    """A finding that remains, and why."""

    finding: Finding
    reason: str


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

    @property
    def applied(self) -> list[Step]:
        """The rewrites that took place."""
        return [step for step in self.steps if step.applied]


def check_names(names: Iterable[str], where: str) -> None:
    """Refuse names that are no rewrite; `where` is what they were given to.

    Raises:
        UsageError: one is not known.
    """
    for name in names:
        if name not in NAMES:
            what = f"no rewrite '{printable(name, 60)}'{suggest(name, NAMES)}"
            raise UsageError("SC-CFG-REWRITE", where, what, f"use one of: {', '.join(NAMES)}")


class ProofError(SafecheckError):
    """The rewritten model does not compute what the original computes (exit 3: never a pass)."""

    exit_code = 3


def fix(source: str | InMemory, target: str | None, profile: Profile, request: Request) -> Fixed:
    """Rewrite a model and write it to `target`; without one nothing is written.

    Raises:
        InputError: the model cannot be read or converted.
        ProofError: the result as a whole is another function; nothing is written then.
        UsageError: the target cannot be written or is an input, or the batch is fixed.
    """
    try:
        return _fixed(source, target, profile, request)
    except ProofError:
        if not request.finite_only:
            raise
        # A network may hold infinities of its own, such as a mask of minus infinity: do without those rewrites then.
        return _fixed(source, target, profile, replace(request, finite_only=False))


def _fixed(source: str | InMemory, target: str | None, profile: Profile, request: Request) -> Fixed:
    model = load(source)
    path = model.path
    check_target(model, target, profile.files)
    before = Report(path, profile, model, audit(model, profile), None)
    original = read_whole(model)
    proto, steps = _prepared(original, request, path)
    reference = proto.SerializeToString() if fits(proto) else model.content or path
    graph = MutableGraph(proto)
    graph.largest = request.largest
    old_lines = listing(graph)
    steps += _normalised(graph, request)
    verdicts = Verdicts(graph, profile)
    chosen = [name for name in request.selected if name in {rewrite.name for rewrite in REWRITES}]
    if chosen or not request.selected:
        steps += rewrite_all(graph, verdicts, chosen, request.ignored, finite_only=request.finite_only)
    if not any(step.applied for step in steps):
        whole_file = read_whole(model)
        with written(whole_file, target, bool(model.external_data)):
            pass
        after = replace(before, path=target or path)
        if request.illustrate:
            after = illustrated(after)
        return Fixed(before, after, tuple(steps), _left(after, steps), None, written=target)
    graph.drop_unused()
    result = graph.model()
    _checked(result, path)
    diff = "\n".join(unified_diff(old_lines, listing(graph)))
    inputs = {name: graph.tensor(name) for name in graph.inputs}
    with written(result, target, bool(model.external_data)) as place:
        whole = compare_models(reference, place, inputs) if request.whole else None
        if whole is not None and not whole.holds:
            what = f"the rewritten model differs from the original by {whole.total.max_rel:.3g} relative"
            raise ProofError(
                "SC-FIX-PROOF", printable(path), what, "nothing was written; leave rewrites out with --ignore"
            )
        new = load(place)
        after = Report(target or path, profile, new, audit(new, profile), None)
        if request.illustrate:  # before the file moves: what could stand in a place is asked of the file
            after = illustrated(after)
    return Fixed(before, after, tuple(steps), _left(after, steps), whole, diff, target)


def plan(model: Model, profile: Profile) -> Weight:
    """How far the model would still be from compliance after `fix`, without running any proof.

    Raises:
        InputError: the model changed since it was audited.
    """
    proto, _ = _prepared(read_whole(model), Request(), model.path)
    graph = MutableGraph(proto)
    normalise(graph)
    verdicts = Verdicts(graph, profile)
    rewrite_all(graph, verdicts, proving=False)
    return verdicts.weigh(graph.nodes)


def _prepared(proto: Any, request: Request, path: str) -> tuple[Any, list[Step]]:
    steps: list[Step] = []
    repaired = repair(proto) if "count-axes-from-front" not in request.ignored else []
    if repaired:
        steps.append(
            _plain(
                "count-axes-from-front", (), [name_of(node) for node in repaired], "a negative axis counts from the end"
            )
        )
    proto, count = inline_functions(proto)
    if count:
        steps.append(
            _plain("inline-functions", (), [], f"{count} model-local functions written out where they are called")
        )
    if request.opset is not None:
        converted = convert_opset(proto, request.opset, printable(path))
        if converted is not proto:
            steps.append(
                _plain("convert-opset", (), [], f"converted to opset {request.opset} by onnx.version_converter")
            )
        proto = converted
    if request.batch is not None and fix_batch(proto, request.batch):
        steps.append(_plain("fix-batch", ("fix-batch",), [], f"every open batch is {request.batch}"))
    return proto, steps


def _normalised(graph: MutableGraph, request: Request) -> list[Step]:
    gone = normalise(graph, frozenset(request.ignored))
    kinds = {kind.name: kind for kind in KINDS}
    return [
        _plain(name, kinds[name].remedies, [name_of(node) for node in nodes], kinds[name].method, words(nodes))
        for name, nodes in gone.items()
    ]


def _plain(name: str, remedies: tuple[str, ...], nodes: list[str], method: str, before: str = "") -> Step:
    """A step that is exact by construction."""
    return Step(name, remedies, tuple(nodes), True, "", before, "", Proof("exact", method, Difference(), 0, 0))


def _checked(result: Any, path: str) -> None:
    """A full check of what is about to be written; failing it is a bug, not the user's fault."""
    if not fits(result):
        return
    try:
        library().checker.check_model(result.SerializeToString(), True, False, False)
    except Exception as error:
        raise InputError(
            "SC-FIX-CHECK", printable(path), f"the rewritten model is not valid ONNX: {printable(str(error), 300)}",
            "nothing was written; if the original passes onnx.checker, please report it",
        ) from error  # fmt: skip


def _left(after: Report, steps: list[Step]) -> tuple[Left, ...]:
    refusals: dict[str, list[str]] = {}
    for step in steps:
        if not step.applied:
            for name in step.nodes[:1]:
                refusals.setdefault(name, []).append(f"{step.name}: {step.reason}")
    found = []
    for finding in after.audit.findings if after.audit is not None else ():
        name = finding.location.node or next(iter(finding.location.outputs), "")
        reasons = refusals.get(name) or ["no rewrite knows a permitted equivalent"]
        if len(reasons) > 1:  # the general reason is for nodes that no rewrite had an idea about
            reasons = [reason for reason in reasons if not reason.startswith(NoPermittedEquivalent.name)]
        found.append(Left(finding, "; ".join(dict.fromkeys(reasons))))
    return tuple(found)
