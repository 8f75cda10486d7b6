"""Print report lines on a terminal with Rich. Names are printed literally: no markup, no highlighting, no emoji."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO

from safecheck.render.line import Line

STYLES = {"good": "bold green", "bad": "bold red", "open": "bold yellow", "strong": "bold", "quiet": "dim"}
_COLUMNS, _GAP = 3, re.compile(r"(?<=\S) {2,}")
"""So many gaps make a row of a table; text with a label in front has one."""
_INDENT = re.compile(r" *(?:[a-z]+(?: out)? {2,})?")


def print_lines(lines: Iterable[Line], stream: TextIO) -> None:
    """Wrap at the width of the terminal with a hanging indent, and colour by style (`NO_COLOR` is honoured by Rich)."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True)
    width = max(40, console.width)
    for line in lines:
        for part in wrap(line.text, width):
            console.print(Text(part, style=STYLES.get(line.style, "")))


def wrap(text: str, width: int) -> list[str]:
    """The text in pieces of at most `width` characters, later pieces indented like the words of the first."""
    if text.lstrip().startswith(("https://", "next  ")):
        return [text]  # an address in pieces cannot be clicked, nor a command be pasted
    if len(text) > width and len(_GAP.findall(text)) >= _COLUMNS:
        text = _GAP.sub("  ", text)  # a row in one piece is worth more than its columns
    indent = _INDENT.match(text)
    hanging = " " * (indent.end() if indent is not None else 0)
    return textwrap.wrap(
        text, width, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False, replace_whitespace=False
    ) or [""]


@contextmanager
def bars(stream: TextIO) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar per stage, gone at the end; the function is told a stage, what more is done, and its size."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=stream), transient=True) as progress:
        tasks = {}

        def advance(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=total)
            progress.advance(tasks[stage], done)

        yield advance
