"""The job summary, and the one function that makes text inert in Markdown."""

from __future__ import annotations

from dataclasses import replace

import html5lib
import pytest
from hypothesis import given, settings
from markdown_it import MarkdownIt
from render.audit.reports import every, forbidden, mixed, refused
from render.audit.strict import read_markdown
from render.audit.test_hostile import NASTY, TEXTS, examples

from safecheck.audit.report import Report
from safecheck.render.audit.markdown import BUDGET, PLACES, document
from safecheck.render.markdown_text import inert, link
from safecheck.text import printable

PLACES_OF_TEXT = {"sentence": ("so ", " is", "p"), "item": ("- ", "", "li"), "cell": ("| h |\n|---|\n| ", " |", "td")}


@pytest.mark.parametrize("place", PLACES_OF_TEXT)
@examples
@given(text=TEXTS)
@settings(max_examples=60, deadline=None)
def test_inert_text_is_shown_as_it_is(place: str, text: str) -> None:
    before, after, tag = PLACES_OF_TEXT[place]
    shown = printable(text)
    source = f"{before}{inert(shown)}{after}"
    read_markdown(source)
    html = MarkdownIt("gfm-like", {"linkify": False}).render(source)
    element = html5lib.parse(html, namespaceHTMLElements=False).find(f".//{tag}")
    found = "".join(element.itertext()).strip()
    assert found == f"{before if tag == 'p' else ''}{shown}{after if tag == 'p' else ''}".strip()


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "http://example.com", "https://a b", "https://x)(y", *NASTY]
)
def test_only_plain_https_addresses_become_links(address: str) -> None:
    safe = address == "https://example.com"
    assert ("](https://" in link("source", printable(address))) is safe
    read_markdown(link("source", printable(address)))


def test_the_verdicts_come_first() -> None:
    found = read_markdown(document(every()))
    assert found[1] == "12 models: 3 compliant, 1 compliant-with-deviations, 4 non-compliant, 4 inconclusive"
    assert found[2 : 2 + len(every())] == [
        f"{symbol} {report.verdict}: {report.path}"
        for report in every()
        for symbol in ["✔" if str(report.verdict).startswith("compliant") else "✘" if "non" in report.verdict else "?"]
    ]


def test_a_summary_tells_the_coverage_decisions_and_refusals() -> None:
    text = "\n".join(read_markdown(document([mixed(), refused()])))
    assert "nodes: 6 = 3 allowed + 1 forbidden + 1 unproven + 1 deviated" in text
    assert "DEV-7 for reduce-mean, approved by S. Assessor until 2027-03-01" in text
    assert "counts for nothing: DEV-3 for reduce-mean: it expired on 2026-01-31 (deviations.yaml:12)" in text
    assert "1 findings known, 2 entries paid off" in text
    assert "vendor's scope check: not in scope" in text
    assert "refuses layer (Unnamed Layer* 4)" in text
    assert "assumptions" in text.lower()


def _large(number: int) -> Report:
    """A report with many findings, each of its own rule, all with the longest of names."""
    report = forbidden()
    assert report.audit is not None
    first = report.audit.findings[0]
    location = replace(first.location, node="|" * 300)
    findings = tuple(
        replace(first, rule=f"rule-{index}", location=location, fingerprint=f"{index:032}") for index in range(number)
    )
    return replace(report, audit=replace(report.audit, findings=findings))


def test_a_summary_is_cut_at_its_budget_and_says_how_much_is_missing() -> None:
    number = 500
    text = document([_large(number)])
    assert BUDGET * 0.95 < len(text.encode()) <= BUDGET
    shown = sum(line.startswith("rule-") for line in read_markdown(text) if line.endswith("(1)"))
    left = text.splitlines()[-1]
    assert f"with {number - shown} problems" in left
    assert 0 < shown < number


@pytest.mark.slow
def test_a_thousand_models_fit_too() -> None:
    reports = [replace(forbidden(), path=f"{'é' * 100}/{index}.onnx") for index in range(1000)]
    text = document(reports)
    assert len(text.encode()) <= BUDGET
    assert text.splitlines()[-1].startswith("**Left out:** ")
    assert "1000 models: 1000 non-compliant" in text


def test_the_places_of_a_rule_are_counted() -> None:
    report = forbidden()
    assert report.audit is not None
    first = report.audit.findings[0]
    many = tuple(replace(first, fingerprint=f"{index:032}") for index in range(PLACES + 3))
    found = read_markdown(document([replace(report, audit=replace(report.audit, findings=many))]))
    assert "and 3 more" in found
