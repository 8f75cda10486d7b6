"""Make docs/report.png: the first screen of a real HTML report, in Chromium. Needs `pip install -e '.[browser]'`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Audit the example, open the page, take the picture."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_file = Path(folder, "report.html")
        command = [
            sys.executable,
            "-m",
            "safecheck",
            "audit",
            "csa-block-refused.onnx",
            "--output",
            f"html={page_file}",
        ]
        subprocess.run(command, cwd=ROOT / "examples", check=False)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1180, "height": 1360})
        page.goto(page_file.as_uri())
        page.screenshot(path=str(ROOT / "docs" / "report.png"))
        browser.close()


if __name__ == "__main__":
    main()
