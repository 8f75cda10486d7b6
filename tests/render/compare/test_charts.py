"""The charts: which there are, that every number keeps its origin, and that the drawing is inert."""

from __future__ import annotations

import re
from colorsys import rgb_to_hls
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from safecheck.cost.measured import Measurement
from safecheck.cost.published import published
from safecheck.render.compare.chart_data import Bar, Bars, Plane, chart_data, missing
from safecheck.render.compare.charts import charts
from safecheck.render.compare.html import document
from safecheck.render.compare.tables import names
from safecheck.rulebook.load import profile
from safecheck.usecases.compare import Compared, Contrast, Standing

PROFILE = "tensorrt-8.6-restricted"
_ALLOWED = {
    "svg", "g", "path", "text", "defs", "clipPath", "rect", "use", "pattern", "tspan",
}  # fmt: skip


def column(name: str, verdict: str = "compliant", *measured: Measurement, reference: str = "") -> Compared:
    standing = Standing(PROFILE, verdict, 0, 9, (7, 1, 1), (), (0, 1))
    traffic = (("fp16", (1_000_000, 2_000_000, None, 4_000_000)),)
    return Compared(
        name, name, "0" * 64, "", (standing,), 1, 1, "", traffic, (("Conv", 5), ("Mul", 4)),
        published()[reference] if reference else None, "", tuple(measured),
    )  # fmt: skip


def contrast(*columns: Compared) -> Contrast:
    return Contrast((profile(PROFILE),), columns)


def latency(value: float, batch: int = 1) -> Measurement:
    return Measurement("m", "latency", value, "ms", batch, "fp16", "a GPU")


def titles(found: Contrast) -> list[str]:
    return [one.title for one in chart_data(found)]


def test_without_measurements_the_charts_say_what_is_missing() -> None:
    found = contrast(column("a.onnx"), column("b.onnx"))
    assert titles(found) == [
        f"Distance to {PROFILE}", "Memory traffic per frame, FP16", "Most frequent operators",
    ]  # fmt: skip
    assert [line.split(":")[0] for line in missing(found)] == ["No latency", "No accuracy"]
    assert "--published NAME" in missing(found)[1]


def test_measured_and_published_figures_are_drawn_apart() -> None:
    top = Measurement("m", "top-1", 80.0, "%", None, "int8")
    found = contrast(
        column("a.onnx", "compliant", latency(2.5), latency(9.0, 8), top),
        column("b.onnx", "non-compliant", latency(3.5), reference="swin-tiny"),
    )
    data = {one.title: one for one in chart_data(found)}
    assert missing(found) == []
    accuracy = next(one for title, one in data.items() if title.startswith("Top-1 accuracy, axis from 75 %"))
    assert isinstance(accuracy, Bars)
    assert [(bar.value, bar.origin) for _, bars in accuracy.groups for bar in bars] == [
        (80.0, "measured"), (81.2, "published"),
    ]  # fmt: skip
    times = data["Latency: FP16, a GPU"]
    assert isinstance(times, Bars)
    assert [(bar.label, bar.value) for _, bars in times.groups for bar in bars] == [
        ("batch 1", 2.5), ("batch 8", 9.0), ("batch 1", 3.5),
    ]  # fmt: skip
    plane = data[f"Accuracy against latency, under {PROFILE}"]
    assert isinstance(plane, Plane)
    assert [(point.x, point.y, point.complies) for point in plane.points] == [
        (2.5, 80.0, "compliant"), (3.5, 81.2, "non-compliant"),
    ]  # fmt: skip


def test_without_latency_accuracy_is_set_against_estimated_traffic() -> None:
    found = contrast(column("a.onnx", reference="csa-tiny"), column("b.onnx", reference="swin-tiny"))
    (plane,) = [one for one in chart_data(found) if isinstance(one, Plane)]
    assert plane.title == f"Accuracy against estimated memory traffic, under {PROFILE}"
    assert [point.x for point in plane.points] == [1.0, 1.0]


