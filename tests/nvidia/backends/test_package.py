"""The backend for the package tensorrt, with a small package that behaves as bindings of each release do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from case_files import model_from_text

from safecheck.errors import UsageError
from safecheck.finding import Verdict
from safecheck.nvidia.backends.find import find_backend
from safecheck.rulebook.load import profile

sys.path.insert(0, str(Path(__file__).parents[1]))
from fake_tensorrt import install


@pytest.fixture
def network(tmp_path: Path) -> str:
    path = tmp_path / "network.onnx"
    path.write_bytes(model_from_text("(float[1,8,6,6] x) => (y) { y = Relu(x) }").SerializeToString())
    return str(path)


@pytest.mark.parametrize(
    ("version", "behaviour", "target", "verdict"),
    [
        ("8.6.1", "", "tensorrt-8.6-restricted", Verdict.ALLOWED),
        ("8.6.1", "refuse", "tensorrt-8.6-restricted", Verdict.FORBIDDEN),
        ("8.6.1", "unparsed", "tensorrt-8.6-restricted", Verdict.UNPROVEN),
        ("8.6.1", "crash", "tensorrt-8.6-restricted", Verdict.UNPROVEN),
        ("10.13.2.6", "", "tensorrt-10-safety", Verdict.ALLOWED),
        ("10.13.2.6", "", "tensorrt-8.6-restricted", Verdict.UNPROVEN),
    ],
)
def test_only_a_check_that_was_in_force_decides(
    version: str,
    behaviour: str,
    target: str,
    verdict: Verdict,
    network: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(install(tmp_path, version, behaviour)))
    backend = find_backend("tensorrt", "", None)
    told = backend.ask(network, profile(target))
    assert told.verdict is verdict, told
    assert backend.release == version
    assert version in backend.about()
    assert bool(told.log) is (behaviour != "crash")


def test_an_interpreter_without_the_package_is_one_line() -> None:
    with pytest.raises(UsageError, match="there is no package tensorrt here"):
        find_backend("tensorrt", "", "/usr/bin/python3")
