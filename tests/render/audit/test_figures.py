"""What could stand in the place of nodes is drawn once; later figures name the one that shows it."""

from __future__ import annotations

import re
from pathlib import Path

from safecheck.cli import run

SWIN = Path(__file__).parents[3] / "examples" / "swin-block.onnx"
"""Its rewrite `widen-to-four-dimensions` covers most of the network at once, whichever node one asks about."""


def test_what_could_stand_there_is_drawn_once(tmp_path: Path) -> None:
    assert run(["audit", str(SWIN), "--no-cache", "--output", f"html={tmp_path / 'page.html'}"]) == 1
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    shown: dict[str, str] = {}
    drawings, named = [], 0
    for number, figure in re.findall(r'<figure id="m1-f(\d+)">(.*?)</figure>', page, re.DOTALL):
        rewrite = re.search(r"<p>Instead, by ([\w-]+):", figure)
        drawing = re.search(r'<svg [^>]*aria-label="permitted alternative.*?</svg>', figure, re.DOTALL)
        other = re.search(r'as in <a href="#m1-f(\d+)">figure (\d+)</a>', figure)
        if drawing is not None:
            assert rewrite is not None
            assert other is None
            shown[number] = rewrite[1]
            drawings.append(drawing[0])
        elif rewrite is not None:
            assert other is not None
            assert other[1] == other[2]
            assert shown[other[1]] == rewrite[1], "an earlier figure, of the same rewrite"
            named += 1
    assert len(set(drawings)) == len(drawings) > 1
    assert named
    assert "1 more place looks alike" in page
    assert "1 more places" not in page
