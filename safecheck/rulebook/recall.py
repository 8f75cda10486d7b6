"""Judgements remembered by what they rest on: the form without its sizes, and how every question about a size came out.

A judgement is made by asking. Most questions are about types, ranks, attributes and weights: nodes that differ in the
sizes of their maps alone get the same answers to them. The others are kept as they were asked, as a tree: a node whose
answers lead to its end is judged as the node that was asked before. Only these answers are worked out again.
"""

from __future__ import annotations

from typing import NamedTuple

from safecheck.ir.signature import Layer, Signature, Tensor
from safecheck.rulebook.judge import Judgement, judge
from safecheck.rulebook.profile import Profile
from safecheck.rulebook.questions import Answer, Heard, Question, Subject, listened

_PATIENCE = 32
"""So many more nodes are judged in full than are remembered, then a memory is given up: it costs more than it saves."""


class _Operand(NamedTuple):
    """A tensor of a layer: one of the node's with other contents, or one of the layer's own."""

    position: int | None
    """Among the node's inputs and outputs, one after the other; its shape is taken from there."""
    contents: Tensor | None
    """All but the shape; None where the node's tensor is taken as it is."""


class _Form(NamedTuple):
    """A layer without the sizes of the node that it was lowered from."""

    layer: Layer
    inputs: tuple[_Operand, ...]
    outputs: tuple[_Operand, ...]

    def of(self, node: Signature) -> Layer:
        """The layer of another node of the same form."""
        given = (*node.inputs, *node.outputs)
        type_, kind, _, _, _, role, certain = self.layer
        inputs = tuple([_operand(part, given) for part in self.inputs])
        outputs = tuple([_operand(part, given) for part in self.outputs])
        return Layer(type_, kind, node, inputs, outputs, role, certain)


class _Fork:
    """A question, and what comes after each of the answers it has had: the next question or the judgement."""

    __slots__ = ("about", "ask", "ways")

    def __init__(self, ask: Question, about: _Form | None) -> None:
        self.ask, self.about = ask, about
        self.ways: dict[Answer, _Fork | Judgement] = {}


class _Memory:
    """What is remembered about the nodes of one form."""

    __slots__ = ("found", "missed", "open", "start")

    def __init__(self) -> None:
        self.start: _Fork | Judgement | None = None
        self.found = self.missed = 0
        self.open = True


class Recall:
    """Judges nodes as `judge` does, and remembers."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._memories: dict[object, _Memory] = {}

    def judge(self, node: Signature, form: object) -> Judgement:
        """The judgement on a node and what it is `without_sizes`; what has no like costs no more than `judge`."""
        memory = self._memories.get(form)
        if memory is None:
            self._memories[form] = _Memory()
            return judge(self._profile, node)
        if not memory.open:
            return judge(self._profile, node)
        found = _followed(memory.start, node)
        if found is not None:
            memory.found += 1
            return found
        memory.missed += 1
        return self._judged(memory, node)

    def _judged(self, memory: _Memory, node: Signature) -> Judgement:
        node = node._replace(inputs=tuple(map(_apart, node.inputs)), outputs=tuple(map(_apart, node.outputs)))
        judgement, heard = listened(lambda: judge(self._profile, node))
        refused = any(label.startswith("parser:") for label in judgement.layers)  # as many as there are other tensors
        if refused or memory.missed > memory.found + _PATIENCE or not _learnt(memory, node, heard, judgement):
            memory.open, memory.start = False, None
        return judgement


def _apart(tensor: Tensor | None) -> Tensor | None:
    """The same with a shape of its own, so that it is known again in the layers."""
    return tensor if tensor is None or tensor.shape is None else tensor._replace(shape=tuple(iter(tensor.shape)))


def _followed(at: _Fork | Judgement | None, node: Signature) -> Judgement | None:
    about: _Form | None = None
    subject: Subject = node
    while type(at) is _Fork:
        if at.about is not about:
            about = at.about
            subject = node if about is None else about.of(node)
        at = at.ways.get(at.ask(subject))
    return at  # type: ignore[return-value]


def _learnt(memory: _Memory, node: Signature, heard: list[Heard], end: Judgement) -> bool:
    """Add what was asked to the tree; False where a node of this form was asked something else at the same place."""
    forms: dict[int, _Form | None] = {id(node): None}
    path: list[tuple[_Fork, Answer]] = []
    known: set[tuple[Question, int]] = set()
    for ask, subject, answer in heard:
        if (ask, id(subject)) in known:
            continue
        known.add((ask, id(subject)))
        if id(subject) not in forms:
            form = _form(subject, node) if isinstance(subject, Layer) else None
            if form is None:
                return False
            # One object for all questions about a layer, so that it is made once when they are asked again.
            forms[id(subject)] = next((each for each in forms.values() if each == form), form)
        path.append((_Fork(ask, forms[id(subject)]), answer))
    at = memory.start
    place: tuple[_Fork, Answer] | None = None
    for fork, answer in path:
        if at is None:
            at = fork
            _put(memory, place, fork)
        elif type(at) is not _Fork or at.ask is not fork.ask or at.about != fork.about:
            return False
        place = at, answer
        at = at.ways.get(answer)
    if at is not None:
        return False
    _put(memory, place, end)
    return True


def _put(memory: _Memory, place: tuple[_Fork, Answer] | None, what: _Fork | Judgement) -> None:
    if place is None:
        memory.start = what
    else:
        place[0].ways[place[1]] = what


def _form(layer: Layer, node: Signature) -> _Form | None:
    """A layer without the sizes of its node; None where it has sizes that are not the node's own."""
    if layer.node is not node:
        return None
    given = [*node.inputs, *node.outputs]
    inputs = [_part(tensor, given) for tensor in layer.inputs]
    outputs = [_part(tensor, given) for tensor in layer.outputs]
    if None in inputs or None in outputs:
        return None
    bare = layer._replace(node=_NOBODY, inputs=(), outputs=())
    return _Form(bare, tuple(inputs), tuple(outputs))  # type: ignore[arg-type]


_NOBODY = Signature("", "", 0, (), (), ())


def _part(tensor: Tensor, given: list[Tensor | None]) -> _Operand | None:
    for position, own in enumerate(given):
        if own is not None and tensor.shape is not None and own.shape is tensor.shape:
            return _Operand(position, None if own == tensor else tensor._replace(shape=None))
    if any(type(dim) is int for dim in tensor.shape or ()):
        return None
    return _Operand(None, tensor)


def _operand(part: _Operand, given: tuple[Tensor | None, ...]) -> Tensor:
    if part.position is None:
        return part.contents  # type: ignore[return-value]
    own = given[part.position]
    return own if part.contents is None else part.contents._replace(shape=own.shape)  # type: ignore[union-attr, return-value]
