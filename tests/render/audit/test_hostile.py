"""Names from models, paths and decision files are inert in every format, and can still be read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from render.audit.reports import FORMATS, forbidden, hostile, hostile_model, mixed, written
from render.audit.strict import READERS, elements

from safecheck.text import printable

NASTY = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "<!-- ",
    "]]>",
    "&lt;b&gt;&#60;",
    "\u202egnp.exe\u2066",
    "\x1b[31mred\x1b]8;;https://example.com\x07",
    "a\x00b\r\n::error::x",
    "\udc80\ud800",
    "\ufffe\uffff\U000e0001",
    "{0} {{ } %s ${x}",
    " # head",
    "  1. item",
    " - item",
    "[a](b)",
    "a\\](https://example.com)",
    "![x](y) [[z]]",
    "a||b|",
    "`x``y`",
    "@team @@x a@b.c #12 @#1",
    "https://example.com www.example.com",
    "# head",
    "- item",
    "1. item",
    "    code",
    "---",
    "$x$ ~~y~~ __z__",
    "</details></summary>",
    "=cmd()",
    "../../etc/passwd",
    "C:\\x",
    "/",
    "..",
    "é\u0301字",
    "",
    " ",
    "   ",
    "\\",
    "\\n",
    "x" * 300,
]
TEXTS = st.sampled_from(NASTY) | st.lists(
    st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=()), max_size=8), max_size=3
).map("".join)


def examples(test):  # type: ignore[no-untyped-def]
    for text in NASTY:
        test = example(text=text)(test)
    return test


def _units(text: str) -> str:
    """The text as JSON has it, where two surrogates that meet are one character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(FORMATS))
@examples
@given(text=TEXTS)
@settings(max_examples=10)
def test_text_from_outside_is_inert_and_readable(name: str, text: str) -> None:
    output = written(name, [hostile(text)])
    found = READERS[name](output)
    # JSON keeps what a program needs; the others show what a person can read.
    expected = _units(text) if name == "json" else printable(text)
    assert any(expected in part for part in found)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(FORMATS))
@examples
@given(text=TEXTS)
@settings(max_examples=5)
def test_a_model_with_hostile_names_is_reported_in_every_format(name: str, text: str) -> None:
    report = hostile_model(text)
    found = READERS[name](written(name, [report]))
    if report.model is not None:
        node = report.model.proto.graph.node[0].name
        expected = _units(node) if name == "json" else printable(node)
        assert any(expected in part for part in found) or name == "statistics"  # which counts, and names no node


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gitlab", "html", "junit", "markdown", "sarif"])
@pytest.mark.parametrize("text", NASTY)
def test_the_texts_of_a_rule_are_inert(name: str, text: str) -> None:
    report = forbidden()
    assert report.audit is not None
    first = report.audit.findings[0]
    source = replace(first.sources[0], title=text, at=text, url=text)
    finding = replace(first, message=text, why=text, advice=text, remedies=(text,), sources=(source,))
    found = READERS[name](written(name, [replace(report, audit=replace(report.audit, findings=(finding,)))]))
    assert any(printable(text, 2000) in part for part in found)


@pytest.mark.slow
@pytest.mark.parametrize("text", NASTY)
def test_no_name_makes_an_element(text: str) -> None:
    assert elements(written("html", [hostile(text)])) <= elements(written("html", [hostile("plain"), mixed()]))
