"""Small models, records and a way to run the command line as a user does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from case_files import model_from_text

from safecheck.cli import run

ALLOWED = "(float[4,8,6,6] x) => (y) { s = Sigmoid(x) y = Mul(x, s) }"
FORBIDDEN = "(float[4,8,6,6] x) => (y) { s = Sigmoid(x) y = ReduceMean(s) }"
TWICE = "(float[4,8,6,6] x) => (y) { s = ReduceMean<axes=[2]>(x) t = ReduceMean<axes=[3]>(s) y = Sigmoid(t) }"
UNPROVEN = "(float[4,8,6,6] x) => (y) { y = Erf(x) }"
MANDATORY = "(float[1,8,6,6] x) => (y) <int64[1] a = {3}> { y = ReduceMax(x, a) }"
"""Opset 18: parsers up to 9.3 reduce over all axes instead."""
MODELS = {
    "allowed": (17, ALLOWED),
    "forbidden": (17, FORBIDDEN),
    "twice": (17, TWICE),
    "unproven": (17, UNPROVEN),
    "mandatory": (18, MANDATORY),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with one model of each kind."""
    for name, (opset, text) in MODELS.items():
        (tmp_path / f"{name}.onnx").write_bytes(model_from_text(text, opset).SerializeToString())
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    return tmp_path


@pytest.fixture
def safecheck(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command as the entry point does: exit code, standard output, standard error; never a traceback."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run(list(arguments))
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        assert "SC-BUG" not in err, err
        return code, out, err

    return call
