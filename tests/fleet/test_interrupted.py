"""Real runs that are interrupted: nothing is lost, nothing is done twice, and one bad model stops no other."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from slow_audits import PATIENCE, audited, begun, ended, kept, numbered

MODELS = 48


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return numbered(tmp_path / "models", MODELS)


def in_the_middle(folder: Path, process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Wait until some results are there, and give the processes that work for this one."""
    until = time.monotonic() + PATIENCE
    while kept(folder) < 6:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)
    return psutil.Process(process.pid).children()


@pytest.fixture
def whole(tmp_path: Path, models: Path) -> bytes:
    """What a run that nobody interrupts writes."""
    code, _, errors = ended(begun(tmp_path, "--output", "jsonl=whole.jsonl", SECONDS="0"))
    assert code == 1, errors
    (tmp_path / "audited").unlink()
    return (tmp_path / "whole.jsonl").read_bytes()


def resumed(folder: Path, whole: bytes, done: int, *arguments: object) -> None:
    """Go on; `done` results were there and are not worked out again."""
    before = len(audited(folder))
    code, _, errors = ended(begun(folder, "--output", "jsonl=out.jsonl", "--resume", "-v", *arguments, SECONDS="0"))
    assert code == 1, errors
    assert (folder / "out.jsonl").read_bytes() == whole
    assert not (folder / "out.jsonl.partial").exists()
    assert f"{done} of {MODELS} verdicts are from earlier runs" in errors
    assert len(audited(folder)) - before == MODELS - done


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_goes_on(tmp_path: Path, whole: bytes, jobs: int, number: signal.Signals) -> None:
    process = begun(tmp_path, "--output", "jsonl=out.jsonl", "-j", jobs)
    workers = in_the_middle(tmp_path, process)
    os.killpg(process.pid, number) if number is signal.SIGINT else process.send_signal(number)
    _, _, errors = ended(process)
    psutil.wait_procs(workers, timeout=PATIENCE)
    assert not any(worker.is_running() for worker in workers), "no process outlives the run"
    done = kept(tmp_path)
    assert 6 <= done < MODELS
    assert not (tmp_path / "out.jsonl").exists()
    if number is not signal.SIGKILL:
        assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
        assert f"{done} of {MODELS} results are kept in out.jsonl.partial" in errors
    resumed(tmp_path, whole, done, "-j", jobs)


@pytest.mark.slow
def test_a_worker_that_is_killed_loses_nothing(tmp_path: Path, whole: bytes) -> None:
    process = begun(tmp_path, "--output", "jsonl=out.jsonl", "-j", 2)
    in_the_middle(tmp_path, process)[0].kill()
    code, _, errors = ended(process)
    assert (code, errors) == (1, "wrote out.jsonl: 16 compliant, 32 non-compliant\n")
    assert (tmp_path / "out.jsonl").read_bytes() == whole


@pytest.mark.slow
def test_a_model_that_kills_its_process_stops_no_other(tmp_path: Path, whole: bytes) -> None:
    process = begun(tmp_path, "--output", "jsonl=out.jsonl", "-j", 2, DEADLY="/020.onnx", SECONDS="0")
    code, _, errors = ended(process)
    assert code == 1
    assert errors.startswith("error[SC-ENV-WORKER]: models/020.onnx: ")
    assert errors.splitlines()[1:] == ["wrote out.jsonl: 16 compliant, 1 inconclusive, 31 non-compliant"]
    assert [line for line in whole.splitlines() if b"/020.onnx" not in line] == [
        line for line in (tmp_path / "out.jsonl").read_bytes().splitlines() if b"/020.onnx" not in line
    ]
    assert audited(tmp_path).count("models/020.onnx") == 2


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_fault_about_one_model_stops_no_other(tmp_path: Path, models: Path, jobs: int) -> None:
    process = begun(tmp_path, "--output", "jsonl", "-j", jobs, ODD="/020.onnx", SECONDS="0")
    code, output, errors = ended(process)
    assert code == 4
    assert errors.startswith("error[SC-BUG]: models/020.onnx: safecheck failed: KeyError in ")
    assert errors.count("\n") == 1
    verdicts = [json.loads(line)["exit_code"] for line in output.splitlines()]
    assert verdicts == [4 if number == 20 else int(number % 3 > 0) for number in range(MODELS)]


