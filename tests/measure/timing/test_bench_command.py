from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from classifiers import arrays, classifier, write_labels

from safecheck.cli import run
from safecheck.cost.measured import METRICS, read_measurements
from safecheck.measure.timing.latency import summary
from safecheck.measure.timing.machine import this_machine

ROOT = Path(__file__).parents[3]


def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any], str]:
    target = tmp_path / "measurements.json"
    target.unlink(missing_ok=True)
    code = run(["bench", *map(str, arguments), "--warmup", "1", "-o", str(target)])
    out, err = capsys.readouterr()
    return code, json.loads(target.read_text()) if target.exists() else {}, out + err


def places(found: dict[str, Any]) -> list[tuple[str, int, str]]:
    return [(part["metric"], part.get("batch"), part["precision"]) for part in found["measurements"]]


def test_percentiles_are_runs_that_took_place() -> None:
    runs = [float(number) for number in np.random.default_rng(0).permutation(200) + 1]
    timing = summary(runs, 4)
    assert (timing.median, timing.p95, timing.p99) == (100.5, 190, 198)
    assert timing.throughput == pytest.approx(4 * 200 / (sum(runs) / 1000))
    assert (summary(runs[:99], 1).p99, summary(runs[:19], 1).p95) == (None, None)
    assert summary(runs[:100], 1).p99 == sorted(runs[:100])[98]


def test_a_model_with_an_open_batch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1769817600")
    model = classifier(tmp_path / "m.onnx", "N")
    before = model.read_bytes()
    code, found, text = bench(tmp_path, capsys, model, "--batch", "1,4", "--precision", "fp32", "--runs", 100)
    assert code == 0
    metrics = ("latency", "latency-p95", "latency-p99", "throughput")
    assert places(found) == [(metric, batch, "fp32") for batch in (1, 4) for metric in metrics]
    values = {(part["metric"], part["batch"]): part["value"] for part in found["measurements"]}
    for batch in (1, 4):
        assert 0 < values["latency", batch] <= values["latency-p95", batch] <= values["latency-p99", batch]
    assert {part["date"] for part in found["measurements"]} == {"2026-01-31"}
    assert found["machine"]["processor"] == this_machine().processor
    assert found["machine"]["cores"] >= 1
    assert found["measurements"][0]["device"] == this_machine().processor
    assert found["measurements"][0]["versions"].startswith("onnxruntime ")
    assert found["settings"] == {"backend": "onnxruntime", "warmup_runs": 1, "runs": 100}
    assert [gap["metric"] for gap in found["not_measured"]] == ["memory-traffic"]
    assert "not measured: memory-traffic: no counter" in text
    assert model.read_bytes() == before


def test_the_file_is_what_compare_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = classifier(tmp_path / "m.onnx")
    _, found, _ = bench(tmp_path, capsys, model, "--runs", 100)
    file = tmp_path / "measurements.json"
    read = read_measurements(str(file))
    assert [part.value for part in read] == [part["value"] for part in found["measurements"]]
    assert all(METRICS[part.metric] == part.unit for part in read)
    code = run(["compare", str(model), "--measured", str(file), "--output", "json"])
    out, err = capsys.readouterr()
    assert err == ""
    assert code in (0, 1, 3)
    shown = json.loads(out)["models"][0]["measured"]
    assert [part["value"] for part in shown] == [part.value for part in read]
    file.write_text(json.dumps({**found, "machine": []}))
    assert run(["compare", str(model), "--measured", str(file)]) == 2
    assert "machine is no object" in capsys.readouterr().err


def test_what_this_machine_cannot_measure_has_a_reason_and_no_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = classifier(tmp_path / "m.onnx")
    code, found, text = bench(tmp_path, capsys, model, "--batch", "1,8", "--precision", "fp32,fp16,mixed", "--runs", 20)
    assert code == 0
    assert places(found) == [(metric, 1, "fp32") for metric in ("latency", "latency-p95", "throughput")]
    gaps = {(gap["metric"], gap.get("batch"), gap.get("precision")): gap["reason"] for gap in found["not_measured"]}
    assert len(gaps) == 1 + 1 + 5
    assert "batch of input image is fixed at 1" in gaps["latency", 8, "fp32"]
    assert "compute FP16 models in FP32" in gaps["latency", 1, "fp16"]
    assert "no Q/DQ nodes" in gaps["latency", 1, "mixed"]
    assert "20 runs are too few" in gaps["latency-p99", 1, "fp32"]
    assert "(mixed batch 1, mixed batch 8)" in text
    code, found, _ = bench(tmp_path, capsys, model, "--precision", "mixed", "--runs", 1)
    assert (code, found["measurements"]) == (3, [])


def test_a_quantised_model_is_measured_as_mixed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = classifier(tmp_path / "m.onnx", "N")
    classes = arrays(tmp_path / "images", 9)
    labels = write_labels(tmp_path / "labels.csv", classes)
    quantised = tmp_path / "q.onnx"
    run(["quantize", str(model), "--images", str(tmp_path / "images"), "-o", str(quantised)])
    capsys.readouterr()
    code, found, text = bench(
        tmp_path, capsys, model, quantised, "--batch", "2", "--precision", "fp32,mixed", "--runs", 3,
        "--images", tmp_path / "images", "--labels", labels,
    )  # fmt: skip
    assert code == 0
    expected = ["top-1", "latency", "throughput"]
    assert [(part["metric"], part["precision"]) for part in found["measurements"]] == [
        (metric, precision) for precision in ("fp32", "mixed") for metric in expected
    ]
    assert [part["value"] for part in found["measurements"] if part["metric"] == "top-1"] == [100, 100]
    assert text.count("Top-1 100.00 %") == 2


