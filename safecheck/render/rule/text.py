"""One rule explained: what it says, exactly when, by whose word, the way out, and a model on each side of it."""

from __future__ import annotations

from collections.abc import Iterator

from safecheck.rulebook.cases import Case, Examples
from safecheck.rulebook.condition import describe
from safecheck.rulebook.index import Entry, grade_of


def document(explained: tuple[Entry, Examples]) -> str:
    """All lines, as they are: models are in ONNX's own text."""
    entry, found = explained
    lines = [*_explained(entry), *_example("passes", found.passes), *_example("fails", found.fails)]
    return "".join(f"{line}\n" for line in lines)


def _explained(entry: Entry) -> Iterator[str]:
    rule = entry.rule
    yield f"{rule.id}: {rule.title}"
    yield ""
    yield f"verdict    {rule.verdict} ({grade_of(rule)})"
    if entry.warns:
        yield "standing   a note, and no part of a verdict unless an overlay says strict-defects: true"
    if rule.mandatory:
        yield "category   mandatory: it can be neither deviated nor baselined"
    yield f"profiles   {', '.join(entry.profiles)}"
    yield f"speaks of  {', '.join(rule.operators or rule.layers)}"
    conditions = describe(rule.when)
    yield f"when       {conditions[0] if conditions else 'always'}"
    for line in conditions[1:]:
        yield f"           {line}"
    for words in rule.says:
        yield f"says       {words}"
    if rule.why:
        yield f"known      {rule.why}"
    if rule.advice:
        yield f"way out    {rule.advice}"
    if rule.remedies:
        yield f"remedy     {', '.join(rule.remedies)}"
    for source in rule.sources:
        yield f"source     {source.title}" + (f", {source.at}" if source.at else "")
        yield f"           {source.kind}; read: {source.read}"
        if source.url:
            yield f"           {source.url}"


def _example(heading: str, case: Case | None) -> Iterator[str]:
    if case is None:
        return
    yield ""
    yield f"{heading:<11}{case.name}: {', '.join(case.verdicts)} ({case.profile})"
    for line in case.onnx.strip().splitlines():
        yield f"           {line}"
