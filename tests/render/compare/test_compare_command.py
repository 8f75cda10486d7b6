"""`safecheck compare` as a user meets it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import onnx
import processes
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safecheck.cost.measured import Measurement
from safecheck.render import RENDERERS, plain
from safecheck.rulebook.load import profile
from safecheck.text import printable
from safecheck.usecases.compare import Breach, Compared, Contrast, Standing, labels

ROOT = Path(__file__).parents[3]
GOLDEN = Path(__file__).parent / "golden"
EXAMPLES = ["csa-block.onnx", "csa-block-refused.onnx", "transformer-block.onnx"]
PROFILES = ["--profile", "tensorrt-8.6-restricted", "--profile", "tensorrt-10-safety"]
FORMATS = tuple(RENDERERS["compare"])


def safecheck(*arguments: object, folder: Path = ROOT / "examples", **environment: str) -> Any:
    environment = {"PATH": "/usr/bin:/bin", **environment}
    return processes.safecheck_text("compare", *arguments, cwd=folder, environment=environment)


class Strict(HTMLParser):
    """Collects tags; refuses what must not be in a report."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "iframe", "object", "embed", "link", "img", "base", "form")
        assert not [name for name, _ in attributes if name.startswith("on")]
        for name, value in attributes:
            if name in ("href", "src"):
                assert (value or "").startswith(("https://", "#"))
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def without_charts(text: str) -> str:
    """Drawings follow the release of matplotlib; what they say in words does not."""
    return re.sub(r"<svg [^>]*class=\"chart\".*?</svg>", "<svg/>", text, flags=re.DOTALL)


def parsed(html: str) -> Strict:
    found = Strict()
    found.feed(html)
    found.close()
    return found


def test_the_examples_side_by_side(tmp_path: Path) -> None:
    """After an intended change: `python tests/render/compare/test_compare_command.py` writes the golden files anew."""
    files = {name: tmp_path / f"out.{name}" for name in sorted(FORMATS) if name != "text"}
    outputs = [part for name, path in files.items() for part in ("--output", f"{name}={path}")]
    done = safecheck(*EXAMPLES, *PROFILES, "--output", "text", *outputs)
    assert done.stderr.startswith("wrote ")
    assert done.stderr.count("\n") == 1
    assert done.returncode == 1
    found = {name: path.read_text(encoding="utf-8") for name, path in files.items()} | {"text": done.stdout}
    for name, text in found.items():
        assert without_charts(text) == (GOLDEN / f"examples.{name}").read_text(encoding="utf-8"), name


def test_a_terminal_of_80_columns_is_enough() -> None:
    lines = (GOLDEN / "examples.text").read_text(encoding="utf-8").splitlines()
    assert max(map(len, lines)) <= 80


@pytest.mark.slow
def test_the_same_bytes_under_another_hash_seed_zone_and_folder(tmp_path: Path) -> None:
    outputs = set()
    for seed, zone in (("0", "UTC"), ("1", "Asia/Tokyo")):
        path = tmp_path / f"{seed}.html"
        safecheck(*EXAMPLES, *PROFILES, "-o", path, PYTHONHASHSEED=seed, TZ=zone)
        outputs.add(path.read_bytes())
    assert len(outputs) == 1
    assert str(tmp_path).encode() not in outputs.pop()


def test_the_html_asks_nobody_and_runs_nothing() -> None:
    html = (GOLDEN / "examples.html").read_text(encoding="utf-8")
    found = parsed(html)
    assert "default-src 'none'; style-src 'sha256-" in html
    assert found.tags.count("table") >= 5
    assert "✘ non-compliant" in found.text


def standing(verdict: str = "non-compliant") -> Standing:
    breach = Breach("reduce-mean", "forbidden", "documented", "Mean reduction", 1)
    return Standing("tensorrt-8.6-restricted", verdict, 1, 3, (2, 1, 0), (breach,), (0, 0))


