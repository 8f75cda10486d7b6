"""Write answers down as an overlay profile: one `measured` rule for every form that was decided."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from safecheck.finding import Verdict
from safecheck.nvidia.backends.backend import Told
from safecheck.nvidia.probe.questions import Question
from safecheck.rulebook.profile import Profile
from safecheck.text import printable

_SOURCE = "probe"
_ALONE = (
    "Every measured form was asked about as a network of its own, with zeros for its weights; what a check makes of it "
    "beside other layers was not asked."
)


def overlay(book: Profile, extends: str, about: str, log_sha256: str, answers: Sequence[tuple[Question, Told]]) -> str:
    """The text of the overlay on `book`, which is called `extends` from where the file will be."""
    source = f"{_SOURCE}-{log_sha256[:12]}"
    lines = [
        "# Written by safecheck probe: what a builder answered about forms that nobody had decided.",
        f"id: {_text(book.id + '-measured')}",
        f"title: {_text(book.title + ', with measured forms')}",
        'version: "1"',
        f"extends: {_text(extends)}",
        "sources:",
        f"  {source}:",
        f"    title: {_text(about)}",
        "    kind: measurement",
        f"    read: {_text(f'every answer; SHA-256 of the answers {log_sha256}')}",
        "assumptions:",
        f"  - id: {source}-alone",
        f"    text: {_text(_ALONE)}",
        "    grade: measured",
        f"    sources: [{{ref: {source}}}]",
    ]
    rules = [line for question, told in answers for line in _rule(question, told, source)]
    return "\n".join([*lines, *(["rules:", *rules] if rules else [])]) + "\n"


def _rule(question: Question, told: Told, source: str) -> Iterator[str]:
    if told.verdict is Verdict.UNPROVEN:
        return
    named = [layer for layer in question.layers if layer in told.layers]
    layers = question.layers if told.verdict is Verdict.ALLOWED or not named else named
    yield f"  - id: {rule_id(question)}"
    yield f"    title: {_text(f'{question.title}, as measured')}"
    yield f"    verdict: {told.verdict}"
    yield f"    layers: [{', '.join(map(_text, layers))}]"
    yield f"    when: {{fact: form_id, equals: {_text(question.id)}}}"
    yield "    grade: measured"
    yield f"    why: {_text(f'The answer about this form alone: {told.words}.')}"
    yield f"    sources: [{{ref: {source}}}]"


def rule_id(question: Question) -> str:
    """`measured-conv-1f2e…`: the operator and the form."""
    operator = re.sub(r"[^a-z0-9]", "", question.title.partition(" ")[0].lower()) or "form"
    return f"measured-{operator}-{question.id[:12]}"


def _text(text: str) -> str:
    # JSON strings of visible characters are YAML strings, whatever is in them.
    return json.dumps(printable(text, 1000), ensure_ascii=False)
