"""The equation of an Einsum, read without ONNX's library: its shape inference never ends on some that are none."""

from __future__ import annotations

import re

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