HOSTILE = st.text(min_size=1, max_size=60) | st.sampled_from(
    [
        "</script><script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "\x1b[31mred",
        "\u202egnp.exe",
        "a|b`c`[x](y)",
    ]
)


@pytest.mark.slow
@given(name=HOSTILE, operator=HOSTILE, unit=HOSTILE, metric=HOSTILE, error=HOSTILE)
@settings(max_examples=8, deadline=None)
def test_hostile_names_are_inert_in_every_format(name: str, operator: str, unit: str, metric: str, error: str) -> None:
    measured = (Measurement(name, metric, 1.0, unit, 1, "fp16"),)
    good = Compared(name, name, "0" * 64, "", (standing(),), 1, 1, "", (), ((operator, 3),), None, "", measured)
    bad = Compared(name, name, "", printable(error), (standing("inconclusive"),))
    contrast = Contrast((profile("tensorrt-8.6-restricted"),), (good, bad))
    written = {format_name: plain(RENDERERS["compare"][format_name](contrast)) for format_name in FORMATS}
    for text in written.values():
        assert not [c for c in text if c in "\x1b\u202e\u2066\x00" or (ord(c) < 32 and c != "\n")]
    parsed(written["html"])
    assert json.loads(written["json"])["models"][0]["operators"] == {operator: 3}
    markdown = written["markdown"]
    assert "<" not in markdown
    tables = [line for line in markdown.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in tables} == {4}


def test_published_and_measured_never_share_a_table(tmp_path: Path) -> None:
    measured = tmp_path / "measured.json"
    entry = {
        "model": "csa-block.onnx",
        "metric": "latency",
        "value": 1.25,
        "unit": "ms",
        "batch": 4,
        "precision": "fp16",
        "device": "Orin",
        "versions": "8.6.11",
        "date": "2026-01-31",
    }
    measured.write_text(json.dumps({"schema": "safecheck/measurements/1", "measurements": [entry]}))
    done = safecheck(
        "csa-block.onnx", "--measured", measured, "--as", "csa-tiny=csa-block.onnx", "--output", "markdown"
    )
    sections = {part.splitlines()[0]: part for part in done.stdout.split("## ")[1:]}
    published, mine = sections["Published by the authors, other weights"], sections["Measured by you"]
    assert "81.30" in published
    assert "csa-readme" in published
    assert "named on the command line" in published
    assert "top-1 accuracy (published, other weights)" in published
    assert "1.25 ms on 2026-01-31" in mine
    assert "latency (measured, fp16, batch 4, Orin, 8.6.11)" in mine
    assert "81.30" not in mine
    assert "1.25" not in published


def test_the_layers_that_stop_a_network_are_named_and_not_how_it_was_exported() -> None:
    found = json.loads((GOLDEN / "examples.json").read_text(encoding="utf-8"))
    block = next(model for model in found["models"] if model["name"] == "transformer-block.onnx")
    own = {stop["what"] for stop in block["standings"][0]["stops"] if not stop["artefact"]}
    assert {"LayerNormalization", "Softmax", "products of activations"} <= own
    assert not {"data movement", "sums and products by element"} & own
    page = (GOLDEN / "examples.html").read_text(encoding="utf-8")
    first = page.partition("Side by side")[0]
    for words in ("LayerNormalization", "Softmax", "products of activations", "after rewriting", "price of rewriting"):
        assert words in first


def test_a_small_network_is_taken_for_no_published_one() -> None:
    done = safecheck("csa-block.onnx", "--output", "json")
    assert json.loads(done.stdout)["models"][0]["published"] is None


def test_a_model_that_cannot_be_read_is_a_column_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty.onnx").write_bytes(b"")
    for path in ("empty.onnx", tmp_path / "empty.onnx"):
        done = safecheck(ROOT / "examples" / "csa-block.onnx", path, "--output", "json", folder=tmp_path)
        found = json.loads(done.stdout)
        assert done.returncode == found["exit_code"] == 3
        assert found["models"][1]["error"].startswith("the file is empty; ")
        assert found["models"][1]["error_code"] == "SC-IO-EMPTY"
        assert str(tmp_path) not in done.stdout
        assert done.stderr.startswith(f"error[SC-IO-EMPTY]: {path}: the file is empty; ")


def test_models_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "m.onnx").write_bytes((ROOT / "examples" / "csa-block.onnx").read_bytes())
    done = safecheck("a/m.onnx", tmp_path / "b" / "m.onnx", "--output", "json", folder=tmp_path)
    assert [model["name"] for model in json.loads(done.stdout)["models"]] == ["a/m.onnx", "b/m.onnx"]
    assert labels(["x/m.onnx"]) == ["m.onnx"]
    assert labels(["x/y/m.onnx", "z/y/m.onnx", "n.onnx"]) == ["x/y/m.onnx", "z/y/m.onnx", "n.onnx"]


