"""What an audit says that `fix` removes, `fix` removes, and nothing that is not allowed comes in its place."""

from __future__ import annotations

import pytest
from case_files import cases

from safecheck.audit.decision import decision
from safecheck.intake.memory import InMemory
from safecheck.rulebook.load import profile
from safecheck.rulebook.profile import OF_OPERATOR
from safecheck.usecases.audit import judged
from safecheck.usecases.planned import with_plan

RULES = {
    "trt-8.6": ("conv-other", "plugin-instance-normalization"),
    "trt-10": (),
    "dla-orin-8.6": (),
    "dla-xavier-8.5": (),
}
"""Rules whose cases are asked; of a target with none, all rules that name the rewrites of the operator."""


@pytest.mark.slow
@pytest.mark.parametrize("target", RULES)
def test_where_every_finding_names_a_remedy_the_plan_leaves_nothing(target: str) -> None:
    broken, seen = [], 0
    for case in cases(target):
        book = profile(case.profile)
        asked = RULES[target] or {rule.id for rule in book.rules if OF_OPERATOR in rule.remedies}
        if case.findings.isdisjoint(asked):
            continue
        report = judged(InMemory(case.proto().SerializeToString()), book)
        rows = decision(report)
        if not rows or any(row.left for row in rows):
            continue
        seen += 1
        plan = with_plan(report).plan
        assert plan is not None
        if plan.problem or plan.forbidden or plan.unproven:
            named = sorted({name for row in rows for name in row.remedies})
            broken.append(f"{case.name}: {named}, {plan.problem or (plan.forbidden, plan.unproven)}")
    assert broken == []
    assert seen >= 5
