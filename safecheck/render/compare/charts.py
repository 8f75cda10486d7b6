"""Charts as inline SVG: the one room of matplotlib, an optional extra.

matplotlib writes styles into attributes, which a strict Content-Security-Policy does not let a browser apply, and fixed
colours, which do not follow light and dark. Here both become classes of the page's style sheet.
"""

from __future__ import annotations

import io
import os
import re
import sys
import warnings
from collections.abc import Iterable
from importlib import import_module
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from xml.etree import ElementTree

from safecheck.render.compare.chart_data import Bars, Plane
from safecheck.text import printable

_INK = "#010203"
_SERIES = tuple(f"#0102f{number}" for number in range(5))
_CLASSES = {_INK: "ink", **{colour: f"series{number}" for number, colour in enumerate(_SERIES)}}
_SVG = "http://www.w3.org/2000/svg"
_LINK = "{http://www.w3.org/1999/xlink}href"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_HATCH = {"published": "////", "measured": "", "estimated": "", "planned": "", "counted": ""}
_ALPHA = {"estimated": 0.55, "planned": 0.55}
_KEPT = ("stroke-width", "stroke-linejoin", "stroke-linecap", "stroke-dasharray", "opacity", "fill-opacity",
         "stroke-opacity", "stroke-miterlimit", "text-anchor", "font-size", "fill-rule")  # fmt: skip


class Chart(NamedTuple):
    """One chart."""

    title: str
    words: str
    """Its numbers in words."""
    svg: str
    """Inert SVG, safe to put into a page as it is."""


def available() -> bool:
    """Whether matplotlib can be had."""
    from importlib.util import find_spec

    return find_spec("matplotlib") is not None


def charts(data: Iterable[Bars | Plane], models: tuple[str, ...]) -> list[Chart]:
    """All charts; equal data give equal bytes."""
    matplotlib = _library()
    ours: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "safecheck", "text.parse_math": False}
    ours |= {f"{part}.color": _INK for part in ("text", "xtick", "ytick", "hatch")}
    ours |= {"axes.edgecolor": _INK, "axes.labelcolor": _INK, "axes.spines.top": False, "axes.spines.right": False}
    ours |= {"font.size": 9, "hatch.linewidth": 0.4, "backend": "svg"}
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, **ours}), warnings.catch_warnings():
        # The browser draws the letters; that the font matplotlib measures with lacks some moves a label a little.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        return [
            Chart(one.title, _words(one, models), _inert(_drawn(one, models), number))
            for number, one in enumerate(data)
        ]


def _library() -> Any:
    """The package, which keeps a list of fonts in the user's cache folder unless it is given another for it."""
    if "MPLCONFIGDIR" in os.environ or "matplotlib.font_manager" in sys.modules:
        return import_module("matplotlib")
    with TemporaryDirectory(prefix="safecheck-") as folder:
        os.environ["MPLCONFIGDIR"] = folder
        try:
            import_module("matplotlib.font_manager")
        finally:
            del os.environ["MPLCONFIGDIR"]
    return import_module("matplotlib")


def _words(one: Bars | Plane, models: tuple[str, ...]) -> str:
    if isinstance(one, Plane):
        return "; ".join(f"{models[p.model]}: {p.x:.4g} and {p.y:.4g}, {p.complies}" for p in one.points)
    return "; ".join(
        f"{name}: " + ", ".join(f"{bar.label} {bar.value:.4g} ({bar.origin})".strip() for bar in bars)
        for name, bars in one.groups
    )


