"""Write `answers.json`: what the real check says about every model of `scope_models`. The check must be installed.

Run `python tests/oracle/record_answers.py` after models were added; it takes half a minute.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from scope_check import VERSION, Scope, scope_check
from scope_models import cases

from safecheck.finding import ModelVerdict

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
    found = json.loads(FILE.read_text(encoding="utf-8"))
    if found["package"] != PACKAGE:
        raise ValueError(f"{FILE.name} is about {found['package']}, not {PACKAGE}: record it again")
    return {name: Scope(answer) for name, answer in found["answers"].items()}


def _main() -> None:
    ask = scope_check()
    answers = {str(case): ask(case.model).scope.value for case in cases()}
    text = json.dumps({"package": PACKAGE, "answers": answers}, indent=0, sort_keys=True)
    FILE.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    _main()
