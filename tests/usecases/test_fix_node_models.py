"""`fix` on the models of ONNX's own node tests: it never fails, never changes what is computed, and never twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from safecheck.rulebook.load import profile
from safecheck.usecases.fix import Request, fix


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("target", ["tensorrt-8.6-restricted", "tensorrt-10-safety"])
def test_every_node_model(target: str, tmp_path: Path) -> None:
    from onnx.backend.test.case.node import collect_testcases

    book = profile(target)
    source, first, second = (tmp_path / name for name in ("model.onnx", "first.onnx", "second.onnx"))
    counts: Counter[str] = Counter()
    for case in collect_testcases(None):  # type: ignore[arg-type]
        if case.model is None:
            continue
        source.write_bytes(case.model.SerializeToString())
        fixed = fix(str(source), str(first), book, Request())
        counts["fixed" if fixed.applied else "left alone"] += 1
        if fixed.applied:
            assert not fix(str(first), str(second), book, Request()).applied, case.name
        else:
            assert first.read_bytes() == source.read_bytes(), case.name
    assert counts["fixed"] > 300
