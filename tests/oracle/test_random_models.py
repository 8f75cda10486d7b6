"""Random models of every operator, asked of both sides: nothing that the vendor refuses is passed.

These are a few of many: `benchmarks/random_agreement.py` asks about 20,000.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest
from generated.models import NEWEST, OLDEST, operators, random_model
from scope_check import scope_check
from tally import Compared, Difference, Vendor, compared
from warm import CrashError, Warm

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from random_agreement import PAGE, RESULTS, page

MODELS = range(300)


@pytest.fixture(scope="module")
def vendor() -> Iterator[Warm]:
    try:
        scope_check()
    except ImportError as reason:
        pytest.skip(f"the check is not installed (extra `oracle`): {reason}")
    warm = Warm()
    yield warm
    warm.close()


@pytest.fixture(scope="module")
def answers(vendor: Warm) -> list[Compared]:
    return list(compared(MODELS, vendor))


def test_nothing_that_the_vendor_refuses_is_passed(answers: list[Compared]) -> None:
    bad = (Difference.FALSE_PASS, Difference.FALSE_PASS_UNCHECKED, Difference.PASSED_NODE)
    assert [str(one) for one in answers if one.difference in bad] == []


def test_nothing_that_is_in_scope_is_refused(answers: list[Compared]) -> None:
    assert [str(one) for one in answers if one.difference is Difference.FALSE_ALARM] == []


def test_every_kind_of_answer_occurs(answers: list[Compared]) -> None:
    found = Counter(one.vendor for one in answers)
    assert found[Vendor.INSIDE] > len(answers) / 3
    assert all(found[kind] for kind in (Vendor.OUTSIDE, Vendor.PARSER, Vendor.NETWORK, Vendor.UNCHECKED))


def test_a_number_makes_the_same_model_again() -> None:
    assert [random_model(seed) for seed in range(20)] == [random_model(seed) for seed in range(20)]


def test_most_models_are_legal() -> None:
    def is_legal(model: bytes) -> bool:
        try:
            onnx.checker.check_model(onnx.ModelProto.FromString(model), full_check=True)
        except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError):
            return False
        return True

    assert sum(is_legal(random_model(seed).model) for seed in range(100)) > 60


def test_every_operator_was_asked_about() -> None:
    asked = {row[0] for row in json.loads(RESULTS.read_text(encoding="utf-8"))["counts"]}
    known = {name for opset in range(OLDEST, NEWEST + 1) for domain, name in operators(opset) if not domain}
    assert known <= asked


def test_a_process_that_dies_takes_one_question_with_it(vendor: Warm) -> None:
    process = vendor._process
    assert process is not None
    process.kill()
    assert b"INSIDE" in vendor.ask(_small())
    with pytest.raises(CrashError):
        Warm(seconds=0.0).ask(_small())


def _small() -> bytes:
    text = '<ir_version: 8, opset_import: ["" : 17]> g (float[1, 4] x) => (float[1, 4] y) { y = Relu (x) }'
    return bytes(onnx.parser.parse_model(text).SerializeToString())


def test_the_page_is_that_of_the_counts() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(json.loads(RESULTS.read_text(encoding="utf-8")))
