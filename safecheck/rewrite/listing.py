"""The main graph as text, one node a line, and how two of them differ."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

from safecheck.ir.excerpt import shape_words
from safecheck.rewrite.graph import MutableGraph
from safecheck.text import printable


def listing(graph: MutableGraph) -> list[str]:
    """A line per node: what it makes, its operator, what it reads, its attributes."""
    lines = []
    for node in graph.nodes:
        outputs = ", ".join(f"{printable(name, 80)} {shape_words(graph.tensor(name))}" for name in node.output if name)
        inputs = ", ".join(printable(name, 80) for name in node.input)
        attributes = " ".join(_short(part) for part in node.attribute)
        lines.append(f"{outputs} = {printable(node.op_type, 60)}({inputs}) {attributes}".rstrip())
    return lines


def _short(part: Any) -> str:
    values = {
        "i": part.i,
        "f": part.f,
        "s": printable(part.s, 40),
        "ints": list(part.ints),
        "floats": list(part.floats),
    }
    shown = next((f"{value}" for field_, value in values.items() if part.type == _KINDS[field_]), "...")
    return f"{printable(part.name, 40)}={shown}"


_KINDS = {"f": 1, "i": 2, "s": 3, "floats": 6, "ints": 7}


def unified_diff(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    """What `difflib.unified_diff` says with one line of context."""
    groups = list(_Lines(before, after).get_grouped_opcodes(1))
    yield from ("--- before", "+++ after") if groups else ()
    for group in groups:
        (_, start, _, new_start, _), (_, _, stop, _, new_stop) = group[0], group[-1]
        yield f"@@ -{_range(start, stop)} +{_range(new_start, new_stop)} @@"
        for tag, i, j, new_i, new_j in group:
            yield from (f"{' ' if tag == 'equal' else '-'}{line}" for line in before[i:j])
            yield from (f"+{line}" for line in after[new_i:new_j] if tag != "equal")


def _range(start: int, stop: int) -> str:
    """As in a unified diff: the first line, from 1, and how many; an empty range is named by the line before it."""
    count = stop - start
    return f"{start + 1}" if count == 1 else f"{start + 1 if count else start},{count}"


class _Lines(difflib.SequenceMatcher[str]):
    """Matches lines in linear time where the result is plain: no line occurs twice, and none has overtaken another.

    Every value has one maker, so no line occurs twice in the listing of a model. The search of difflib looks through
    the whole rest of the list for every run of equal lines.
    """

    def __init__(self, before: Sequence[str], after: Sequence[str]) -> None:
        super().__init__(None, before, after)
        self._before, self._after = before, after

    def get_matching_blocks(self) -> list[difflib.Match]:
        """(start before, start after, length) of the runs of equal lines, as difflib finds them."""
        places = {line: position for position, line in enumerate(self._after)}
        pairs = [(position, places[line]) for position, line in enumerate(self._before) if line in places]
        ends = [end for _, end in pairs]
        if len(places) < len(self._after) or len(set(self._before)) < len(self._before) or ends != sorted(ends):
            return super().get_matching_blocks()
        blocks: list[difflib.Match] = []
        for start, end in pairs:
            last = blocks[-1] if blocks else None
            if last is not None and (start, end) == (last.a + last.size, last.b + last.size):
                blocks[-1] = last._replace(size=last.size + 1)
            else:
                blocks.append(difflib.Match(start, end, 1))
        return [*blocks, difflib.Match(len(self._before), len(self._after), 0)]
