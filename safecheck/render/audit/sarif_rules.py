"""The rules that the results of a SARIF run refer to, with their help, and SARIF's little language of messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from safecheck.finding import Citation, Finding
from safecheck.render.audit.problems import BUILDER, LONG, PARSER, SCOPE_CHECK, TRANSLATION, UNDECIDED, Problem
from safecheck.render.markdown_text import ADDRESS, inert, link
from safecheck.text import printable

TAGS = 10
"""GitHub shows no more of a rule."""
_HELP = {
    SCOPE_CHECK: (
        "The vendor's own scope check was run on the model, without a GPU and without building an engine. "
        "What it refuses, a builder of that release refuses too."
    ),
    PARSER: (
        "The vendor's own ONNX parser was run on the model, without a GPU, and refused it. "
        "What it does not read is never built."
    ),
    TRANSLATION: (
        "The layers that the vendor's parser made of the model were run, by their documented meaning, beside the file. "
        "A tensor differs: an engine of these layers gives wrong numbers without a word."
    ),
    BUILDER: (
        "The model was built with the safety flag, and the builder or its parser refused it. "
        "The builder has the last word, whatever the audit says."
    ),
    UNDECIDED: (
        "Nothing forbids the model, but not every node is proven allowed, or the model could not be read. "
        "What could not be decided is never a pass: give the model static shapes, ask the vendor's software, "
        "or record a deviation."
    ),
}
_REST = "A code scanning service takes a limited number of results; those left out are counted, never dropped silently."


def rules(problems: Sequence[Problem], rest: str) -> list[dict[str, Any]]:
    """One descriptor for each rule in use, by id; `rest` is the id of the rule about left out results, or empty."""
    first: dict[str, Problem] = {}
    for problem in problems:
        first.setdefault(problem.rule, problem)
    found = [_rule(problem) for problem in first.values()]
    if rest:
        found.append(_descriptor(rest, "More results than fit", _REST, _REST, _REST))
    return sorted(found, key=lambda descriptor: str(descriptor["id"]))


def message(text: str) -> str:
    """Text for a `text` property, where braces are placeholders and `[a](b)` is a link, as nothing but text.

    The text is printable, so its backslashes are doubled already.
    """
    return text.replace("{", "{{").replace("}", "}}").replace("](", "\\](")


def _rule(problem: Problem) -> dict[str, Any]:
    finding = problem.finding
    if finding is None:
        told = _HELP[problem.rule]
        return _descriptor(problem.rule, problem.title, told, told, told)
    why = printable(finding.why, LONG)
    found = _descriptor(problem.rule, problem.title, why or problem.title, _help(finding), _markdown(finding))
    address = next((source.url for source in finding.sources if ADDRESS.match(source.url)), "")
    if address:
        found["helpUri"] = address
    grade = "no evidence" if finding.grade is None else str(finding.grade)
    tags = ["onnx", "tensorrt", str(finding.verdict), grade.replace(" ", "-")]
    found["properties"] = {"grade": grade, "tags": tags[:TAGS]}
    return found


def _descriptor(id_: str, short: str, full: str, text: str, markdown: str) -> dict[str, Any]:
    return {
        "id": id_,
        # GitHub refuses a rule without these texts.
        "shortDescription": {"text": message(short) or id_},
        "fullDescription": {"text": message(full) or id_},
        "help": {"text": message(text) or id_, "markdown": markdown.replace("{", "{{").replace("}", "}}")},
    }


def _help(finding: Finding) -> str:
    lines = [printable(text, LONG) for text in (finding.message, finding.why) if text]
    if finding.advice:
        lines.append(f"Way out: {printable(finding.advice, LONG)}")
    lines += [
        f"Source: {_named(source)}{f', {printable(source.url, LONG)}' if source.url else ''}"
        for source in finding.sources
    ]
    return "\n".join(lines)


def _markdown(finding: Finding) -> str:
    parts = [inert(printable(text, LONG)) for text in (finding.message, finding.why) if text]
    if finding.advice:
        parts.append(f"**Way out:** {inert(printable(finding.advice, LONG))}")
    parts += [f"Source: {link(_named(source), printable(source.url, LONG))}" for source in finding.sources]
    return "\n\n".join(parts)


def _named(source: Citation) -> str:
    place = f", {printable(source.at)}" if source.at else ""
    return f"{printable(source.title)}{place}"