def test_every_target_has_its_own_picture_and_its_name_in_the_title() -> None:
    """Whatever order the targets are named in, a mark says what holds under the target of its chart."""
    one, other = profile(PROFILE), profile("tensorrt-10-safety")
    columns = []
    for name, verdicts in (("csa-tiny", ("compliant", "compliant")), ("swin-tiny", ("non-compliant", "compliant"))):
        first = column(name, verdicts[0], reference=name)
        columns.append(replace(first, standings=(first.standings[0], replace(first.standings[0], verdict=verdicts[1]))))
    for order in ((0, 1), (1, 0)):
        books = [(one, other)[position] for position in order]
        turned = [replace(each, standings=tuple(each.standings[position] for position in order)) for each in columns]
        planes = [chart for chart in chart_data(Contrast(tuple(books), tuple(turned))) if isinstance(chart, Plane)]
        said = {plane.title.rpartition(" ")[2]: [point.complies for point in plane.points] for plane in planes}
        assert said == {one.id: ["compliant", "non-compliant"], other.id: ["compliant", "compliant"]}


def test_where_everything_is_allowed_there_is_a_sentence_and_no_empty_chart() -> None:
    clean = column("a.onnx")
    clean = replace(clean, standings=(replace(clean.standings[0], counts=(9, 0, 0)),))
    assert f"Distance to {PROFILE}" not in titles(contrast(clean))
    assert f"No distance to {PROFILE}: every node of every model is allowed as it is." in missing(contrast(clean))


def test_no_series_is_red_or_green() -> None:
    """Red and green are verdicts: a model that has one of them looks judged."""
    style = (Path(__file__).parents[3] / "reports" / "style.css").read_text(encoding="utf-8")
    colours = re.findall(r"--s\d: #([0-9a-f]{6})", style)
    assert len(colours) == 10
    for colour in colours:
        hue, _lightness, saturation = rgb_to_hls(*(int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)))
        assert saturation < 0.25 or 170 <= hue * 360 <= 330, colour


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "$x_{1}$ \\alpha",
        "</svg><script>",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("m.onnx", "é字", "a" * 300)),
    ],
)
def test_a_drawing_is_inert_and_repeats(name: str) -> None:
    found = contrast(column(name, "compliant", latency(2.5)), column("b", "inconclusive", reference="swin-tiny"))
    drawn = charts(chart_data(found), names(found))
    assert charts(chart_data(found), names(found)) == drawn
    identifiers: list[str] = []
    for chart in drawn:
        root = ElementTree.fromstring(chart.svg)
        assert {element.tag for element in root.iter()} <= _ALLOWED
        attributes = [pair for element in root.iter() for pair in element.attrib.items()]
        assert not [key for key, _ in attributes if key == "style" or key.startswith("on")]
        identifiers += [value for key, value in attributes if key == "id"]
        used = set(re.findall(r"url\(#([^)]+)\)", chart.svg)) | {
            value[1:] for key, value in attributes if key == "href"
        }
        assert used <= set(identifiers)
        assert not [value for key, value in attributes if key in ("fill", "stroke") and value.startswith("#0102")]
        assert "published" in chart.words or not chart.title.startswith("Top-1")
    assert len(set(identifiers)) == len(identifiers)
    assert len(drawn) == len(titles(found))


@pytest.mark.parametrize(("value", "whole"), [(1, True), (3, True), (0.5, False)])
def test_nodes_are_counted_in_whole_numbers(value: float, whole: bool) -> None:
    bars = Bars("Distance", "nodes", (("csa", (Bar(0, "as it is", value, "counted"),)),))
    texts = re.findall(r"<text[^>]*>([^<]+)</text>", charts([bars], ("csa",))[0].svg)
    ticks = [text for text in texts if re.fullmatch(r"[\d.]+", text)]
    assert "1" in ticks or not whole
    assert any("." in tick for tick in ticks) != whole


def test_without_matplotlib_the_page_says_how_to_get_the_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safecheck.render.compare.charts.available", lambda: False)
    page = document(contrast(column("a.onnx", "compliant", latency(2.5))))
    assert "pip install '.[charts]'" in page
    assert 'class="chart"' not in page
    assert "2.5 ms" in page
