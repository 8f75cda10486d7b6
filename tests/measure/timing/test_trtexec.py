"""Against logs of the form that trtexec prints; the numbers are made up."""

from __future__ import annotations

import io
import os
import stat
import time
from pathlib import Path

import pytest

from safecheck.measure.timing.latency import NotMeasured, Timing
from safecheck.measure.timing.trtexec import time_network, timing_of
from safecheck.nvidia.backends.trtexec import Trtexec
from safecheck.nvidia.log import parse as summary


def parse(text: str, batch: int) -> Timing:
    return timing_of(summary(io.BytesIO(text.encode())), batch)


def line(name: str, scale: float, percentiles: tuple[int, ...] = (95, 99)) -> str:
    parts = [f"min = {scale} ms", f"max = {9 * scale:g} ms", f"mean = {3 * scale:g} ms", f"median = {2 * scale:g} ms"]
    parts += [f"percentile({percent}%) = {percent / 20 * scale:g} ms" for percent in percentiles]
    return f"{name}: {', '.join(parts)}"


def log(percentiles: tuple[int, ...] = (95, 99), version: str = "v8611", written: str = "8.6.11") -> str:
    stamp = "[01/31/2026-10:47:59] [I] "
    lines = [
        "=== Device Information ===", "Selected Device: Orin", "Compute Capability: 8.7", "",
        f"TensorRT version: {written}" if written else "",
        "Average on 10 runs - GPU latency: 7 ms - Host latency: 8 ms",
        "=== Performance summary ===",
        "Throughput: 130.298 qps", line("Latency", 1.5, percentiles),
        line("Enqueue Time", 0.1, percentiles), line("H2D Latency", 0.01, percentiles),
        line("GPU Compute Time", 1.25, percentiles), line("D2H Latency", 0.02, percentiles),
        "Total Host Walltime: 3.00082 s",
    ]  # fmt: skip
    body = "\n".join(stamp + text for text in lines)
    banner = f"TensorRT.trtexec [TensorRT {version}] # trtexec --onnx=m.onnx"
    return f"&&&& RUNNING {banner}\n{body}\n&&&& PASSED {banner}\n"


def test_a_summary() -> None:
    timing = parse(log(), 4)
    assert (timing.median, timing.p95, timing.p99) == (3.0, 7.125, 7.425)
    assert timing.gpu_time == 2.5
    assert timing.throughput == pytest.approx(4 * 130.298)
    assert (timing.device, timing.versions) == ("Orin", "TensorRT 8.6.11")


def test_before_8_5_there_is_one_percentile() -> None:
    timing = parse(log((99,)), 1)
    assert (timing.p95, timing.p99) == (None, 7.425)


@pytest.mark.parametrize(
    ("version", "shown"), [("v8611", "8.6.11"), ("v8601", "8.6.1"), ("v100200", "10.2.0"), ("v101303", "10.13.3")]
)
def test_the_version_of_the_banner(version: str, shown: str) -> None:
    assert parse(log(version=version, written=""), 1).versions == f"TensorRT {shown}"


@pytest.mark.parametrize(
    "text", ["", "garbage\n\x00\xff", log().replace("Throughput", "Through"), "Latency: min = 1 ms"]
)
def test_another_log_says_nothing(text: str) -> None:
    with pytest.raises(NotMeasured, match="no performance summary"):
        parse(text, 1)


@pytest.mark.parametrize(("good", "bad"), [("median = 3 ms", "median = 0 ms"), ("130.298", "0"), ("130.298", "1e999")])
def test_impossible_numbers_are_no_measurement(good: str, bad: str) -> None:
    with pytest.raises(NotMeasured, match="impossible value"):
        parse(log().replace(good, bad), 1)


def fake(folder: Path, body: str) -> str:
    path = folder / "trtexec"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(log())
    tool = Trtexec(fake(tmp_path, f'echo "$@" > {tmp_path}/arguments; cat {tmp_path}/log'), 20)
    for precision, flags in (("fp32", "--noTF32"), ("fp16", "--fp16"), ("mixed", "--fp16 --int8")):
        assert time_network(tool, "m.onnx", 1, precision, 30).median == 3
        assert (tmp_path / "arguments").read_text() == (
            f"--onnx=m.onnx {flags} --warmUp=1000 --iterations=30 --duration=0 --percentile=95,99\n"
        )


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            "echo '[01/31/2026-10:47:59] [E] Error[4]: bad node'; echo '&&&& FAILED'; exit 1",
            r"ended with 1: Error\[4\]",
        ),
        ("kill -SEGV $$", "ended with -11: no output"),
        ("echo hello", "did not report PASSED: hello"),
        ("head -c 70000000 /dev/zero", "wrote more than 64 MB"),
        ("head -c 100000 /dev/urandom", "did not report PASSED"),
        ("echo '&&&& PASSED'", "no performance summary"),
    ],
)
def test_a_tool_that_fails_gives_a_reason(tmp_path: Path, body: str, says: str) -> None:
    with pytest.raises(NotMeasured, match=says) as caught:
        time_network(Trtexec(fake(tmp_path, body), 600), "m.onnx", 1, "fp32", 1)
    assert str(caught.value).isprintable()


def test_a_tool_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    for limit in (1, 8, 64, 512):  # a busy machine needs longer to reach the child
        tool = Trtexec(fake(tmp_path, f"sleep 1000 & echo $! > {tmp_path}/child; wait"), limit)
        with pytest.raises(NotMeasured, match=f"took more than {limit} s"):
            time_network(tool, "m.onnx", 1, "fp32", 1)
        if (tmp_path / "child").exists():
            break
    child = int((tmp_path / "child").read_text())
    for _ in range(12000):
        if not Path(f"/proc/{child}").exists() or "(sleep) Z" in Path(f"/proc/{child}/stat").read_text():
            return
        time.sleep(0.05)
    os.kill(child, 9)
    pytest.fail("the child of trtexec lives on")


def test_no_tool(tmp_path: Path) -> None:
    with pytest.raises(NotMeasured, match=r"cannot be started: .*No such file"):
        time_network(Trtexec(str(tmp_path / "none"), 1), "m.onnx", 1, "fp32", 1)
