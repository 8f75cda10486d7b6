"""Write the picture and the table of `docs/architecture.md` from the contract in `setup.cfg` and the rooms themselves.

Run `python docs/make_architecture.py` after a room was added or its sentence was changed.
"""

from __future__ import annotations

import ast
import configparser
from collections.abc import Iterator
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
PICTURE = ROOT / "docs" / "architecture.svg"
START, END = "<!-- rooms: generated -->", "<!-- end of rooms -->"
_GROUND = ("finding", "limits", "text", "errors")
_WIDTH, _ROW, _GAP, _LEFT = 960, 34, 12, 20


def rows() -> list[list[str]]:
    """The rooms from top to bottom, those of one row beside each other, as import-linter holds them."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = config["importlinter:contract:rooms"]["layers"].split("\n")
    return [[name.strip() for name in line.split("|")] for line in lines if line.strip()]


def sentence(room: str) -> str:
    """What a room says of itself: the first paragraph of its docstring."""
    folder = ROOT / "safecheck" / room
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split())


def table() -> str:
    """The rooms as a table, top to bottom."""
    lines = ["| room | what it is |", "|---|---|"]
    lines += [f"| `{room}` | {sentence(room)} |" for row in rows() for room in row]
    return "\n".join(lines)


def page(text: str) -> str:
    """The page with its table made anew."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{table()}\n{END}{after}"


def picture() -> str:
    """The rooms as boxes, one row of the contract a line; everything imports downwards only."""
    found = [row for row in rows() if row[0] not in _GROUND] + [
        [name for row in rows() for name in row if name in _GROUND]
    ]
    height = len(found) * (_ROW + _GAP) + _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
        ' role="img" aria-label="The rooms of safecheck, each importing only from the rows below it">',
        "<style>rect{fill:#eef3f8;stroke:#4a6785}text{font:13px sans-serif;fill:#16202a}.s{font-size:11px;fill:#42526a}"
        "@media(prefers-color-scheme:dark){rect{fill:#1d2733;stroke:#7d9bb8}text{fill:#e6edf3}.s{fill:#a9b8c8}}</style>",
        *_boxes(found),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _boxes(found: list[list[str]]) -> Iterator[str]:
    for number, row in enumerate(found):
        top = _GAP + number * (_ROW + _GAP)
        width = (_WIDTH - 2 * _LEFT - (len(row) - 1) * _GAP) / len(row)
        for position, room in enumerate(row):
            left = _LEFT + position * (width + _GAP)
            yield f'<rect x="{left:.0f}" y="{top}" width="{width:.0f}" height="{_ROW}" rx="5"/>'
            yield f'<text x="{left + 10:.0f}" y="{top + 22}">{escape(room)}</text>'
            if len(row) == 1:
                yield f'<text class="s" x="{left + 100:.0f}" y="{top + 22}">{escape(sentence(room))}</text>'


def main() -> None:
    """Write both."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    PICTURE.write_text(picture(), encoding="utf-8")


if __name__ == "__main__":
    main()
