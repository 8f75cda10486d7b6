"""What the HTML report of 10,000 nodes costs: `python benchmarks/report_speed.py [RUNS]`.

The same audit with and without the page, in turns, as CPU seconds of whole processes; and the first paint of the page
in Chromium (`pip install -e '.[browser]'`), as the browser's own clock says.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import onnx
from measure import paired

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from report_models import large


def first_paint_ms(page_file: Path, runs: int) -> list[float]:
    from playwright.sync_api import sync_playwright

    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for _ in range(runs):
            page = browser.new_page()
            page.goto(page_file.as_uri())
            script = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
            found.append(float(page.evaluate(script)))
            page.close()
        browser.close()
    return found


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        model, html = Path(folder, "large.onnx"), Path(folder, "large.html")
        onnx.save(large(), model)
        audit = [sys.executable, "-m", "safecheck", "audit", "--no-cache", str(model)]
        refused = frozenset({1})
        with_page = [*audit, "--output", f"html={html}"]
        page, plain = paired(with_page, [*audit, "--output", "json"], runs, refused, refused)
        assert plain is not None
        ratio = page.cpu_s / plain.cpu_s
        print(f"10,000 nodes: {page.cpu_s:.2f} s of CPU with HTML, {plain.cpu_s:.2f} s with JSON, {ratio:.2f} x")
        print(f"page: {html.stat().st_size / 1e6:.2f} MB")
        paints = first_paint_ms(html, runs)
        print(
            f"first contentful paint in Chromium: median {statistics.median(paints):.0f} ms, worst {max(paints):.0f} ms"
        )


if __name__ == "__main__":
    main()
