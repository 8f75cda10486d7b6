"""Print report lines on a terminal with Rich. Names are printed literally: no markup, no highlighting, no emoji."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from typing import TextIO

from safecheck.render.line import Line

STYLES = {"good": "bold green", "bad": "bold red", "open": "bold yellow", "strong": "bold", "quiet": "dim"}
_INDENT = re.compile(r" *(?:[a-z]+(?: out)? {2,})?")


def print_lines(lines: Iterable[Line], stream: TextIO) -> None:
    """Wrap at the width of the terminal with a hanging indent, and colour by style (`NO_COLOR` is honoured by Rich)."""
    from rich.console import Console  # noqa: TID251 - the one room for Rich
    from rich.text import Text  # noqa: TID251

    console = Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True)
    width = max(40, console.width)
    for line in lines:
        for part in wrap(line.text, width):
            console.print(Text(part, style=STYLES.get(line.style, "")))


def wrap(text: str, width: int) -> list[str]:
    """The text in pieces of at most `width` characters, later pieces indented like the words of the first."""
    if text.lstrip().startswith("https://"):
        return [text]  # an address in pieces cannot be clicked
    indent = _INDENT.match(text)
    hanging = " " * (indent.end() if indent is not None else 0)
    return textwrap.wrap(
        text, width, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False, replace_whitespace=False
    ) or [""]
