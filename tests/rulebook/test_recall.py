"""A judgement that is remembered is the one that would be made, and it is remembered where only sizes differ."""

from __future__ import annotations

import random
from functools import cache

import pytest
from case_files import TARGETS, cases
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import ATTRIBUTES, layers, signatures

from safecheck.intake.memory import InMemory
from safecheck.ir.model import load
from safecheck.ir.signature import WEIGHTED, Layer, Signature, Tensor, without_sizes
from safecheck.ir.signatures import signatures as signatures_of
from safecheck.rulebook import facts
from safecheck.rulebook.judge import judge
from safecheck.rulebook.load import DEFAULT, profile
from safecheck.rulebook.recall import Recall

bounded = settings(
    max_examples=25, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
SIZES = (0, 1, 1, 2, 3, 4, 7, 8, 16, 32, 33, 300, 4096, 4097, 2**31 - 1, 2**31, 2**40, -1)
LAYER_TYPES = sorted({type_ for rule in profile(DEFAULT).rules for type_ in rule.layers if type_ != "*"})


def other_sizes(node: Signature, chance: random.Random) -> Signature:
    """The node with other sizes of what is computed; weights, and what is no number, stay."""
    weighted = node.op_type in WEIGHTED
    inputs = [tensor if weighted and at else resized(tensor, chance) for at, tensor in enumerate(node.inputs)]
    return node._replace(inputs=tuple(inputs), outputs=tuple(resized(tensor, chance) for tensor in node.outputs))


def resized(tensor: Tensor | None, chance: random.Random) -> Tensor | None:
    if tensor is None or tensor.constant or tensor.shape is None:
        return tensor
    one = chance.choice((None, None, None, 1, 8))  # now and then all dimensions are equal
    new = [(one or chance.choice(SIZES)) if type(dim) is int else dim for dim in tensor.shape]
    return tensor._replace(shape=tuple(new))


@cache
def forms_of_cases(target: str) -> tuple[tuple[str, Signature], ...]:
    """The nodes of some rule cases of a target, each form once, with the name of the profile."""
    found = {}
    chosen = random.Random(target).sample(cases(target), min(12, len(cases(target))))
    for case in chosen:
        for occurrence in signatures_of(load(InMemory(case.proto().SerializeToString(), case.name)).graph).nodes:
            found[case.profile, repr(occurrence.signature)] = case.profile, occurrence.signature
    return tuple(found.values())


def questions(name: str) -> list[object]:
    if name in facts.ATTRIBUTE_FACTS:
        return [*ATTRIBUTES, "no such attribute"]
    return [(0,), (1,), (0, 1), (63,), (1, 2, 3)] if name in facts.INPUT_FACTS else [None]


def same_answers(one: Signature | Layer, other: Signature | Layer) -> None:
    for name in facts.SIZELESS:
        if isinstance(one, Layer) or name not in facts.LAYER_FACTS:
            for of in questions(name):
                assert repr(facts.ask(name, of, one)) == repr(facts.ask(name, of, other)), (name, of, one, other)


@bounded
@given(layer=layers(profile(DEFAULT).table, LAYER_TYPES), seed=st.integers(0, 2**32))
def test_facts_without_sizes_read_none(layer: Layer, seed: int) -> None:
    chance = random.Random(seed)
    changed = Layer(
        layer.type,
        layer.kind,
        other_sizes(layer.node, chance),
        tuple(resized(tensor, chance) or tensor for tensor in layer.inputs),
        tuple(resized(tensor, chance) or tensor for tensor in layer.outputs),
        layer.role,
        layer.certain,
    )
    same_answers(layer, changed)


@pytest.mark.parametrize("target", TARGETS)
def test_facts_without_sizes_read_none_of_the_cases(target: str) -> None:
    chance = random.Random(1)
    for _, node in forms_of_cases(target):
        other = other_sizes(node, chance)
        same_answers(
            Layer("IShuffleLayer", None, node, node.inputs[:1], node.outputs[:1]),  # type: ignore[arg-type]
            Layer("IShuffleLayer", None, other, other.inputs[:1], other.outputs[:1]),  # type: ignore[arg-type]
        ) if None not in (*node.inputs[:1], *node.outputs[:1]) else same_answers(node, other)


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_remembered_is_what_would_be_judged(target: str) -> None:
    chance = random.Random(2)
    books: dict[str, Recall] = {}
    for name, node in forms_of_cases(target):
        recall = books.setdefault(name, Recall(profile(name)))
        for _ in range(6):
            other = other_sizes(node, chance)
            assert without_sizes(other) == without_sizes(node)
            assert recall.judge(other, without_sizes(other)) == judge(profile(name), other), other


@bounded
@given(node=signatures(profile(DEFAULT).table), seed=st.integers(0, 2**32))
def test_any_node_is_judged_as_it_would_be(node: Signature, seed: int) -> None:
    recall, chance = Recall(profile(DEFAULT)), random.Random(seed)
    for other in (node, *(other_sizes(node, chance) for _ in range(6))):
        assert recall.judge(other, without_sizes(other)) == judge(profile(DEFAULT), other)


def test_nodes_that_differ_in_their_sizes_alone_are_judged_in_full_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = []

    def counted(book: object, node: Signature) -> object:
        judged.append(node)
        return judge(book, node)  # type: ignore[arg-type]

    monkeypatch.setattr("safecheck.rulebook.recall.judge", counted)
    weights = Tensor("FLOAT", (4, 4, 3, 3), True), Tensor("FLOAT", (4,), True)
    recall = Recall(profile(DEFAULT))
    for size in range(3, 60):
        maps = Tensor("FLOAT", (1, 4, size, size)), Tensor("FLOAT", (1, 4, size - 2, size - 2))
        node = Signature("Conv", "", 17, (("kernel_shape", (3, 3)),), (maps[0], *weights), maps[1:])
        assert recall.judge(node, without_sizes(node)) == judge(profile(DEFAULT), node)
    assert len(judged) == 2
    for shape in ((1, 4096, 9, 9), (1, 4, 2**15, 2**15)):  # more channels, more elements than the profile allows
        other = node._replace(inputs=(Tensor("FLOAT", shape), *weights))
        judgement = recall.judge(other, without_sizes(other))
        assert judgement == judge(profile(DEFAULT), other) != judge(profile(DEFAULT), node)


def test_numbers_of_another_type_are_another_form() -> None:
    def form(value: object) -> object:
        return without_sizes(Signature("Softmax", "", 17, (("axis", value),), (), ()))  # type: ignore[arg-type]

    assert len({form(1), form(True), form(1.0)}) == 3
