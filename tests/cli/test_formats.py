"""The formats that are written never change the exit code, over the rule cases, which one process audits."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from case_files import all_cases

from safecheck.cli import run
from safecheck.render import RENDERERS

SEED = 16
SOME, FEW = 250, 20
"""Models that are written in all formats at once, and in each format alone; with `SAFECHECK_LARGE` all are."""
FORMATS = [name for name in RENDERERS["audit"] if name not in ("concise", "statistics")]
"""The other two are the text of `--quiet` and of `--statistics`."""


def models(most: int) -> list[tuple[str, bytes]]:
    """Some of the rule cases, each a profile and a model, drawn by a seed."""
    found = list(dict.fromkeys((case.profile, case.proto().SerializeToString()) for case in all_cases()))
    return found if "SAFECHECK_LARGE" in os.environ else random.Random(SEED).sample(found, most)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def code(profile: str, *more: str) -> int:
    """The exit code for the model in the working folder."""
    return run(["audit", "m.onnx", "--profile", profile, "--no-cache", *more])


def outputs(*formats: str) -> list[str]:
    return [word for name in formats for word in ("--output", f"{name}=out.{name}")]


@pytest.mark.slow
def test_all_formats_at_once(work: Path) -> None:
    others = {}
    for number, (profile, content) in enumerate(models(SOME)):
        (work / "m.onnx").write_bytes(content)
        found = code(profile, "--quiet"), code(profile, *outputs(*FORMATS)), code(profile, "--statistics")
        if len(set(found)) > 1 or not {*found} <= {0, 1, 3}:
            others[number] = found
    assert others == {}
    assert all((work / f"out.{name}").stat().st_size for name in FORMATS)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_each_format_alone(name: str, work: Path) -> None:
    for profile, content in models(FEW):
        (work / "m.onnx").write_bytes(content)
        assert code(profile, *outputs(name)) == code(profile), profile
