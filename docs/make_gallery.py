"""Make docs/gallery: every page light and dark, wide and narrow, the printed page, and the terminal at 80 columns.

Needs `pip install -e '.[browser]'` and a chromium on the path. The pages are those of real runs on the examples.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
GALLERY = ROOT / "docs" / "gallery"
TARGETS = ("--profile", "tensorrt-8.6-restricted", "--profile", "tensorrt-10-safety")
BLOCKS = ("csa-block.onnx", "swin-block.onnx", "convnext-block.onnx", "cvt-block.onnx")
PAGES = {
    "audit": ("audit", "swin-block.onnx", "--reviewed-as-of", "2026-11-30"),
    "fix": ("fix", "csa-block-refused.onnx", "--dry-run", "--reviewed-as-of", "2026-11-30"),
    "several": ("audit", "csa-block.onnx", "convnext-block.onnx", "cvt-block.onnx"),
    "compare": ("compare", *BLOCKS, *TARGETS),
    "graph": ("audit", "swin-block.onnx"),
    "fleet": ("fleet", "{results}"),
}
"""Name -> the command that writes the page; `{results}` is what an audit of all blocks under all targets has found."""
READY = {"graph": "document.documentElement.dataset.ready"}
"""Pages that draw themselves, and what is true once they have."""
SCREENS = {1280: 900, 390: 844}
COLUMNS = 80


def run(*arguments: str, **environment: str) -> str:
    """What a command prints; it runs beside the examples."""
    command = [sys.executable, "-m", "safecheck", *arguments]
    done = subprocess.run(
        command, cwd=ROOT / "examples", env={**os.environ, **environment}, capture_output=True, text=True
    )
    if done.returncode not in (0, 1, 3):
        raise SystemExit(done.stderr)
    return done.stdout


def terminal() -> str:
    """The first screens of an audit in a terminal of 80 columns, as a page."""
    printed = run("audit", "swin-block.onnx", "--no-cache", FORCE_COLOR="1", COLUMNS=str(COLUMNS))
    lines = printed.splitlines()
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), highlight=False)
    for line in [*lines[:36], "...", *lines[-12:]]:
        console.print(Text.from_ansi(line))
    return f"<!doctype html><title>terminal</title>{console.export_svg(title='safecheck audit swin-block.onnx')}"


def shot(page: Any, name: str, **options: Any) -> None:
    """What the page shows, as a small file."""
    picture = Image.open(io.BytesIO(page.screenshot(**options)))
    picture.save(GALLERY / f"{name}.webp", quality=80, method=6)


def main() -> None:
    """Run the commands, open the pages, take the pictures: two screens of each."""
    GALLERY.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        results = Path(folder, "results.jsonl")
        run("audit", *BLOCKS, *TARGETS, "--output", f"jsonl={results}")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, command in PAGES.items():
            file = Path(folder, f"{name}.html")
            form = "graph" if name == "graph" else "html"
            run(*(part.format(results=results) for part in command), "--output", f"{form}={file}")
            for width, height in SCREENS.items():
                for scheme in ("light", "dark"):
                    page = browser.new_page(viewport={"width": width, "height": 2 * height}, color_scheme=scheme)
                    page.goto(file.as_uri())
                    page.wait_for_function(READY.get(name, "true"))
                    shot(page, f"{name}-{width}-{scheme}")
                    if (name, width, scheme) == ("audit", 1280, "light"):
                        page.pdf(path=str(GALLERY / "audit.pdf"), prefer_css_page_size=True, print_background=True)
                    page.close()
        file = Path(folder, "terminal.html")
        file.write_text(terminal(), encoding="utf-8")
        page = browser.new_page(viewport={"width": 1000, "height": 1300})
        page.goto(file.as_uri())
        shot(page, "terminal-80-columns")
        browser.close()


if __name__ == "__main__":
    main()