def _drawn(one: Bars | Plane, models: tuple[str, ...]) -> bytes:
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(5.6, _height(one)), facecolor="none", layout="constrained")
    axes = figure.subplots()
    axes.set_facecolor("none")
    if isinstance(one, Plane):
        _plane(axes, one, models)
    else:
        _bars(axes, one)
    found = io.BytesIO()
    figure.savefig(found, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return found.getvalue()


def _height(one: Bars | Plane) -> float:
    return 3.4 if isinstance(one, Plane) else 0.75 + sum(0.16 * len(bars) + 0.2 for _, bars in one.groups)


def _bars(axes: Any, one: Bars) -> None:
    y = 0.0
    ticks, heads = [], []
    for name, bars in one.groups:
        first = y
        for bar in bars:
            axes.barh(
                y, bar.value - one.start, left=one.start, height=0.84, color=_SERIES[bar.model % len(_SERIES)],
                alpha=_ALPHA.get(bar.origin), hatch=_HATCH[bar.origin], linewidth=0,
            )  # fmt: skip
            origin = "" if bar.origin in ("counted", bar.label) else f", {bar.origin}"
            axes.text(bar.value, y, f" {bar.value:.4g}  {printable(bar.label, 28)}{origin}", va="center", fontsize=7)
            y += 1
        ticks.append((first + y - 1) / 2)
        heads.append(printable(name, 24))
        y += 1.2
    axes.set_yticks(ticks, heads)
    axes.invert_yaxis()
    axes.set_xlabel(one.axis)
    whole = all(bar.value % 1 == 0 for _, bars in one.groups for bar in bars)  # there is no fifth of a node
    axes.xaxis.get_major_locator().set_params(integer=whole)
    largest = max((bar.value for _, bars in one.groups for bar in bars), default=1) or 1
    axes.set_xlim(one.start, one.start + (largest - one.start) * 1.55)


def _plane(axes: Any, one: Plane, models: tuple[str, ...]) -> None:
    for point in one.points:
        passes = point.complies.startswith("compliant")
        axes.plot(
            point.x, point.y, marker="o" if passes else "X", markersize=11, color=_SERIES[point.model % len(_SERIES)],
            linestyle="none", markeredgewidth=0,
        )  # fmt: skip
        axes.annotate(
            f"{printable(models[point.model], 24)}\n{point.complies}", (point.x, point.y), xytext=(9, -2),
            textcoords="offset points", fontsize=7,
        )  # fmt: skip
    axes.set_xlabel(one.x_axis)
    axes.set_ylabel(one.y_axis)
    axes.margins(0.35, 0.25)


def _inert(svg: bytes, number: int) -> str:
    """The drawing with classes and presentation attributes, with identifiers of its own, without anything else."""
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"):
                parent.remove(child)
    used = {name for element in root.iter() for value in element.attrib.values() for name in _REFERENCE.findall(value)}
    used |= {element.attrib[_LINK][1:] for element in root.iter() if _LINK in element.attrib}
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
        _attributes(element, used, f"c{number}-")
    root.attrib = {"viewBox": root.attrib["viewBox"], "class": "chart", "aria-hidden": "true"}
    return ElementTree.tostring(root, encoding="unicode")


def _attributes(element: Any, used: set[str], prefix: str) -> None:
    style = dict(_declarations(element.attrib.pop("style", "")))
    found: dict[str, str] = {}
    classes = []
    for name, value in {**element.attrib, **style}.items():
        if name == "id":
            if value in used:
                found["id"] = prefix + value
        elif name == _LINK:
            found["href"] = f"#{prefix}{value[1:]}"
        elif name in ("fill", "stroke"):
            if value in _CLASSES:
                classes.append(f"{name}-{_CLASSES[value]}")
            else:
                found[name] = _REFERENCE.sub(rf"url(#{prefix}\1)", value)
        elif name == "font":
            found["font-size"] = next(part for part in value.split() if part.endswith("px"))
        elif name in ("clip-path", *_KEPT) or name in element.attrib:
            found[name] = _REFERENCE.sub(rf"url(#{prefix}\1)", value)
    if classes:
        found["class"] = " ".join(classes)
    element.attrib = found


def _declarations(style: str) -> list[tuple[str, str]]:
    parts = (part.partition(":") for part in style.split(";"))
    return [(name.strip(), value.strip()) for name, _, value in parts if name.strip()]
