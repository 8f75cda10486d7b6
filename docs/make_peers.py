"""Draw `docs/peers.svg`, the chart of the README, and the table beside it, from what `benchmarks/peers.py` measured.

Run `python docs/make_peers.py` after `python benchmarks/peers.py --json benchmarks/results/peers.json`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "peers.json"
TABLE = RESULTS.with_suffix(".md")
PICTURE = ROOT / "docs" / "peers.svg"
OURS = "safecheck audit"
TITLES = {"alike": "blocks that are alike", "different": "no two layers of one size"}
_WIDTH, _PANEL, _LEFT, _TOP, _HIGH, _LABELS, _LINE = 960, 300, 60, 78, 300, 170, 15
_STYLE = (
    "text { font: 12px system-ui, sans-serif; fill: #57606a; } .title { font-size: 15px; font-weight: 600; } "
    ".title, .ours text { fill: #1b1f24; } .grid { stroke: #d0d7de; } polyline { fill: none; stroke: #8c959f; "
    "stroke-width: 1.3; } circle { fill: #8c959f; } .ours polyline { stroke: #0550ae; stroke-width: 3; } "
    ".ours circle { fill: #0550ae; } .ours text { font-weight: 700; } .floor polyline { stroke-dasharray: 4 3; } "
    "@media (prefers-color-scheme: dark) { text { fill: #9da7b3; } .title, .ours text { fill: #e6edf3; } "
    ".grid { stroke: #3d444d; } .ours polyline { stroke: #79c0ff; } .ours circle { fill: #79c0ff; } }"
)

Row = Mapping[str, Any]
Point = tuple[float, float]


def curves(rows: Sequence[Row], family: str) -> dict[str, list[Point]]:
    """Tool -> nodes and CPU seconds, by nodes; what was measured at one size only is no curve."""
    found: dict[str, list[Point]] = {}
    for row in sorted((row for row in rows if row["family"] == family), key=lambda row: row["nodes"]):
        found.setdefault(row["tool"], []).append((row["nodes"], row["cpu_s"]))
    return {tool: points for tool, points in found.items() if len(points) > 1}


def growth(points: Sequence[Point]) -> float:
    """CPU seconds of a thousand more nodes, between the two largest files."""
    (few, less), (many, more) = points[-2:]
    return (more - less) / (many - few) * 1000


def spread(wanted: Sequence[float]) -> list[float]:
    """Heights for labels, in the order of where they belong (ascending) and as near to it as one line each allows.

    Labels that touch stand together around the middle of their places: pushing them down one by one would put the
    last beside the end of another line.
    """
    groups: list[list[float]] = []
    for height in wanted:
        groups.append([height])
        while len(groups) > 1 and _places(groups[-2])[-1] + _LINE > _places(groups[-1])[0]:
            groups[-2:] = [groups[-2] + groups[-1]]
    return [place for group in groups for place in _places(group)]


def _places(group: Sequence[float]) -> list[float]:
    """Places of labels that stand together, inside of the panel."""
    room = (len(group) - 1) * _LINE
    first = min(sum(group) / len(group) - room / 2, _TOP + _HIGH + 4 - room)
    return [max(first, _TOP) + number * _LINE for number in range(len(group))]


def picture(found: Mapping[str, Any]) -> str:
    """The chart: a panel for each kind of file, nodes to the right and CPU seconds upwards, both logarithmic."""
    rows = found["rows"]
    families = [family for family in TITLES if curves(rows, family)]
    seconds = [row["cpu_s"] for row in rows]
    low, high = math.floor(math.log10(min(seconds)) * 2) / 2, math.ceil(math.log10(max(seconds)) * 2) / 2
    height = _TOP + _HIGH + 76
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
        ' role="img" aria-label="CPU seconds of safecheck and of other tools by the number of nodes">',
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="{_LEFT - 44}" y="24">CPU seconds of one whole process on the same file</text>',
    ]
    for number, family in enumerate(families):
        left = _LEFT + number * (_PANEL + _LABELS)
        parts += _panel(curves(rows, family), TITLES[family], left, (low, high))
    for number, line in enumerate(about(found)):
        parts.append(f'<text x="{_LEFT - 44}" y="{height - 26 + number * 17}">{escape(line)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(tools: Mapping[str, list[Point]], title: str, left: int, bounds: tuple[float, float]) -> Iterator[str]:
    low, high = bounds
    sizes = sorted({nodes for points in tools.values() for nodes, _ in points})
    first, last = math.log10(sizes[0]), math.log10(sizes[-1])
    across = _PANEL - 40

    def place(nodes: float, seconds: float) -> Point:
        right = (math.log10(nodes) - first) / (last - first)
        return left + right * across, _TOP + _HIGH - (math.log10(seconds) - low) / (high - low) * _HIGH

    yield f'<text class="title" x="{left}" y="{_TOP - 22}">{escape(title)}</text>'
    for step in range(math.ceil(low), math.floor(high) + 1):
        for share in (1, 3):
            y = place(sizes[0], share * 10.0**step)[1]
            if y >= _TOP - 1:
                yield f'<line class="grid" x1="{left}" y1="{y:.1f}" x2="{left + across}" y2="{y:.1f}"/>'
                yield f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{share * 10.0**step:g} s</text>'
    for nodes in sizes:
        x = place(nodes, 1)[0]
        yield f'<text x="{x:.1f}" y="{_TOP + _HIGH + 20}" text-anchor="middle">{nodes:,}</text>'
    yield f'<text x="{left + across + 34}" y="{_TOP + _HIGH + 20}">nodes</text>'
    ordered = sorted(tools.items(), key=lambda item: (item[1][-1][0], place(*item[1][-1])[1]))
    heights = [place(*points[-1])[1] + 4 for _, points in ordered]
    ends = [number for number, (_, points) in enumerate(ordered) if points[-1][0] == sizes[-1]]
    heights[ends[0] :] = spread(heights[ends[0] :])  # what ends earlier has room of its own
    for (tool, points), label in zip(ordered, heights, strict=True):
        kind = "ours" if tool == OURS else "floor" if tool in ("F", "import onnx") else "peer"
        placed = [place(*point) for point in points]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in placed)
        name = "onnx.load and SHA-256" if tool == "F" else tool
        text = f'<text x="{placed[-1][0] + 8:.1f}" y="{label:.1f}">{escape(name)}</text>'
        yield f'<g class="{kind}"><polyline points="{line}"/>{dots}{text}</g>'


def about(found: Mapping[str, Any]) -> tuple[str, str]:
    """When and where it was measured, and with what."""
    said = found["about"]
    rest = ("date", "machine", "load", "rounds")
    versions = ", ".join(f"{name} {value}" for name, value in said.items() if name not in rest)
    rounds = "one round" if said["rounds"] == 1 else f"medians of {said['rounds']} rounds"
    return f"{said['date']}, {said['machine']}, load {said['load']} at the start, {rounds}", versions


def table(found: Mapping[str, Any]) -> str:
    """Every row, and how each tool grows."""
    lines = [
        "# Beside other tools",
        "",
        f"Made by `docs/make_peers.py` from `peers.json`: {'; '.join(about(found))}.",
        "",
        "The tools do different work: this says what a step of a pipeline costs, not which tool is better. F is",
        "`import onnx`, loading the file and hashing it. A tool that failed on a file, or took too long, has no row.",
        "",
        "| file | nodes | tool | CPU s | of F | peak MB |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        "| {family} | {nodes:,} | {tool} | {cpu_s:.2f} | {of_F:.2f} | {peak_mb} |".format(**row)
        for row in found["rows"]
    ]
    lines += ["", "CPU seconds of a thousand more nodes, between the two largest files:", "", "| file | tool | CPU s |"]
    lines.append("|---|---|---|")
    for family in TITLES:
        for tool, points in curves(found["rows"], family).items():
            more = growth(points)
            lines.append(f"| {family} | {tool} | {f'{more:.2f}' if more > 0 else 'none measured'} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write both."""
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    PICTURE.write_text(picture(found), encoding="utf-8")
    TABLE.write_text(table(found), encoding="utf-8")


if __name__ == "__main__":
    main()