def test_what_is_resumed_is_what_was_asked(tmp_path: Path, models: Path) -> None:
    """A model that has changed, a line that was cut off, and other options: nothing old passes for new."""
    process = begun(tmp_path, "--output", "jsonl=out.jsonl")
    in_the_middle(tmp_path, process)
    process.kill()
    ended(process)
    journal = tmp_path / "out.jsonl.partial"
    done = kept(tmp_path)
    journal.write_bytes(journal.read_bytes()[: -40 if journal.read_bytes().endswith(b"\n") else None])
    shutil.copy(models / "001.onnx", models / "000.onnx")
    code, _, errors = ended(begun(tmp_path, "--output", "jsonl=out.jsonl", "--resume", "-v", SECONDS="0"))
    assert code == 1
    assert f"{done - 2} of {MODELS} verdicts" in errors
    first = json.loads((tmp_path / "out.jsonl").read_bytes().splitlines()[0])
    assert (first["model"]["path"], first["verdict"]) == ("models/000.onnx", "non-compliant")


def test_only_a_journal_is_overwritten(tmp_path: Path, models: Path) -> None:
    (tmp_path / "out.jsonl.partial").write_text("my notes\n")
    code, _, errors = ended(begun(tmp_path, "--output", "jsonl=out.jsonl"))
    assert (code, errors.count("\n")) == (2, 1)
    assert "SC-OUT-JOURNAL" in errors
    assert (tmp_path / "out.jsonl.partial").read_text() == "my notes\n"


DAMAGE = {
    "cut short": b"{", "nothing": b"null", "no outcome": b"{}", "a list": b"[]", "deep": b"[" * 20_000,
    "an outcome of nothing": b'{"weights": [], "rules": [], "outcome": {}}',
}  # fmt: skip


@pytest.mark.parametrize(
    "damage",
    [
        "cut short",
        *(pytest.param(name, marks=pytest.mark.slow) for name in (*DAMAGE, "terminal codes") if name != "cut short"),
    ],
)
def test_what_is_odd_in_a_journal_is_worked_out_again(damage: str, tmp_path: Path, whole: bytes) -> None:
    run = begun(tmp_path, "--output", "jsonl=out.jsonl")
    in_the_middle(tmp_path, run)
    run.kill()
    ended(run)
    journal = tmp_path / "out.jsonl.partial"
    head, *lines = (line for line in journal.read_bytes().splitlines(keepends=True) if line.endswith(b"\n"))
    parts = [line.rstrip().split(b" ", 1) for line in lines]
    odd = [
        (key, DAMAGE.get(damage, record.replace(b'"verdict": "', rb'"verdict": "\u001b[31m'))) for key, record in parts
    ]
    journal.write_bytes(head + b"".join(key + b" " + record + b"\n" for key, record in odd))
    resumed(tmp_path, whole, 0)


def test_a_journal_under_version_control_proves_nothing(tmp_path: Path, models: Path) -> None:
    (tmp_path / "out.jsonl.partial").write_text('{"schema": "safecheck/journal/1"}\n')
    for words in (["init", "-q"], ["add", "out.jsonl.partial"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    code, _, errors = ended(begun(tmp_path, "--output", "jsonl=out.jsonl", "--resume"))
    assert (code, errors.count("\n")) == (2, 1)
    assert "version control" in errors


def test_resuming_needs_a_place(tmp_path: Path, models: Path) -> None:
    code, _, errors = ended(begun(tmp_path, "--resume"))
    assert (code, errors.count("\n")) == (2, 1)
    assert "SC-CFG-RESUME" in errors