def test_without_a_cache_everything_goes_through_memory() -> None:
    def traffic(*options: str) -> tuple[int, str]:
        found = json.loads(safecheck("csa-block.onnx", "--output", "json", *options).stdout)
        rest = " ".join(part["text"] for part in found["traffic_assumptions"])
        return found["models"][0]["traffic_bytes_per_frame"]["fp16"]["1"], rest

    cached, assumed = traffic()
    bare, otherwise = traffic("--cache", "0")
    assert bare > cached
    assert "4 MiB, the L2 cache of the GPU in Orin" in assumed
    assert "No cache: everything that kernels exchange goes through memory." in otherwise


def test_the_nodes_add_up_to_the_model() -> None:
    (model,) = json.loads(safecheck("csa-block.onnx", "--output", "json").stdout)["models"]
    assert sum(node["macs"] for node in model["nodes"]) == model["macs"]
    moved = [2 * node["activations"]["floats"] + node["activations"]["other_bytes"] for node in model["nodes"]]
    assert sum(moved) == model["bytes"]["fp16"]["activations"]
    assert len(model["nodes"]) < sum(model["operators"].values()), "reshapes do nothing"


def test_an_unknown_shape_costs_unknown_and_not_zero(tmp_path: Path) -> None:
    model = onnx.load(ROOT / "examples" / "csa-block.onnx")
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"
    onnx.save(model, tmp_path / "open.onnx")
    (one,) = json.loads(safecheck("open.onnx", "--output", "json", folder=tmp_path).stdout)["models"]
    assert one["traffic_bytes_per_frame"]["fp16"]["1"] is None
    assert one["unknown_because"]


