"""Write `answers.json`: what the real check says about every model of `scope_models`, and about the rule cases of 10.x.

The check must be installed.

Run `python tests/oracle/record_answers.py` after models were added; it takes half a minute.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import onnx
import onnx.shape_inference
from scope_check import VERSION, Scope, scope_check
from scope_models import cases

from safecheck.finding import ModelVerdict
from safecheck.rulebook.cases import Case
from safecheck.rulebook.cases import cases as cases_of

FILE = Path(__file__).parent / "answers.json"
PACKAGE = f"tensorrt_rtx_cu13_bindings {VERSION}"


def fits(answer: Scope, ours: ModelVerdict) -> bool:
    """Whether our verdict goes with an answer: the same, or not compliant where the check was not reached."""
    if answer.decided:
        return ours is (ModelVerdict.COMPLIANT if answer is Scope.INSIDE else ModelVerdict.NON_COMPLIANT)
    return ours is not ModelVerdict.COMPLIANT


@cache
def recorded() -> dict[str, Scope]:
    """The answer about each model, by its name."""
    return _part("answers")


@cache
def recorded_cases() -> dict[str, Scope]:
    """The answer about the model of each rule case, by its file and name."""
    return _part("rule cases")


@cache
def rule_cases() -> dict[str, Case]:
    """The rule cases that the check can be asked about, by file and name."""
    return {f"{case.file}: {case.name}": case for case in cases_of("trt-10")}


def declared(case: Case) -> bytes:
    """The model of a case; its text leaves the types of the outputs to be inferred, which the parser does not do."""
    model = case.proto()
    inferred = onnx.shape_inference.infer_shapes(model)
    for output, found in zip(model.graph.output, inferred.graph.output, strict=True):
        output.CopyFrom(found)
    return bytes(model.SerializeToString())


def _part(name: str) -> dict[str, Scope]:
    found = json.loads(FILE.read_text(encoding="utf-8"))
    if found["package"] != PACKAGE:
        raise ValueError(f"{FILE.name} is about {found['package']}, not {PACKAGE}: record it again")
    return {name: Scope(answer) for name, answer in found[name].items()}


def _main() -> None:
    ask = scope_check()
    answers = {str(case): ask(case.model).scope.value for case in cases()}
    about_cases = {name: ask(declared(case)).scope.value for name, case in rule_cases().items()}
    found = {"package": PACKAGE, "answers": answers, "rule cases": about_cases}
    text = json.dumps(found, indent=0, sort_keys=True)
    FILE.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    _main()
