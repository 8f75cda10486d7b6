"""What a run finds that goes on from another: what has changed is judged anew, what is damaged is done again."""

from __future__ import annotations

import json
import os
import resource
import signal
import time
from pathlib import Path

import numpy as np
import onnx
import onnx.numpy_helper
import psutil
import pytest
from case_files import model_from_text
from slow_audits import audited, begun, ended, kept, numbered

MODELS, DONE = 12, 8
TO_FILE = ("--output", "jsonl=out.jsonl")
LOOSE = 'id: ours\ntitle: Ours\nversion: "1"\nextends: tensorrt-8.6-restricted\n'
TIGHT = LOOSE + "evidence: {allow: [documented], extrapolated: false}\n"
"""Passes nothing that passes with the other."""


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return numbered(tmp_path / "models", MODELS)


def whole(folder: Path, *arguments: object) -> bytes:
    """What a run that nobody interrupts writes now."""
    ended(begun(folder, "--output", "jsonl=whole.jsonl", *arguments, SECONDS="0", AUDITED=os.devnull))
    return (folder / "whole.jsonl").read_bytes()


def cut(folder: Path, *arguments: object) -> Path:
    """The journal of a run that was killed with its model number `DONE`."""
    code, _, _ = ended(begun(folder, *TO_FILE, "-j", 1, *arguments, SECONDS="0", DEADLY=f"/{DONE:03}.onnx"))
    assert code == -signal.SIGKILL
    assert kept(folder) == DONE
    return folder / "out.jsonl.partial"


def resumed(folder: Path, expected: bytes, earlier: int, *arguments: object) -> None:
    before = len(audited(folder))
    _, _, errors = ended(begun(folder, *TO_FILE, "--resume", "-v", *arguments, SECONDS="0"))
    assert (folder / "out.jsonl").read_bytes() == expected, errors
    assert not (folder / "out.jsonl.partial").exists()
    assert f"{earlier} of {MODELS} verdicts are from earlier runs" in errors
    assert len(audited(folder)) - before == MODELS - earlier


def test_weights_that_have_changed_are_judged_anew(tmp_path: Path, models: Path) -> None:
    """The model's own file is as it was, and so is the key of what was kept."""
    model = model_from_text("(float[1,4,8,8] x) => (y) <float[4,4,1,1] w> { y = Conv(x, w) }")
    del model.graph.initializer[:]
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones((4, 4, 1, 1), np.float32), "w"))
    place = models / "001.onnx"
    onnx.save(model, place, save_as_external_data=True, location="data.bin", size_threshold=0)
    cut(tmp_path)
    (models / "data.bin").write_bytes(bytes(64))
    resumed(tmp_path, whole(tmp_path), DONE - 1)


def test_rules_that_have_changed_judge_anew(tmp_path: Path, models: Path) -> None:
    overlay, profile = tmp_path / "ours.yaml", ("--profile", "ours.yaml")
    overlay.write_text(LOOSE)
    cut(tmp_path, *profile)
    overlay.write_text(TIGHT)
    expected = whole(tmp_path, *profile)
    assert b'"verdict": "compliant"' not in expected
    resumed(tmp_path, expected, 0, *profile)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [("--profile", "tensorrt-10-safety"), ("--output", "json=all.json"), ("--quiet", "--output", "text")]
)
def test_what_was_asked_otherwise_is_worked_out(tmp_path: Path, models: Path, options: tuple[str, ...]) -> None:
    cut(tmp_path)
    expected = whole(tmp_path, *options)
    before = len(audited(tmp_path))
    ended(begun(tmp_path, *TO_FILE, "--resume", *options, SECONDS="0"))
    assert (tmp_path / "out.jsonl").read_bytes() == expected
    assert len(audited(tmp_path)) - before in (MODELS, MODELS - DONE)