GOOD = '{"model": "m", "metric": "top-1", "value": 81.3, "unit": "%"}'


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("m.json", "{", "not JSON"),
        ("m.json", "[]", 'the schema is not "safecheck/measurements/1"'),
        ("m.json", '{"schema": "safecheck/measurements/1", "measurements": {}}', "measurements is not a list"),
        ("m.json", "@" + GOOD.replace('"unit"', '"units"'), "unknown key 'units' (did you mean 'unit'?)"),
        ("m.json", "@" + GOOD.replace('"metric": "top-1", ', ""), "metric is missing"),
        ("m.json", "@" + GOOD.replace("81.3", "NaN"), "NaN is no number"),
        ("m.json", "@" + GOOD.replace("81.3", "true"), "value is no finite number"),
        ("m.json", "@" + GOOD[:-1] + ', "batch": 0}', "batch is no positive integer"),
        ("m.json", "@" + GOOD[:-1] + ', "batch": true}', "batch is no positive integer"),
        ("m.json", "@" + GOOD.replace("81.3", "9" * 400), "value is no finite number"),
        ("m.json", "@" + GOOD.replace("81.3", "9" * 5000), "not JSON"),
        ("m.json", "@" + GOOD.replace("81.3", "101"), "top-1 cannot be 101 %"),
        ("m.json", "@" + GOOD.replace("81.3", "-1"), "top-1 cannot be -1 %"),
        ("m.json", "@" + GOOD.replace("top-1", "top1"), "no metric 'top1' (did you mean 'top-1'?)"),
        ("m.json", "@" + GOOD.replace('"%"', '"percent"'), "top-1 is not in 'percent'; give it in %"),
        ("m.json", "@" + GOOD[:-1] + ', "precision": "FP16"}', "no precision 'FP16'"),
        ("m.json", "@" + GOOD[:-1] + ', "date": "31.1.2026"}', "'31.1.2026' is no date"),
        ("m.json", "@" + GOOD[:-1] + ', "device": "' + "x" * 201 + '"}', "device is longer than 200 characters"),
        ("m.json", "@" + GOOD[:-1] + ', "value": 2}', "key 'value' is given twice"),
        ("m.json", "@" + GOOD.replace("top-1", "latency").replace("%", "ms"), "latency without a batch says nothing"),
        ("m.json", "@" + GOOD + "," + GOOD.replace("81.3", "81.4"), "top-1 of 'm' is given as two values"),
        ("m.json", "[" * 100_000, "m.json"),
        ("m.csv", "model,metric,value,unit\nm,top-1,8_1,%\n", "line 2: value '8_1' is no number"),
        ("m.csv", "model,metric,value,unit\nm,top-1,inf,%\n", "line 2: value 'inf' is no number"),
        ("m.csv", "model,metric,value,value,unit\nm,top-1,1,2,%\n", "the header names a column twice"),
        ("m.csv", 'model,metric,value,unit\nm,top-1,1,"%\n', "it is not CSV"),
        ("m.csv", "model,metric,value,unit\nm,top-1,x,%\n", "line 2: value 'x' is no number"),
        ("m.csv", "model,metric,value,unit\nm,top-1\n", "line 2: not as many values"),
        ("m.csv", "", "there is no header line"),
    ],
)
def test_a_broken_measurement_file_gets_one_line(tmp_path: Path, name: str, content: str, words: str) -> None:
    if content.startswith("@"):
        content = f'{{"schema": "safecheck/measurements/1", "measurements": [{content[1:]}]}}'
    (tmp_path / name).write_text(content)
    done = safecheck(ROOT / "examples" / "csa-block.onnx", "--measured", name, folder=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_measurements_are_attributed_or_counted(tmp_path: Path) -> None:
    rows = ["csa-block.onnx,top-1,1,%", f"{'0' * 64},top-1,2,%", "nobody.onnx,top-1,3,%"]
    (tmp_path / "m.csv").write_text("\n".join(["model,metric,value,unit", *rows, ""]))
    done = safecheck("csa-block.onnx", "--measured", tmp_path / "m.csv", "--output", "json")
    found = json.loads(done.stdout)
    assert [part["value"] for part in found["models"][0]["measured"]] == [1.0]
    assert found["measurements_of_no_model"] == 2
    assert done.stderr == "warning: 2 of 3 measurements are of no model here\n"
    (tmp_path / "csa-block.onnx").write_bytes(b"")
    done = safecheck("csa-block.onnx", tmp_path / "csa-block.onnx", "--measured", tmp_path / "m.csv")
    assert done.returncode == 2
    assert "'csa-block.onnx' is the name of several models; name the model by its SHA-256" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["csa-block.onnx", "--measured", "none.json"], "none.json: there is no such file"),
        (["csa-block.onnx", "--profile", "tensorrt-8"], "tensorrt-8"),
        (["csa-block.onnx", "-o", "report.pdf"], "the name tells no format"),
        (["csa-block.onnx", "-o", "csa-block.onnx"], "the name tells no format"),
        (["csa-block.onnx", "--output", "html=csa-block.onnx"], "this is an input"),
        (["csa-block.onnx", "--output", "pdf"], "no format 'pdf'"),
        (["csa-block.onnx", "--as", "csa=csa-block.onnx"], "no published network 'csa'"),
        (["csa-block.onnx", "--as", "csa-tiny=other.onnx"], "is not among the models"),
        (["-"], "standard input"),
    ],
)
def test_a_mistake_gets_one_line(arguments: list[str], words: str) -> None:
    done = safecheck(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


if __name__ == "__main__":
    golden = {format_name: GOLDEN / f"examples.{format_name}" for format_name in FORMATS}
    safecheck(*EXAMPLES, *PROFILES, *(part for name, path in golden.items() for part in ("--output", f"{name}={path}")))
    for path in golden.values():
        path.write_text(without_charts(path.read_text(encoding="utf-8")), encoding="utf-8")
