"""The equation of an Einsum, read without ONNX's library: its shape inference never ends on some that are none."""

from __future__ import annotations

import re
from collections.abc import Sequence

from safecheck.text import printable

_TERM = re.compile(r"[A-Za-z]*(?:\.\.\.[A-Za-z]*)?\Z")


def equation_error(equation: str) -> str | None:
    """Why an equation is none, in words; None if it is one.

    A term is letters with at most one ellipsis, terms are joined by commas, and at most one arrow is followed by one
    term of letters that stand before it, each once (ONNX, Einsum-12).
    """
    given, arrow, result = "".join(equation.split()).partition("->")
    for term in (*given.split(","), result):
        if _TERM.match(term) is None:
            return f"'{printable(term, 40)}' is no term of letters with at most one ellipsis"
    if not arrow:
        return None
    letters = [letter for letter in result if letter != "."]
    if len(set(letters)) < len(letters):
        return "the result names a letter twice"
    if missing := sorted(set(letters) - set(given)):
        return f"the result names {missing[0]}, which no operand has"
    return "the result has an ellipsis, which no operand has" if "..." in result and "..." not in given else None


def operands_error(equation: str, shapes: Sequence[tuple[int | str | None, ...] | None]) -> str | None:
    """How operands contradict a well-formed equation; None if they do not, or are not known.

    `shapes` are those of the operands, None where one is not known. Axes of one letter are equal, or 1 in different
    operands, which stretches them.
    """
    terms = "".join(equation.split()).partition("->")[0].split(",")
    if len(terms) != len(shapes):
        return f"the equation has {len(terms)} terms, but there are {len(shapes)} operands"
    sizes: dict[str, int] = {}
    for number, (term, shape) in enumerate(zip(terms, shapes, strict=True), 1):
        if shape is None:
            continue
        before, ellipsis, after = term.partition("...")
        free = len(shape) - len(before) - len(after)
        if free < 0 or (free and not ellipsis):
            return f"term {number} has {len(before) + len(after)} letters, but the operand has rank {len(shape)}"
        own: dict[str, int] = {}
        for letter, size in zip(before + after, shape[: len(before)] + shape[len(shape) - len(after) :], strict=True):
            if not isinstance(size, int):
                continue
            if own.setdefault(letter, size) != size:
                return f"axes of the letter {letter} of term {number} have lengths {own[letter]} and {size}"
            known = sizes.get(letter, 1)
            if 1 not in (known, size) and known != size:
                return f"axes of the letter {letter} have lengths {known} and {size}"
            sizes[letter] = max(known, size)
    return None