@pytest.mark.parametrize(
    ("damage", "lost"),
    [
        (lambda lines: [*lines[:-1], lines[-1][:-1]], 1),
        (lambda lines: [*lines, b"0" * 64 + b' {"a": "\xc3'], 0),
        (lambda lines: [*lines, b"\xe2\x82"], 0),
        (lambda lines: [*lines[:3], bytes(4096) + b"\n", *lines[4:]], 1),
        (lambda lines: [*lines[:3], lines[3][:65] + bytes(len(lines[3]) - 66) + b"\n", *lines[4:]], 1),
        (lambda lines: [*lines[:3], lines[3][:65] + b"[" * 100_000 + b"\n", *lines[4:]], 1),
        (lambda lines: [*lines[:3], lines[3][:65] + b"[]\n", *lines[4:]], 1),
        (lambda lines: [*lines[:3], lines[3][:65] + b'{"outcome": {}, "rules": [], "weights": []}\n', *lines[4:]], 1),
        (lambda lines: [lines[0][:10]], DONE),
        (lambda lines: [*lines, bytes(8192)], 0),
    ],
    ids=["a line", "a character", "a character alone", "zeros", "zeros in a record", "deep", "a list", "empty",
         "the head", "zeros at the end"],
)  # fmt: skip
def test_a_journal_that_is_damaged_costs_what_is_damaged(
    tmp_path: Path, models: Path, damage: object, lost: int
) -> None:
    expected = whole(tmp_path)
    journal = cut(tmp_path)
    assert callable(damage)
    journal.write_bytes(b"".join(damage(journal.read_bytes().splitlines(keepends=True))))
    resumed(tmp_path, expected, DONE - lost)


def test_two_runs_do_not_share_a_journal(tmp_path: Path, models: Path) -> None:
    expected = whole(tmp_path)
    first = begun(tmp_path, *TO_FILE, SECONDS="0.4")
    while not kept(tmp_path):
        assert first.poll() is None
        time.sleep(0.02)
    first.send_signal(signal.SIGSTOP)  # however long the others take
    for resume in ((), ("--resume",)):
        code, output, errors = ended(begun(tmp_path, *TO_FILE, *resume, SECONDS="0"))
        assert (code, output, errors.count("\n")) == (2, "", 1)
        assert "another run writes to it" in errors
    first.send_signal(signal.SIGCONT)
    assert ended(first)[0] == 1
    assert (tmp_path / "out.jsonl").read_bytes() == expected
    assert len(audited(tmp_path)) == MODELS


def test_what_a_killed_run_has_left_behind_holds_nothing(tmp_path: Path, models: Path) -> None:
    """A process that outlives its run has the journal open, too."""
    expected = whole(tmp_path)
    children = psutil.Process().children()
    code, _, _ = ended(begun(tmp_path, *TO_FILE, SECONDS="0", STRAY="1", DEADLY=f"/{DONE:03}.onnx"))
    assert code == -signal.SIGKILL
    resumed(tmp_path, expected, DONE)
    assert psutil.Process().children() == children


def test_a_full_disk_loses_nothing(tmp_path: Path, models: Path) -> None:
    """The limit on the size of a file stands for it: both are told in the middle of a line."""
    expected = whole(tmp_path)
    process = begun(tmp_path, *TO_FILE, SECONDS="0.2")
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (len(expected) // 2, len(expected) // 2))
    code, output, errors = ended(process)
    done = kept(tmp_path)
    assert (code, output) == (2, "")
    assert 0 < done < MODELS
    assert errors.splitlines()[0].startswith(f"interrupted: {done} of {MODELS} results are kept")
    assert errors.splitlines()[1].startswith("error[SC-ENV-DISK]: ")
    assert errors.count("\n") == 2
    resumed(tmp_path, expected, done)


def test_a_model_that_wants_all_memory_stops_no_other(tmp_path: Path, models: Path) -> None:
    code, output, errors = ended(begun(tmp_path, "--output", "jsonl", SECONDS="0", HUNGRY="/004.onnx"))
    assert code == 1
    assert errors.startswith("error[SC-ENV-WORKER]: models/004.onnx: ")
    assert errors.count("\n") == 1
    assert [json.loads(line)["exit_code"] for line in output.splitlines()][4] == 3
    assert output.count("\n") == MODELS
