"""The verdicts of the profile against those of NVIDIA's own check, wherever that check answers.

The check comes with a proprietary package (extra `oracle`); without it these tests are skipped. A verdict is dangerous
where the check refuses and the profile allows: there is none. Where the profile says unproven and the check accepts,
the reason is listed here.
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

# ONNX infers no shape for what a Loop carries, nor for the expansion of MeanVarianceNormalization.
SHAPES_NOT_INFERRED = ("control flow: Loop", "normalization: MeanVarianceNormalization FLOAT")
# The parser takes UINT8 for INT8, which the profile does not follow; FP8 elements are not kept, so nobody sees that the
# zero points are zero.
TYPES_NOT_FOLLOWED = (
    "quantize: Q FLOAT UINT8", "quantize: Q FLOAT none", "quantize: Q FLOAT16 UINT8", "quantize: Q FLOAT16 none",
    "quantize: QDQ FLOAT UINT8", "quantize: QDQ FLOAT none", "quantize: QDQ FLOAT16 UINT8",
    "quantize: QDQ FLOAT16 none", "quantize: QDQ FLOAT FLOAT8", "quantize: QDQ FLOAT16 FLOAT8",
    "elementwise: Mod of floats INT8", "fill: Trilu BOOL",
)  # fmt: skip
KNOWN = SHAPES_NOT_INFERRED + TYPES_NOT_FOLLOWED


@pytest.fixture(scope="module")
def ask() -> Ask:
    try:
        return scope_check()
    except ImportError as reason:
        pytest.skip(f"the check is not installed (extra `oracle`): {reason}")


def check(compared: list[Compared]) -> None:
    """Nothing dangerous, and agreement wherever it is not known why there is none."""
    assert not [str(one) for one in compared if one.outcome is Outcome.DANGEROUS]
    crashed = [str(one) for one in compared if one.answer.scope is Scope.CRASHED]
    assert not crashed
    others = [one for one in compared if one.outcome in (Outcome.UNPROVEN, Outcome.TOO_STRICT)]
    assert not [str(one) for one in others if not str(one.case).startswith(KNOWN)]


def some(family: str, step: int) -> list[Case]:
    return [case for case in CASES if case.family == family][::step]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_part_of_every_family(ask: Ask, family: str) -> None:
    check([compare(ask, case) for case in some(family, 7)])


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
    compared = [compare(ask, case) for case in backend_cases()]
    assert not [str(one) for one in compared if one.outcome in (Outcome.DANGEROUS, Outcome.TOO_STRICT)]
    count = [one.outcome for one in compared].count
    assert count(Outcome.AGREE) >= 12 * count(Outcome.UNPROVEN)


@pytest.mark.slow
@pytest.mark.skipif(not CORPUS.is_dir(), reason="no exported models here")
def test_exported_models(ask: Ask) -> None:
    compared = [compare(ask, case) for case in corpus_cases(CORPUS)]
    assert not [str(one) for one in compared if one.outcome in (Outcome.DANGEROUS, Outcome.TOO_STRICT)]
    count = [one.outcome for one in compared].count
    assert count(Outcome.AGREE) >= 12 * count(Outcome.UNPROVEN)


def test_a_dynamic_shape_is_never_agreement(ask: Ask) -> None:
    for op, attributes in (("Relu", {}), ("LRN", {"size": 5})):
        model = one(op, [In("FLOAT", ("N", 4, 8, 8))], **attributes)  # type: ignore[arg-type]
        compared = compare(ask, Case("dynamic", op, model))
        assert compared.outcome is Outcome.UNDECIDED
        assert compared.ours != "COMPLIANT"


def test_the_check_tells_why(ask: Ask) -> None:
    answer = ask(one("LRN", [In("FLOAT", (1, 4, 8, 8))], size=5))
    assert answer == Answer(Scope.REFUSED, ("LRN refused",), frozenset({"n0"}))
