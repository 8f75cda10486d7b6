"""What `fix` would make of a model, without running any proof: how far it would get, and for which price."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from safecheck.audit.audit import audit
from safecheck.audit.decision import asked, decision
from safecheck.audit.plan import Plan
from safecheck.audit.report import Report
from safecheck.errors import InputError
from safecheck.finding import ModelVerdict
from safecheck.intake.memory import InMemory
from safecheck.ir.model import Model, load
from safecheck.rewrite.files import fits, read_whole
from safecheck.rewrite.proof.local import Shown
from safecheck.rewrite.verdicts import Verdicts, Weight
from safecheck.rulebook.profile import Profile
from safecheck.usecases.attempt import Attempt, Request, attempt, bounded, inputs_of, prepared, repaired
from safecheck.usecases.planning import limited
from safecheck.usecases.toll import Toll, toll


@dataclass(frozen=True, slots=True)
class Planned:
    """A model as rewriting would leave it."""

    weight: Weight
    """What the profile would not allow of its nodes."""
    verdict: ModelVerdict | None
    """On the whole; None of a model that no file can hold in one piece."""
    toll: Toll


def plan(report: Report, model: Model) -> Planned:
    """Rewrite an audited model without running any proof, as the command does that the report names next.

    Raises:
        InputError: the model changed since it was audited.
    """
    batch, four = asked(decision(report))
    profile, request = report.profile, Request(batch=1 if batch else None, four=four)
    proto = read_whole(model)
    bounded(proto, request)
    repaired(proto, request)
    proto, steps = prepared(proto, request, model.path)
    inputs = inputs_of(proto)
    found = attempt(proto, steps, profile, request, Shown(), proving=False)
    weight = Verdicts(found.graph, profile).weigh(found.graph.nodes)
    cost = toll(found.original, found.price, inputs, None, None)
    return Planned(weight, _verdict(found, profile), cost)


def with_plan(report: Report) -> Report:
    """The report with what `fix` would make of the model; one that passes, or could not be judged, needs none."""
    if report.model is None or report.exit_code == 0:
        return report
    try:
        found = limited(partial(plan, report, report.model), report.path)
    except InputError as error:
        return replace(report, plan=Plan(problem=str(error)))
    weight, toll = found.weight, found.toll
    return replace(report, plan=Plan(weight.forbidden, weight.unproven, found.verdict, toll.before, toll.after))


def _verdict(found: Attempt, profile: Profile) -> ModelVerdict | None:
    result = found.release()
    return audit(load(InMemory(result.SerializeToString())), profile).verdict if fits(result) else None