def test_fp16_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = classifier(tmp_path / "m.onnx", dtype=onnx.TensorProto.FLOAT16)
    code, found, _ = bench(tmp_path, capsys, model, "--precision", "fp32,fp16", "--runs", 1)
    assert (code, found["measurements"]) == (3, [])
    assert {gap["reason"].partition(":")[0] for gap in found["not_measured"] if gap["metric"] == "latency"} == {
        "the model is written in FP16", "onnxruntime's CPU kernels compute FP16 models in FP32",
    }  # fmt: skip


def test_one_model_that_cannot_be_read_does_not_cost_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = classifier(tmp_path / "m.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"")
    code, found, text = bench(tmp_path, capsys, tmp_path / "bad.onnx", model, "--runs", 1)
    assert code == 3
    assert len(found["measurements"]) == 2
    assert found["not_measured"][-1]["name"] == "bad.onnx"
    assert "error[SC-IO-EMPTY]" in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--batch", "1,x"], "--batch: '1,x' is no list of numbers"),
        (["--batch", "0"], "is no list of numbers"),
        (["--precision", "fp23"], "no precision 'fp23'; use: fp32"),
        (["--images", "."], "Top-1 needs both"),
    ],
)
def test_usage(arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found, text = bench(tmp_path, capsys, classifier(tmp_path / "m.onnx"), *arguments)
    assert (code, found) == (2, {})
    assert says in text


def test_trtexec_gets_the_model_at_the_batch_and_its_numbers_are_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tool = tmp_path / "trtexec"
    tool.write_text(
        f"#!{sys.executable}\n"
        "import onnx, sys\n"
        "path = sys.argv[1].removeprefix('--onnx=')\n"
        "batch = onnx.load(path).graph.input[0].type.tensor_type.shape.dim[0].dim_value\n"
        "print('[I] Selected Device: NVIDIA Test')\n"
        "print('[I] TensorRT version: 8.6.11')\n"
        "print('[I] Throughput: 100 qps')\n"
        "print(f'[I] Latency: min = 1 ms, median = {batch} ms, percentile(95%) = {batch + 1} ms')\n"
        "print('&&&& PASSED' if batch < 16 else '[E] out of memory')\n"
    )
    tool.chmod(0o755)
    model = classifier(tmp_path / "m.onnx", "N")
    code, found, _ = bench(
        tmp_path, capsys, model, "--backend", "trtexec", "--trtexec", tool, "--batch", "2,16", "--precision", "fp16"
    )
    assert code == 0
    kept = {part["metric"]: part for part in found["measurements"]}
    assert [(name, part["value"]) for name, part in kept.items()] == [
        ("latency", 2), ("latency-p95", 3), ("throughput", 200)
    ]  # fmt: skip
    assert {(part["batch"], part["precision"], part["device"], part["versions"]) for part in kept.values()} == {
        (2, "fp16", "NVIDIA Test", "TensorRT 8.6.11")
    }
    assert found["machine"]["gpu"] == "NVIDIA Test"
    reasons = {(gap["metric"], gap.get("batch")): gap["reason"] for gap in found["not_measured"]}
    assert "out of memory" in reasons["latency", 16]
    assert "does not print it" in reasons["latency-p99", 2]


def test_no_trtexec_is_no_measurement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = classifier(tmp_path / "m.onnx")
    code, found, text = bench(tmp_path, capsys, model, "--backend", "trtexec", "--trtexec", tmp_path / "none")
    assert (code, found["measurements"]) == (3, [])
    assert "trtexec cannot be started" in text


def test_as_a_process(tmp_path: Path) -> None:
    model = classifier(tmp_path / "m.onnx")
    command = [sys.executable, "-m", "safecheck", "bench", str(model), "--runs", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "m.onnx\n" in done.stdout
    assert [file.name for file in tmp_path.iterdir()] == ["m.onnx"]


@pytest.mark.slow
def test_the_table_of_the_results_folder(tmp_path: Path) -> None:
    """The script behind `benchmarks/results`, on a miniature."""
    command = [sys.executable, ROOT / "benchmarks" / "latency.py", ROOT / "examples" / "csa-nano.onnx"]
    command += ["--results", tmp_path / "results", "--bench=--runs 20", "--rounds", "2"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=600)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "results" / "cpu-onnxruntime.md").read_text()
    assert this_machine().processor in text
    row = text.splitlines()[-1].split(" | ")
    assert row[0] == "| csa-nano"
    assert float(row[3]) > 0
    assert row[5] == "not measured"  # 20 runs have no 99th percentile
    assert row[7] == "1.00"
    kept = read_measurements(str(tmp_path / "results" / "cpu-onnxruntime.json"))
    medians = [float(text) for text in row[8].removesuffix(" |").split(", ")]
    assert len(medians) == 2
    assert f"{kept[0].value:.1f}" == f"{min(medians):.1f}" == row[3]
