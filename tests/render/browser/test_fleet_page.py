"""The page of a fleet in a real browser: ten thousand models are narrowed, sorted and printed, and names are text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from processes import safecheck_text
from report_models import HOSTILE

from safecheck.text import printable

pytestmark = pytest.mark.slow
TARGETS = ("tensorrt-8.6-restricted", "tensorrt-10-safety")
MODELS = 10_000
Opened = Callable[..., Any]


def result(model: str, target: str, rules: tuple[str, ...], remedied: bool) -> str:
    """A line as `audit --output jsonl` writes it, with the fields that a fleet is made from."""
    verdict, code = ("non-compliant", 1) if rules else ("compliant", 0)
    counts = {"total": 60, "allowed": 60 - len(rules), "forbidden": len(rules), "unproven": 0, "deviated": 0}
    finding = {"deviation": None, "remedies": [{"fix": "x"}] if remedied else []}
    return json.dumps({
        "schema": "safecheck/report/1", "model": {"path": model, "sha256": f"{hash(model) % 16**16:064x}"},
        "profile": {"id": target}, "verdict": verdict, "exit_code": code, "coverage": counts, "error": None,
        "findings": [finding | {"rule": rule} for rule in rules],
    })  # fmt: skip


def page_of(folder: Path, name: str, lines: list[str], *options: str) -> Path:
    (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    done = safecheck_text("fleet", f"{name}.jsonl", "--output", f"html={name}.html", *options, cwd=folder)
    assert (done.returncode, done.stderr) in ((1, ""), (1, f"wrote {name}.html\n")), done.stderr
    return folder / f"{name}.html"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten thousand models under two targets; the tenth of each ten is stopped, under one target only."""
    lines = [
        result(f"team-{number % 7}/model-{number:05}.onnx", target,
               ("softmax", "layer-norm") if number % 10 == 9 and target == TARGETS[0] else (), number % 20 == 9)
        for target in TARGETS
        for number in range(MODELS)
    ]  # fmt: skip
    return page_of(tmp_path_factory.mktemp("fleet"), "large", lines)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hostile names, all lists, and what has changed."""
    folder = tmp_path_factory.mktemp("fleet")
    lines = [
        result(name, target, ("softmax",) if target == TARGETS[0] else (), True)
        for name in HOSTILE
        for target in TARGETS
    ]
    (folder / "before.jsonl").write_text(result("gone.onnx", TARGETS[0], (), False) + "\n")
    assert safecheck_text("fleet", "before.jsonl", "--output", "json=before.json", cwd=folder).returncode == 0
    return page_of(folder, "small", lines, "--since", "before.json")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_request_no_message_and_no_barrier(opened: Opened, small: Path, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    assert Axe().run(opened(small, color_scheme=scheme)).response["violations"] == []


def test_hostile_names_are_text(opened: Opened, small: Path) -> None:
    page = opened(small)
    assert page.evaluate("window.pwned") is None
    assert page.locator("img, iframe, object, embed, main script").count() == 0
    text = page.locator(".models").text_content()
    for name in HOSTILE:
        assert printable(name, 500) in text


@pytest.mark.parametrize("name", ["small", "large"])
def test_nothing_scrolls_sideways_on_a_telephone(opened: Opened, name: str, request: pytest.FixtureRequest) -> None:
    page = opened(request.getfixturevalue(name), viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator(".models td").nth(3).evaluate("cell => getComputedStyle(cell, '::before').content") in (
        '"forbidden "', '"nodes "',
    )  # fmt: skip


def test_a_large_fleet_is_narrowed_and_sorted(opened: Opened, large: Path) -> None:
    assert large.stat().st_size < 8e6
    page = opened(large)
    rows, found = page.locator(".models tbody tr"), page.locator(".found")
    assert rows.count() == 2 * MODELS
    page.get_by_label("Search").fill("MODEL-00019")
    found.filter(has_text=f"2 of {2 * MODELS} verdicts").wait_for()
    model = "team-5/model-00019.onnx"
    assert [text.split()[0] for text in rows.all_text_contents()] == [
        f"{model}tensorrt-8.6-restricted✘", f"{model}tensorrt-10-safety✔",
    ]  # fmt: skip
    assert page.locator(".broken tbody tr").count() == 1
    page.get_by_label("Search").fill("")
    page.get_by_label("Stopped by").select_option("softmax")
    found.filter(has_text=f"{MODELS // 10} of").wait_for()
    page.get_by_label("Verdict").select_option("✔ compliant")
    found.filter(has_text=f"0 of {2 * MODELS}").wait_for()
    page.get_by_label("Verdict").select_option("✘ non-compliant")
    page.get_by_label("fix may free").select_option("yes")
    found.filter(has_text=f"{MODELS // 20} of").wait_for()
    heading = page.locator(".models thead button", has_text="model")
    stopped = sorted(f"team-{number % 7}/model-{number:05}.onnx" for number in range(9, MODELS, 20))
    for first in (stopped[0], stopped[-1]):
        heading.first.click()
        names = page.locator(".models tbody th").all_text_contents()
        assert len(names) == MODELS // 20
        assert names[0] == first
    assert page.locator(".models [aria-sort=descending]").count() == 1


def test_a_large_fleet_is_readable_without_scripts(opened: Opened, large: Path) -> None:
    page = opened(large, java_script_enabled=False)
    assert page.locator(".models tbody tr").count() == 2 * MODELS
    assert not page.locator("form").is_visible()
    assert page.locator(".stops tbody tr").first.is_visible()


def test_it_prints_what_it_is_narrowed_to(opened: Opened, large: Path, tmp_path: Path) -> None:
    from pypdf import PdfReader

    page = opened(large)
    page.get_by_label("Search").fill("model-00")
    page.locator(".found").filter(has_text="2000 of").wait_for()
    page.pdf(path=str(tmp_path / "fleet.pdf"), prefer_css_page_size=True)
    sheets = [sheet.extract_text() for sheet in PdfReader(tmp_path / "fleet.pdf").pages]
    whole = "".join(sheets)
    assert "model-00999.onnx" in "".join(whole.split())
    assert "model-01000.onnx" not in "".join(whole.split())
