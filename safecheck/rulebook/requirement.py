"""Why a rule exists: the requirement on the tool that it serves, where a matrix of rules and cases begins."""

from __future__ import annotations

from collections.abc import Mapping

from safecheck.finding import Verdict
from safecheck.rulebook.rule import Rule

REQUIREMENTS: Mapping[str, str] = {
    "SC-R-ALLOW": "A form of a layer is allowed only where a source of a stated grade shows it.",
    "SC-R-REFUSE": "A form of a layer that the target refuses is forbidden.",
    "SC-R-PARSER": "What the target's ONNX parser or network does not take is no pass.",
    "SC-R-MEANING": "What the target's ONNX parser computes otherwise than ONNX says is no pass, deviated or not.",
    "SC-R-OPEN": "What nobody has evidence about is unproven.",
    "SC-R-DEFECT": "A wrong result that users of the target have reported is shown.",
}
"""Id -> what is required of the rules; docs/safety/requirements.yaml has those on everything else."""


def requirement_of(rule: Rule, warns: bool = False) -> str:
    """The requirement that a rule serves; `warns` for a known defect, which changes no verdict."""
    if warns:
        return "SC-R-DEFECT"
    if rule.mandatory:
        return "SC-R-MEANING"
    if rule.operators:
        return "SC-R-PARSER"
    return {Verdict.ALLOWED: "SC-R-ALLOW", Verdict.FORBIDDEN: "SC-R-REFUSE", Verdict.UNPROVEN: "SC-R-OPEN"}[
        rule.verdict
    ]
