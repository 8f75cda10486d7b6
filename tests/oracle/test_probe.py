"""The probe with the real check finds out what the shipped profile says; skipped without the extra `oracle`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from agreement import REFUSED_WHERE_IT_IS_NOT_MISREAD, filled, scope_profile
from nvidia.probe import few

from safecheck.errors import UsageError
from safecheck.finding import Verdict
from safecheck.nvidia.backends.oracle import Oracle
from safecheck.nvidia.probe.overlay import overlay
from safecheck.nvidia.probe.run import collect, probe
from safecheck.nvidia.scope_check.ask import require
from safecheck.rulebook.load import profile
from safecheck.usecases.audit import audit_model

DATA = Path(__file__).parents[1] / "corpus" / "data"


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    try:
        require()
    except UsageError as reason:
        pytest.skip(str(reason))


def rediscover(models: list[bytes], step: int, folder: Path) -> int:
    """Ask about every `step`-th form that the small profile leaves open, and compare with the full one."""
    asked, _ = collect(few.audited(models), few.book())
    found = probe(asked[::step], few.book(), Oracle(), str(folder))
    few.write(folder)
    file = folder / "measured.yaml"
    file.write_text(overlay(few.book(), "few.yaml", found.about, found.log_sha256, found.answers), encoding="utf-8")
    measured, full = profile(str(file)), scope_profile()
    for question, told in found.answers:
        network = folder / f"{question.id}.onnx"
        ours, theirs = (audit_model(str(network), book).audit for book in (measured, full))
        assert ours is not None
        assert theirs is not None
        if told.verdict is Verdict.UNPROVEN:
            assert ours.nodes[0].verdict is not Verdict.ALLOWED, question.title
        else:
            assert ours.nodes[0].verdict is told.verdict, question.title
            if {finding.rule for finding in theirs.findings} != {REFUSED_WHERE_IT_IS_NOT_MISREAD}:
                assert theirs.nodes[0].verdict in (told.verdict, Verdict.UNPROVEN), (question.title, told)
    return found.count(Verdict.ALLOWED) + found.count(Verdict.FORBIDDEN)


def test_some_rule_cases(tmp_path: Path) -> None:
    assert rediscover([case.proto().SerializeToString() for case in few.rule_cases()], 8, tmp_path) > 15


@pytest.mark.slow
def test_all_rule_cases(tmp_path: Path) -> None:
    assert rediscover([case.proto().SerializeToString() for case in few.rule_cases()], 1, tmp_path) > 150


@pytest.mark.slow
@pytest.mark.parametrize("file", sorted(DATA.glob("*dynamo20.onnx.gz")), ids=lambda file: file.name)
def test_networks(file: Path, tmp_path: Path) -> None:
    assert rediscover([filled(file)], 4, tmp_path) > 8


@pytest.mark.slow
def test_the_command(tmp_path: Path) -> None:
    small, output = few.write(tmp_path), tmp_path / "measured.yaml"
    model = tmp_path / "model.onnx"
    model.write_bytes(filled(DATA / "csa_tiny__dynamo20.onnx.gz"))
    argv = [sys.executable, "-m", "safecheck", "probe", str(model), "--profile", str(small), "-o", str(output)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    ours, theirs = (audit_model(str(model), profile(name)) for name in (str(output), few.FULL))
    assert ours.coverage == theirs.coverage
    assert ours.coverage["forbidden"] == 1
