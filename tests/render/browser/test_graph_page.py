"""The page of the graph in a real browser: drawn, opened, searched, and hostile names stay texts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from report_models import HOSTILE, hostile, large

from safecheck.text import printable

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
Opened = Callable[..., Any]


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("graphs")
    onnx.save(hostile(), folder / "hostile.onnx")
    onnx.save(large(5000), folder / "large.onnx")
    models = {name: folder / f"{name}.onnx" for name in ("hostile", "large")}
    models["csa"] = ROOT / "examples" / "csa-block-refused.onnx"
    for name, model in models.items():
        command = [sys.executable, "-m", "safecheck", "audit", str(model), "--output", f"graph={folder / name}.html"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
        assert done.returncode == 1, done.stderr
    return {name: folder / f"{name}.html" for name in models}


def drawn(opened: Opened, path: Path, **options: Any) -> Any:
    page = opened(path, **options)
    page.wait_for_function("document.documentElement.dataset.ready")
    return page


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_request_no_message_and_no_barrier(opened: Opened, graphs: dict[str, Path], width: int, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = drawn(opened, graphs["csa"], color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    page.locator(".rule summary").first.click()
    page.get_by_role("button", name="Next place").first.click()
    found = Axe().run(page).response["violations"]
    assert [
        (one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in ("serious", "critical")
    ] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_click_opens_a_part_and_shows_what_stands_against_a_node(opened: Opened, graphs: dict[str, Path]) -> None:
    page = drawn(opened, graphs["csa"])
    page.locator("#fold").click()
    before = page.evaluate("cy.nodes().length")
    spot = page.evaluate("cy.nodes('.folded')[0]?.renderedPosition()")
    if spot is not None:  # a click on the canvas, as a person would
        box = page.locator("#net").bounding_box()
        page.mouse.click(box["x"] + spot["x"], box["y"] + spot["y"])
        page.wait_for_function(f"cy.nodes().length > {before}")
    page.locator(".rule.forbidden summary").first.click()
    page.locator(".rule.forbidden [data-step='1']").first.click()
    words = page.locator("#chosen").inner_text()
    assert "forbidden" in words
    for part in ("Layers", "Rule", "Found", "Way out", "fix"):
        assert part in words
    assert page.locator(".rule.forbidden output").first.inner_text().startswith("1 of ")
    assert page.evaluate("cy.nodes('.chosen').length") == 1


def test_the_search_finds_by_index_and_goes_there(opened: Opened, graphs: dict[str, Path]) -> None:
    page = drawn(opened, graphs["large"])
    page.locator("#search").fill("4321")
    page.locator("#search").press("Enter")
    assert "4321" in page.locator("#chosen h2").first.inner_text()
    middle = page.evaluate("(() => { const spot = cy.$('.chosen').renderedPosition(); return [spot.x, spot.y]; })()")
    size = page.evaluate("[cy.width(), cy.height()]")
    assert all(abs(at - side / 2) < 2 for at, side in zip(middle, size, strict=True))


def test_five_thousand_nodes_are_folded_first_and_can_all_be_opened(opened: Opened, graphs: dict[str, Path]) -> None:
    page = drawn(opened, graphs["large"])
    assert page.evaluate("cy.elements().length") < 300
    page.locator("#unfold").click()
    assert page.evaluate("cy.nodes('.node').length") == 5002, "with input and output"
    kinds = page.evaluate("['allowed','unproven','forbidden'].map((kind) => cy.nodes('.node.' + kind).length)")
    assert sum(kinds) == 5000
    page.locator("#fold").click()
    assert page.evaluate("cy.elements().length") < 300


def test_what_is_drawn_does_not_overlap(opened: Opened, graphs: dict[str, Path]) -> None:
    page = drawn(opened, graphs["csa"])
    page.locator("#unfold").click()
    clashes = page.evaluate(
        """(() => { const boxes = cy.nodes('.node').map((node) => node.boundingBox({includeLabels: false}));
        let count = 0;
        for (let i = 0; i < boxes.length; i++) for (let j = 0; j < i; j++) {
          const a = boxes[i], b = boxes[j];
          if (a.x1 < b.x2 && b.x1 < a.x2 && a.y1 < b.y2 && b.y1 < a.y2) count++;
        }
        return count; })()"""
    )
    assert clashes == 0


def test_hostile_names_are_text(opened: Opened, graphs: dict[str, Path]) -> None:
    page = drawn(opened, graphs["hostile"])
    shown = []
    for number in range(len(HOSTILE)):
        page.locator("#search").fill(str(number))
        page.locator("#search").press("Enter")
        shown.append(page.locator("#chosen").inner_text())
    assert page.evaluate("window.pwned") is None
    assert page.locator("main img, iframe, object, embed, main script").count() == 0
    for name, text in zip(HOSTILE, shown, strict=True):
        assert printable(name, 120) in text


def test_without_scripts_the_findings_are_there(opened: Opened, graphs: dict[str, Path]) -> None:
    page = opened(graphs["csa"], java_script_enabled=False)
    assert page.locator(".rule.forbidden").count() >= 1
    assert page.get_by_text("scripts are off").is_visible()
