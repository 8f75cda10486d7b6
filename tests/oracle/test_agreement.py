"""The verdicts of the profile against those of NVIDIA's own check, wherever that check answers.

The check comes with a proprietary package (extra `oracle`); without it these tests are skipped. A verdict is dangerous
where the check refuses and the profile allows. There is none, and none is stricter than the check either.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from agreement import Compared, Outcome, backend_cases, compare, corpus_cases
from scope_check import Answer, Ask, Scope, scope_check
from scope_models import Case, cases, one, random_model
from scope_models import Input as In

CORPUS = Path(__file__).parents[1] / "corpus" / "data"
CASES = cases()
FAMILIES = sorted({case.family for case in CASES})


@pytest.fixture(scope="module")
def ask() -> Ask:
    try:
        return scope_check()
    except ImportError as reason:
        pytest.skip(f"the check is not installed (extra `oracle`): {reason}")


def check(compared: list[Compared]) -> None:
    """Both say the same wherever the check says anything, and we pass nothing of which it says nothing."""
    assert not [str(one) for one in compared if one.answer.scope is Scope.CRASHED]
    assert not [str(one) for one in compared if one.outcome not in (Outcome.AGREE, Outcome.INVALID, Outcome.UNDECIDED)]


def some(family: str, step: int) -> list[Case]:
    return [case for case in CASES if case.family == family][::step]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_part_of_every_family(ask: Ask, family: str) -> None:
    check([compare(ask, case) for case in some(family, 40)])


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_every_limit_and_both_sides_of_it(ask: Ask, family: str) -> None:
    check([compare(ask, case) for case in some(family, 1)])


@pytest.mark.parametrize("layers", [1, 10])
def test_random_networks(ask: Ask, layers: int) -> None:
    check([compare(ask, Case(f"random {layers}", str(seed), random_model(seed, layers))) for seed in range(40)])


@pytest.mark.slow
@pytest.mark.parametrize("layers", [1, 10])
def test_many_random_networks(ask: Ask, layers: int) -> None:
    numbers = range(1000, 1500)
    check([compare(ask, Case(f"random {layers}", str(seed), random_model(seed, layers))) for seed in numbers])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_node_models_of_onnx(ask: Ask) -> None:
    check([compare(ask, case) for case in backend_cases()])


@pytest.mark.slow
@pytest.mark.skipif(not CORPUS.is_dir(), reason="no exported models here")
def test_exported_models(ask: Ask) -> None:
    check([compare(ask, case) for case in corpus_cases(CORPUS)])


def test_a_dynamic_shape_is_never_agreement(ask: Ask) -> None:
    for op, attributes in (("Relu", {}), ("LRN", {"size": 5})):
        model = one(op, [In("FLOAT", ("N", 4, 8, 8))], **attributes)  # type: ignore[arg-type]
        compared = compare(ask, Case("dynamic", op, model))
        assert compared.outcome is Outcome.UNDECIDED
        assert compared.ours != "COMPLIANT"


def test_the_check_tells_why(ask: Ask) -> None:
    answer = ask(one("LRN", [In("FLOAT", (1, 4, 8, 8))], size=5))
    assert answer == Answer(Scope.REFUSED, ("LRN layer refused",), frozenset({"n0"}))
