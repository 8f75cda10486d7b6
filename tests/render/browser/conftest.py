"""A real Chromium for the pages that safecheck writes: `pip install -e '.[browser]'` and a `chromium` on the path.

These tests are marked slow. Without a browser they are skipped, unless SAFECHECK_BROWSER=required. Screenshots go to
the folder that SAFECHECK_ARTIFACTS names.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
from report_models import hostile, large

ROOT = Path(__file__).parents[3]
PROFILES = ("--profile", "tensorrt-8.6-restricted", "--profile", "tensorrt-10-safety")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright

        if executable is None:
            raise ImportError("no chromium is installed")
    except ImportError as error:
        if os.environ.get("SAFECHECK_BROWSER") == "required":
            raise
        pytest.skip(str(error))
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-quic"])
        yield found
        found.close()


Opened = Callable[..., Any]


@pytest.fixture
def opened(browser: Any) -> Iterator[Opened]:
    """Opens a file; fails in the end if the page asked for anything else or wrote to its console."""
    contexts = []
    seen: list[str] = []
    asked: list[str] = []

    def open_page(path: Path, **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: seen.append(message.text))
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        return page

    yield open_page
    own = [url for url in asked if url.startswith("file://") and url.endswith(".html")]
    for context in contexts:
        context.close()
    assert seen == []
    assert len(asked) == len(own) == len(contexts)


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages, written by real processes."""
    folder = tmp_path_factory.mktemp("pages")
    onnx.save(hostile(), folder / "hostile.onnx")
    onnx.save(large(), folder / "large.onnx")
    examples = ROOT / "examples"
    refused, swin, csa = (examples / f"{name}.onnx" for name in ("csa-block-refused", "swin-block", "csa-block"))
    commands = {
        "audit": ("audit", refused),
        "several": ("audit", swin, csa, refused),
        "hostile": ("audit", folder / "hostile.onnx"),
        "large": ("audit", folder / "large.onnx"),
        "fix": ("fix", refused, "-o", folder / "fixed.onnx"),
        "compare": ("compare", csa, refused, swin, *PROFILES),
    }
    for name, command in commands.items():
        arguments = [*map(str, command), "--output", f"html={folder / name}.html"]
        done = subprocess.run(
            [sys.executable, "-m", "safecheck", *arguments], capture_output=True, text=True, cwd=folder
        )
        assert done.returncode in (0, 1, 3), done.stderr
    return {name: folder / f"{name}.html" for name in commands}
