"""Draw `docs/audit.svg`, the picture in the README, from the real output for a real example."""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console
from rich.text import Text

from safecheck.render.audit.text import document
from safecheck.render.terminal import STYLES, wrap
from safecheck.rulebook.load import DEFAULT, profile
from safecheck.usecases.audit import audit_models

ROOT = Path(__file__).parent.parent
SHOWN = 34


def picture() -> str:
    """The SVG; equal for equal output."""
    console = Console(record=True, width=100, file=io.StringIO(), highlight=False)
    reports = list(audit_models([str(ROOT / "examples/csa-block-refused.onnx")], profile(DEFAULT)))
    shown = [
        Text(part.replace(f"{ROOT}/", ""), style=STYLES.get(line.style, ""))
        for line in document(reports)
        for part in wrap(line.text.replace(f"{ROOT}/", ""), 100)
    ]
    for text in shown[:SHOWN]:
        console.print(text)
    svg = console.export_svg(title="safecheck audit examples/csa-block-refused.onnx", unique_id="safecheck")
    return re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    (ROOT / "docs/audit.svg").write_text(picture(), encoding="utf-8")
