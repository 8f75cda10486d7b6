"""Questions that are heard: whoever listens while a node is judged learns what was asked about it, and the answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias, TypeVar

from safecheck.ir.signature import Layer, Signature, Unknown

Subject: TypeAlias = Signature | Layer
Answer: TypeAlias = bool | Unknown | str
Question: TypeAlias = Callable[[Subject], Answer]
_Answer = TypeVar("_Answer", bound=Answer)
_Result = TypeVar("_Result")


class Heard(NamedTuple):
    """A question, to whom it was put, and what came back."""

    ask: Question
    subject: Subject
    answer: Answer


class _Listener:
    __slots__ = ("heard",)

    def __init__(self) -> None:
        self.heard: list[Heard] | None = None


_LISTENER = _Listener()


def loud(ask: Callable[[Subject], _Answer], about_node: bool) -> Callable[[Subject], _Answer]:
    """The same question, so that it is heard; one about nodes is put to the node of a layer."""

    def asked(subject: Subject) -> _Answer:
        if about_node and isinstance(subject, Layer):
            subject = subject.node
        answer = ask(subject)
        if _LISTENER.heard is not None:
            _LISTENER.heard.append(Heard(ask, subject, answer))
        return answer

    return asked


def listened(work: Callable[[], _Result]) -> tuple[_Result, list[Heard]]:
    """What the work comes to, and every loud question on the way, in their order."""
    heard: list[Heard] = []
    _LISTENER.heard = heard
    try:
        return work(), heard
    finally:
        _LISTENER.heard = None
