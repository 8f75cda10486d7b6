"""The HTML pages in a real browser: nothing is fetched, everything can be read, filtered, sorted and printed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from report_models import HOSTILE

from safecheck.text import printable

pytestmark = pytest.mark.slow
PAGES = ("audit", "several", "hostile", "large", "fix", "compare")
SERIOUS = ("serious", "critical")
Opened = Callable[..., Any]


def kept(page: Any, name: str) -> None:
    folder = os.environ.get("SAFECHECK_ARTIFACTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_request_no_message_and_no_barrier(opened: Opened, pages: dict[str, Path], name: str, scheme: str) -> None:
    """axe-core looks at contrast, names and structure; `opened` at requests and the console."""
    from axe_playwright_python.sync_playwright import Axe

    page = opened(pages[name], color_scheme=scheme)
    kept(page, f"{name}-{scheme}")
    if name == "large":  # the audit of thousands of rows takes minutes and finds what the small page shows
        page.evaluate("document.querySelectorAll('.places tbody tr:nth-child(n+5)').forEach((row) => row.remove())")
    found = Axe().run(page).response["violations"]
    wrong = [(one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in SERIOUS]
    assert wrong == []


def test_the_verdict_is_in_words_on_the_first_screen(opened: Opened, pages: dict[str, Path]) -> None:
    page = opened(pages["audit"])
    box = page.locator("h1").bounding_box()
    assert page.locator("h1").inner_text() == "Non-compliant"
    assert box["y"] < 200
    for words in ("nodes =", "SHA-256", "It is no engine build", "tensorrt-8.6-restricted"):
        assert page.get_by_text(words).first.bounding_box()["y"] < 900


@pytest.mark.parametrize("scripts", [True, False])
def test_filters_work_with_and_without_scripts(opened: Opened, pages: dict[str, Path], scripts: bool) -> None:
    page = opened(pages["several"], java_script_enabled=scripts)
    report = page.locator("#m1")
    forbidden, unproven = report.locator(".rule.forbidden"), report.locator(".rule.unproven")
    assert forbidden.first.is_visible()
    report.locator(".show-forbidden").uncheck()
    assert not any(rule.is_visible() for rule in forbidden.all())
    assert unproven.first.is_visible()
    report.locator(".show-forbidden").check()
    report.locator(".show-no-evidence").uncheck()
    assert not any(rule.is_visible() for rule in report.locator(".rule.no-evidence").all())
    assert forbidden.first.is_visible()


def test_search_narrows_and_sort_sorts(opened: Opened, pages: dict[str, Path]) -> None:
    page = opened(pages["large"])
    page.locator("summary").first.click()
    page.locator("input[type=search]").fill("relu_output_4002/")
    page.locator(".found").filter(has_text="place").wait_for()
    rows = page.locator(".places tbody tr:not([hidden])")
    assert {row.locator("td").nth(2).inner_text() for row in rows.all()} <= {"Relu", ""}
    assert rows.count() >= 1
    page.locator("input[type=search]").fill("")
    page.locator(".found").wait_for(state="hidden")
    page = opened(pages["several"])
    table = page.locator("#m1 .places").first
    column = "rows => rows.map((row) => Number(row.cells[0].textContent))"
    before = table.locator("tbody tr").evaluate_all(column)
    table.get_by_role("button", name="index").click()
    assert table.locator("th").first.get_attribute("aria-sort") == "ascending"
    assert table.locator("tbody tr").evaluate_all(column) == sorted(before)
    table.get_by_role("button", name="index").click()
    assert table.locator("tbody tr").evaluate_all(column) == sorted(before, reverse=True)


def test_everything_is_readable_without_scripts(opened: Opened, pages: dict[str, Path]) -> None:
    with_script = opened(pages["audit"]).locator("main").inner_text().split()
    page = opened(pages["audit"], java_script_enabled=False)
    without = page.locator("main").inner_text().split()
    assert set(with_script) - {"Search", "▲", "▼"} <= set(without)
    assert page.locator("svg.graph").first.is_visible()


def test_hostile_names_are_text(opened: Opened, pages: dict[str, Path]) -> None:
    page = opened(pages["hostile"])
    assert page.evaluate("window.pwned") is None
    assert page.locator("img, iframe, object, embed, main script").count() == 0
    text = page.locator(".places").first.text_content()
    for name in HOSTILE:
        assert printable(name, 90) in text


def test_printing_gives_pages_with_headers(opened: Opened, pages: dict[str, Path], tmp_path: Path) -> None:
    from pypdf import PdfReader

    page = opened(pages["several"])
    page.pdf(path=str(tmp_path / "report.pdf"), prefer_css_page_size=True, print_background=True)
    found = [sheet.extract_text() for sheet in PdfReader(tmp_path / "report.pdf").pages]
    assert len(found) > 3
    for number, text in enumerate(found, 1):
        assert "safecheck: NON-COMPLIANT / COMPLIANT" in text
        assert f"page {number} of {len(found)}" in text
    whole = " ".join(" ".join(found).split())
    assert "What this verdict is not" in whole
    assert "Traceability" in whole


def test_ten_thousand_nodes_fit(opened: Opened, pages: dict[str, Path]) -> None:
    assert pages["large"].stat().st_size < 5_000_000
    page = opened(pages["large"])
    total = int(page.locator(".equation").inner_text().split()[0])
    assert total == 10_000
    assert page.locator(".strips tbody tr").count() >= 1


def test_a_fixed_model_shows_before_and_after_with_the_proof(opened: Opened, pages: dict[str, Path]) -> None:
    page = opened(pages["fix"])
    assert page.locator("h1").inner_text() == "Compliant"
    step = page.locator(".step").filter(has_text="resize-sizes-to-scales").first
    assert step.locator("svg.graph").count() == 2
    assert "Proof" in step.inner_text()


def test_the_contrast_says_who_complies_under_each_target(opened: Opened, pages: dict[str, Path]) -> None:
    page = opened(pages["compare"])
    cards = page.locator(".card")
    assert cards.count() == 3
    assert [card.locator(".verdict").count() for card in cards.all()] == [2, 2, 2]
    titles = page.locator("figcaption").all_inner_texts()
    assert {"Distance to tensorrt-8.6-restricted", "Memory traffic per frame, FP16", "Most frequent operators"} <= set(
        titles
    )
    assert page.locator("svg.chart").count() == len(titles)
