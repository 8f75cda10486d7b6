"""What must hold for every node there can be: answers, no exceptions, and ignorance never turns a verdict around."""

from __future__ import annotations

import dataclasses
import random
from functools import cache
from itertools import product
from pathlib import Path

import pytest
from case_files import TARGETS, cases
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import ATTRIBUTES, layers, signatures, with_one_fact_less

from safecheck.cost.macs import macs
from safecheck.finding import Verdict
from safecheck.ir.model import load as load_model
from safecheck.ir.signature import UNKNOWN, FactValue, Layer, Signature, Tensor, Unknown, Value
from safecheck.ir.signatures import signatures as signatures_of
from safecheck.rulebook import condition as conditions
from safecheck.rulebook import facts
from safecheck.rulebook.condition import OPERATORS, Combination, Condition, Truth, met, parse, unmet
from safecheck.rulebook.judge import judge, judge_border
from safecheck.rulebook.load import DEFAULT, profile
from safecheck.rulebook.profile import Profile
from safecheck.strict.yaml import load

bounded = settings(
    max_examples=80, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


@cache
def rulebook() -> Profile:
    return profile(DEFAULT)


LAYER_TYPES = sorted({type_ for rule in rulebook().rules for type_ in rule.layers if type_ != "*"})
any_signature = signatures(rulebook().table)
any_layer = layers(rulebook().table, LAYER_TYPES)
MAP = Tensor("FLOAT", (4, 8, 12, 12))
WEIGHTS = Tensor("FLOAT", (8, 8, 3, 3), True)


# --- totality -------------------------------------------------------------------------------------------------------


def is_fact_value(value: object) -> bool:
    if isinstance(value, tuple):
        return all(is_fact_value(member) for member in value)
    return value is UNKNOWN or isinstance(value, bool | int | float | str)


def questions(name: str) -> list[object]:
    if name in facts.ATTRIBUTE_FACTS:
        return [*ATTRIBUTES, "\ud800", "no such attribute"]
    return [(0,), (1,), (0, 1), (63,), (1, 2, 3)] if name in facts.INPUT_FACTS else [None]


@pytest.mark.slow
@bounded
@given(layer=any_layer)
def test_every_fact_answers_about_every_layer(layer: Layer) -> None:
    for name in sorted(facts.ALL_FACT_NAMES):
        for of in questions(name):
            assert is_fact_value(facts.ask(name, of, layer)), (name, of)
            if name in facts.NODE_FACT_NAMES:
                assert is_fact_value(facts.ask(name, of, layer.node)), (name, of)


@pytest.mark.slow
@bounded
@given(layer=any_layer)
def test_every_condition_answers_and_explains(layer: Layer) -> None:
    for rule in rulebook().rules:
        subject = layer.node if rule.operators else layer
        truth = rule.when.evaluate(subject)
        assert truth is True or truth is False or truth is UNKNOWN
        if truth is True:
            assert all(test.evaluate(subject) is not None for test in met(rule.when, subject))
            assert not list(unmet(rule.when, subject))
        else:
            assert all(isinstance(words, str) for _, words in unmet(rule.when, subject))


@pytest.mark.slow
@bounded
@given(signature=any_signature)
def test_every_node_is_judged(signature: Signature) -> None:
    judgement = judge(rulebook(), signature)
    assert judgement.verdict in Verdict
    if judgement.verdict is Verdict.ALLOWED:
        assert not judgement.charges
    else:
        assert judgement.charges, "a verdict that is not `allowed` has a reason"
        worst = max(charge.verdict.severity for charge in judgement.charges)
        assert worst == judgement.verdict.severity, "a verdict is as bad as its worst finding"
    rules = [charge.rule.id for charge in judgement.charges]
    assert len(set(rules)) == len(rules)
    for charge in judgement.charges:
        assert charge.verdict is not Verdict.ALLOWED
        assert charge.evidence, charge.rule.id
    same = judge(rulebook(), signature) == judgement
    assert same
    cost = macs(signature)
    assert cost is None or isinstance(cost, int)


@pytest.mark.slow
@bounded
@given(layer=any_layer)
def test_every_network_input_is_judged(layer: Layer) -> None:
    for charge in judge_border(rulebook(), layer._replace(type="network:io")):
        assert charge.verdict is not Verdict.ALLOWED


# --- ignorance ------------------------------------------------------------------------------------------------------


@st.composite
def forgetful(draw: st.DrawFn) -> tuple[Signature, Signature]:
    """A form, and the same form with some facts forgotten."""
    signature = draw(any_signature)
    return signature, draw(forgotten(signature))


def forgotten(signature: Signature) -> st.SearchStrategy[Signature]:
    def tensor(known: Tensor | None) -> st.SearchStrategy[Tensor | None]:
        if known is None:
            return st.none()
        shape = st.just(known.shape)
        if known.shape is not None:
            dims = st.tuples(*(st.sampled_from([dim, dim, None]) for dim in known.shape))
            shape = st.one_of(shape, dims, st.none())
        return st.builds(
            Tensor,
            dtype=st.sampled_from([known.dtype, known.dtype, None]),
            shape=shape,
            constant=st.just(known.constant),  # structure, not knowledge
            values=st.sampled_from([known.values, None]),
        )

    attributes = st.tuples(
        *(
            st.tuples(
                st.just(name),
                st.sampled_from([value, UNKNOWN] if isinstance(value, Unknown) else [value, value, UNKNOWN]),
            )
            for name, value in signature.attributes
        )
    )
    return st.builds(
        signature._replace,
        attributes=attributes,
        inputs=st.tuples(*map(tensor, signature.inputs)),
        outputs=st.tuples(*map(tensor, signature.outputs)),
    )


@pytest.mark.slow
@settings(bounded, max_examples=60)
@given(pair=forgetful())
def test_forgetting_leaves_a_verdict_or_makes_it_unproven(pair: tuple[Signature, Signature]) -> None:
    known, less = (judge(rulebook(), signature).verdict for signature in pair)
    assert less in (known, Verdict.UNPROVEN)


@pytest.mark.parametrize(
    ("signature", "name"),
    [
        (Signature("AveragePool", "", 17, (("ceil_mode", 1), ("kernel_shape", (6, 6))), (MAP,), (MAP,)), "ceil_mode"),
        (Signature("Conv", "", 17, (("kernel_shape", (1, 1)),), (MAP, WEIGHTS), (MAP,)), "kernel_shape"),
        (
            Signature(
                "ConvTranspose", "", 17, (("output_padding", (1, 1)), ("pads", (1, 1, 1, 1))),
                (MAP, Tensor("FLOAT", (8, 8, 2, 2), True)), (MAP,),
            ),
            "pads",
        ),
    ],
)  # fmt: skip
def test_an_attribute_of_unknown_value_is_not_absent(signature: Signature, name: str) -> None:
    attributes = tuple((key, UNKNOWN if key == name else value) for key, value in signature.attributes)
    verdicts = [judge(rulebook(), known).verdict for known in (signature, signature._replace(attributes=attributes))]
    assert verdicts == [Verdict.UNPROVEN, Verdict.UNPROVEN]


@pytest.mark.parametrize(
    ("operator", "name", "expected"),
    [("HardSigmoid", "beta", UNKNOWN), ("GRU", "activation_alpha", UNKNOWN), ("Conv", "group", True)],
)
def test_a_number_that_is_not_known_may_be_infinite(operator: str, name: str, expected: Truth) -> None:
    signature = Signature(operator, "", 17, ((name, UNKNOWN),), (MAP,), (MAP,))
    assert facts.ask("finite_parameters", None, signature) is expected


@pytest.mark.slow
@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("target", TARGETS)
def test_forgetting_one_fact_of_a_case_leaves_its_verdict_or_unproven(target: str, step: int, tmp_path: Path) -> None:
    chosen = cases(target)[::step]
    book = profile(chosen[0].profile)
    file = tmp_path / "model.onnx"
    looked_at = set[Signature]()
    for case in chosen:
        file.write_bytes(case.proto().SerializeToString())
        for occurrence in signatures_of(load_model(str(file)).graph).nodes:
            if occurrence.signature in looked_at:
                continue
            looked_at.add(occurrence.signature)
            known = judge(book, occurrence.signature).verdict
            for what, signature in with_one_fact_less(occurrence.signature):
                less = judge(book, signature).verdict
                assert less in (known, Verdict.UNPROVEN), f"{case}: {signature.op_type} without {what}"


# --- order ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@bounded
@given(signature=any_signature, seed=st.integers(0, 5))
def test_the_order_of_rules_does_not_decide(signature: Signature, seed: int) -> None:
    shuffled = judge(reordered(seed), signature)
    straight = judge(rulebook(), signature)
    assert shuffled.verdict is straight.verdict
    forbidden = [
        {charge.rule.id for charge in judgement.charges if charge.verdict is Verdict.FORBIDDEN}
        for judgement in (shuffled, straight)
    ]
    assert forbidden[0] == forbidden[1]


@cache
def reordered(seed: int) -> Profile:
    rules = list(rulebook().rules)
    random.Random(seed).shuffle(rules)
    return dataclasses.replace(rulebook(), rules=tuple(rules))


# --- strong Kleene --------------------------------------------------------------------------------------------------

TRUTHS: tuple[Truth, ...] = (True, False, UNKNOWN)


@dataclasses.dataclass(frozen=True)
class Fixed:
    """A condition of known truth."""

    truth: Truth

    def evaluate(self, _: object) -> Truth:
        return self.truth


def worlds(truths: tuple[Truth, ...]) -> list[tuple[bool, ...]]:
    """Every way in which the unknown ones could turn out."""
    return list(product(*([truth] if isinstance(truth, bool) else [True, False] for truth in truths)))


CLASSICAL = {"all_of": all, "any_of": any, "none_of": lambda parts: not any(parts)}


@pytest.mark.parametrize("how", CLASSICAL)
@pytest.mark.parametrize("truths", [combo for count in range(4) for combo in product(TRUTHS, repeat=count)], ids=str)
def test_combinations_are_known_when_every_outcome_agrees(how: str, truths: tuple[Truth, ...]) -> None:
    outcomes = {CLASSICAL[how](world) for world in worlds(truths)}  # type: ignore[operator]
    parts: tuple[Condition, ...] = tuple(Fixed(truth) for truth in truths)  # type: ignore[misc]
    answer = Combination(how, parts).evaluate(Signature("", "", 1, (), (), ()))  # type: ignore[arg-type]
    assert answer is (outcomes.pop() if len(outcomes) == 1 else UNKNOWN)


small = st.one_of(st.integers(-2, 3), st.sampled_from(["a", "b"]), st.booleans())
vectors = st.lists(st.one_of(small, st.just(UNKNOWN)), max_size=3).map(tuple)
limits = {
    "equals": st.one_of(small, st.lists(small, max_size=3).map(tuple)),
    "one_of": st.lists(st.one_of(small, st.lists(small, max_size=3).map(tuple)), min_size=1, max_size=3).map(tuple),
    "between": st.tuples(st.integers(-2, 3), st.integers(-2, 3)),
    "less_than_fact": st.one_of(st.integers(-2, 3), st.lists(st.integers(-2, 3), max_size=3).map(tuple)),
    "equals_fact": st.one_of(small, st.lists(small, max_size=3).map(tuple)),
    "multiple_of": st.integers(1, 3),
}


@settings(bounded, max_examples=60)
@given(data=st.data(), actual=st.one_of(small, vectors), known=st.lists(small, min_size=3, max_size=3))
@pytest.mark.parametrize("operator", OPERATORS)
def test_an_operator_that_is_sure_stays_sure(
    operator: str, data: st.DataObject, actual: FactValue, known: list[Value]
) -> None:
    """Whatever an unknown member turns out to be, a known answer stands."""
    limit = data.draw(limits.get(operator, small))
    before = OPERATORS[operator](limit)(actual)
    if before is UNKNOWN or not isinstance(actual, tuple):
        return
    filled = tuple(known[index] if member is UNKNOWN else member for index, member in enumerate(actual))
    assert OPERATORS[operator](limit)(filled) is before


@pytest.mark.parametrize("operator", OPERATORS)
def test_nothing_is_known_about_unknown_facts(operator: str) -> None:
    limit: Value = (1, 2) if operator in ("one_of", "between") else 1
    assert OPERATORS[operator](limit)(UNKNOWN) is UNKNOWN
    assert OPERATORS[operator](limit)((UNKNOWN,)) is UNKNOWN
    if operator not in ("equals", "equals_fact"):
        assert OPERATORS[operator](limit)(()) is UNKNOWN, "an empty vector does not pass"


@pytest.mark.parametrize(
    ("operator", "actual", "limit", "expected"),
    [
        ("equals", (3, 3), (3, 3), True),
        ("equals", (3, 3), 3, True),
        ("equals", (3, 2), 3, False),
        ("equals", (3, UNKNOWN), (3, 3), UNKNOWN),
        ("equals", (2, UNKNOWN), (3, 3), False),
        ("equals", (UNKNOWN,), (3, 3), False),
        ("equals", 1, True, False),
        ("equals", True, 1, False),
        ("equals", 1.0, 1, True),
        ("equals", "1", 1, False),
        ("equals", (), 3, UNKNOWN),
        ("equals", (), (3, 3), False),
        ("at_most", (7, 7), 7, True),
        ("at_most", (7, 8), 7, False),
        ("at_most", (UNKNOWN, 8), 7, False),
        ("at_most", (UNKNOWN, 7), 7, UNKNOWN),
        ("at_most", "7", 7, False),
        ("at_most", True, 7, False),
        ("at_most", float("nan"), 7, False),
        ("at_least", float("nan"), 7, False),
        ("between", 3, (3, 5), True),
        ("between", 5, (3, 5), True),
        ("between", 6, (3, 5), False),
        ("includes", (1, UNKNOWN), 1, True),
        ("includes", (2, UNKNOWN), 1, UNKNOWN),
        ("includes", (2,), 1, False),
        ("one_of", "a", ("a", "b"), True),
        ("one_of", (1, 2), ((1, 2), (2, 1)), True),
        ("one_of", (1, 1), ((1, 2), (2, 1)), False),
        ("one_of", (1, UNKNOWN), ((1, 2), (2, 1)), UNKNOWN),
        ("multiple_of", (8, 16), 8, True),
        ("multiple_of", (8, 17), 8, False),
        ("less_than_fact", (1, 2), (2, 3), True),
        ("less_than_fact", (1, 3), (2, 3), False),
        ("less_than_fact", (1,), (2, 3), UNKNOWN),
        ("less_than_fact", (1, UNKNOWN), (2, 3), UNKNOWN),
    ],
)
def test_operator(operator: str, actual: FactValue, limit: Value, expected: Truth) -> None:
    assert OPERATORS[operator](limit)(actual) is expected


def test_a_condition_about_a_fact_that_exists_parses_for_every_fact() -> None:
    for name in sorted(facts.ALL_FACT_NAMES):
        of = "axis" if name in facts.ATTRIBUTE_FACTS else 0 if name in facts.INPUT_FACTS else None
        text = f"{{fact: {name}, {'' if of is None else f'of: {of}, '}equals: 1}}"
        (test,) = conditions.tests(parse(load(text, "test.yaml")))
        assert test.fact == name


def test_unknown_is_no_boolean() -> None:
    with pytest.raises(TypeError):
        bool(UNKNOWN)
