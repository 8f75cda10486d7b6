"""How long the page of the graph takes in a real Chromium: `python benchmarks/graph_page.py GRAPH.html...`.

`safecheck audit MODEL --output graph=GRAPH.html` writes one; needs the extra `browser` and a chromium on the path.
Prints the time from the request of the page to the first picture that can be used, and what the main thread computed
until then, which does not depend on what else the machine does; then the same for opening every part, and the frames
while the open network is moved.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

MOVED = """async () => {
  const times = [];
  let last = performance.now();
  for (let step = 0; step < 60; step++) {
    cy.panBy({ x: 5, y: 2 });
    await new Promise((resolve) => requestAnimationFrame(resolve));
    const now = performance.now();
    times.push(now - last);
    last = now;
  }
  return times.sort((one, other) => one - other);
}"""


def computed(session: Any) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration")


def main(files: list[str]) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for file in files:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            session = page.context.new_cdp_session(page)
            session.send("Performance.enable", {"timeDomain": "threadTicks"})
            page.goto(Path(file).absolute().as_uri())
            page.wait_for_function("document.documentElement.dataset.ready")
            ready, used = page.evaluate("Number(document.documentElement.dataset.ready)"), computed(session)
            nodes = page.evaluate("data.nodes.length")
            print(f"{file}: {nodes} nodes; usable after {ready} ms, {used:.2f} s computed")
            took = page.evaluate(
                "(() => { const from = performance.now(); all(true); return performance.now() - from; })()"
            )
            print(f"  all parts open: {took:.0f} ms, {computed(session) - used:.2f} s computed")
            page.wait_for_timeout(1000)
            frames = page.evaluate(MOVED)
            print(f"  frame while it is moved: median {frames[30]:.0f} ms, 95% {frames[56]:.0f} ms")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
