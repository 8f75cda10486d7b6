"""The HTML pages in a real browser: nothing is fetched, everything can be read, filtered, sorted and printed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import processes
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
        page.evaluate("document.querySelectorAll('.names li:nth-child(n+5)').forEach((node) => node.remove())")
    found = Axe().run(page).response["violations"]
    wrong = [(one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in SERIOUS]
    assert wrong == []


def test_the_verdict_is_in_words_on_the_first_screen(opened: Opened, pages: dict[str, Path]) -> None:
    page = opened(pages["audit"])
    box = page.locator("h1").bounding_box()
    assert page.locator("h1").inner_text() == "Non-compliant"
    assert box["y"] < 200
    for words in ("nodes =", "What decides", "ReduceMean", "Next:", "SHA-256", "It is no engine build", "Reviewer"):
        assert page.get_by_text(words).first.bounding_box()["y"] < 900
    assert page.locator("details.annex[open]").count() == 0


@pytest.mark.parametrize("name", PAGES)
def test_nothing_scrolls_sideways_on_a_telephone(opened: Opened, pages: dict[str, Path], name: str) -> None:
    page = opened(pages[name], viewport={"width": 390, "height": 844})
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    kept(page, f"{name}-390")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    wide = """() => [...document.querySelectorAll("main *")].filter((one) => one.scrollWidth > one.clientWidth + 1
      && ["auto", "scroll"].includes(getComputedStyle(one).overflowX)).map((one) => one.className)"""
    assert page.evaluate(wide) == []


def test_figures_are_numbered_in_their_order_and_drawn_once(opened: Opened, pages: dict[str, Path]) -> None:
    page = opened(pages["several"])
    for report in ("#m1", "#m3"):
        captions = page.locator(f"{report} figcaption").all_text_contents()
        numbers = [int(caption.split()[1].rstrip(":")) for caption in captions]
        assert numbers == list(range(1, len(numbers) + 1))
        assert numbers
        links = page.locator(f"{report} .places a").evaluate_all("links => links.map((link) => link.hash)")
        assert {f"{report}-f{number}" for number in numbers} >= set(links)
    for label in page.locator("svg.graph text").all_text_contents():
        assert "…" not in label.removeprefix("… ") or label == "…", "names are whole"


@pytest.mark.parametrize("scripts", [True, False])
def test_filters_work_with_and_without_scripts(opened: Opened, pages: dict[str, Path], scripts: bool) -> None:
    page = opened(pages["several"], java_script_enabled=scripts)
    report = page.locator("#m1")
    report.locator(".findings > summary").click()
    forbidden, unproven = report.locator(".rule.forbidden"), report.locator(".rule.unproven")
    assert forbidden.first.is_visible()
    report.locator(".show-forbidden").uncheck()
    assert not any(rule.is_visible() for rule in forbidden.all())
    assert unproven.first.is_visible()
    report.locator(".show-forbidden").check()
    report.locator(".show-no-evidence").uncheck()
    assert not any(rule.is_visible() for rule in report.locator(".rule.no-evidence").all())
    assert forbidden.first.is_visible()


def test_search_narrows(opened: Opened, pages: dict[str, Path]) -> None:
    page = opened(pages["large"])
    page.locator(".findings > summary").click()
    page.locator("input[type=search]").fill("relu_output_4002/")
    page.locator(".found").filter(has_text="place").wait_for()
    nodes = page.locator(".names li:not([hidden])")
    assert nodes.count() >= 1
    assert {text.split()[0] for text in nodes.all_text_contents()} == {"4002"}
    page.locator("input[type=search]").fill("")
    page.locator(".found").wait_for(state="hidden")


def test_everything_is_readable_without_scripts(opened: Opened, pages: dict[str, Path]) -> None:
    with_script = opened(pages["audit"]).locator("main").text_content().split()
    page = opened(pages["audit"], java_script_enabled=False)
    without = page.locator("main").text_content().split()
    assert set(with_script) <= set(without)
    assert page.locator("svg.graph").first.is_visible()
    page.locator(".findings > summary").first.click()
    assert page.locator(".places").first.is_visible()


def test_hostile_names_are_text(opened: Opened, pages: dict[str, Path]) -> None:
    page = opened(pages["hostile"])
    assert page.evaluate("window.pwned") is None
    assert page.locator("img, iframe, object, embed, main script").count() == 0
    text = page.locator(".places").first.text_content()
    for name in HOSTILE:
        assert printable(name, 200) in text


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
    first = " ".join(" ".join(found[:2]).split())  # with or behind the list of models
    for words in ("Non-compliant", "What decides", "LayerNormalization", "Softmax", "Next: safecheck fix", "Reviewer"):
        assert words in first


@pytest.mark.parametrize("annex", ["none", "summary", "full"])
def test_the_annex_is_printed_as_far_as_it_was_asked_for(opened: Opened, tmp_path: Path, annex: str) -> None:
    from pypdf import PdfReader

    block = Path(__file__).parents[3] / "examples" / "swin-block.onnx"
    asked = ("--output", f"html={tmp_path / 'page.html'}", "--annex", annex, "--reviewed-as-of", "2026-11-30")
    processes.safecheck_text("audit", str(block), *asked)
    page = opened(tmp_path / "page.html")
    page.pdf(path=str(tmp_path / "page.pdf"), prefer_css_page_size=True)
    found = [" ".join(sheet.extract_text().split()) for sheet in PdfReader(tmp_path / "page.pdf").pages]
    assert "2026-11-30" in found[0]
    assert "Approver" in found[0]
    whole = " ".join(found)
    assert ("Traceability" in whole) == (annex != "none")
    assert ("node_layer_norm_1" in " ".join(found[3:])) == (annex == "full")


def test_ten_thousand_nodes_fit(opened: Opened, pages: dict[str, Path]) -> None:
    assert pages["large"].stat().st_size < 5_000_000
    page = opened(pages["large"])
    total = int(page.locator(".equation").inner_text().split()[0])
    assert total == 10_000
    assert page.locator(".strips tbody tr").count() >= 1


def test_a_fixed_model_shows_before_and_after_with_the_proof(opened: Opened, pages: dict[str, Path]) -> None:
    page = opened(pages["fix"])
    assert page.locator("h1").inner_text() == "Compliant"
    for words in ("What was rewritten", "Price", "Proofs"):
        assert page.get_by_text(words, exact=True).first.bounding_box()["y"] < 900
    sides = page.locator(".sides tbody tr").all_inner_texts()
    assert ["non-compliant" in side for side in sides] == [True, False]
    step = page.locator(".step").filter(has_text="resize-sizes-to-scales").first
    assert step.locator("svg.graph").count() == 2
    assert "Proof" in step.inner_text()


def test_the_contrast_says_who_complies_under_each_target(opened: Opened, pages: dict[str, Path]) -> None:
    page = opened(pages["compare"])
    targets = page.locator(".target")
    assert [target.locator("tbody tr").count() for target in targets.all()] == [3, 3]
    assert targets.last.bounding_box()["y"] < 900
    swin = targets.first.locator("tbody tr").filter(has_text="swin-block").inner_text()
    for words in ("LayerNormalization", "Softmax", "products of activations", "price"):
        assert words in swin
    titles = page.locator("figcaption").all_inner_texts()
    assert {"Distance to tensorrt-8.6-restricted", "Memory traffic per frame, FP16", "Most frequent operators"} <= set(
        titles
    )
    assert page.locator("svg.chart").count() == len(titles)
