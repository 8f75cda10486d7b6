"""Each format as a whole: golden files, and the same bytes wherever and whenever it is written.

After an intended change: `python tests/render/audit/test_golden.py` writes the golden files anew.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from case_files import model_from_text
from render.audit.reports import FORMATS, every, written
from render.audit.strict import READERS

from safecheck.intake.onnx_library import messages

GOLDEN = Path(__file__).parent / "golden"
MODELS = {
    "allowed": "(float[4,8,6,6] x) => (y) { s = Sigmoid(x) y = Mul(x, s) }",
    "forbidden": "(float[4,8,6,6] x) => (y) { s = Sigmoid(x) y = ReduceMean(s) }",
    "unproven": "(float[4,8,6,6] x) => (y) { y = Erf(x) }",
}


def lasting(text: str) -> str:
    """Without the versions and hashes of what is installed here, which the appendix of a page lists."""
    text = re.sub(r'"libraries": \{[^}]*\}', '"libraries": {}', text)
    return re.sub(
        r"(?<=list of installed files</th></tr></thead>\n).*?</tbody>", "<tbody></tbody>", text, flags=re.DOTALL
    )


def test_every_format_has_a_reader_and_a_golden_file() -> None:
    assert set(READERS) == set(FORMATS), "write a strict reader in tests/render/audit/strict.py"
    golden = {path.name for path in GOLDEN.iterdir()}
    assert golden == {f"reports.{name}" for name in FORMATS}, "run python tests/render/audit/test_golden.py"


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_kind_of_report_looks_as_it_did(name: str) -> None:
    expected = (GOLDEN / f"reports.{name}").read_text(encoding="utf-8")
    assert lasting(written(name, every())) == expected, (
        "if this is intended, run python tests/render/audit/test_golden.py"
    )


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_golden_file_is_well_formed(name: str) -> None:
    READERS[name]((GOLDEN / f"reports.{name}").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_no_report_and_one_report_are_well_formed(name: str) -> None:
    for reports in ([], every()[:1]):
        READERS[name](written(name, reports))


def _models(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, text in MODELS.items():
        (folder / f"{name}.onnx").write_bytes(model_from_text(text).SerializeToString())
    (folder / "broken.onnx").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    proto = model_from_text("(float[1,8,4,4] x) => (y) { y = Mul(x, w) }")
    tensor = proto.graph.initializer.add(name="w", data_type=1, dims=[1, 8, 4, 4])
    tensor.data_location = messages().TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="w.bin")
    (folder / "external.onnx").write_bytes(proto.SerializeToString())
    (folder / "w.bin").write_bytes(bytes(512))


def _audit(models: str, cwd: Path, out: Path, seed: str, zone: str) -> dict[str, bytes]:
    out.mkdir()
    outputs = [part for name in FORMATS for part in ("--output", f"{name}={out / name}")]
    done = subprocess.run(
        [sys.executable, "-m", "safecheck", "audit", models, *outputs],
        cwd=cwd, capture_output=True, timeout=600,
        env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr.decode()
    return {name: (out / name).read_bytes() for name in FORMATS}


@pytest.mark.slow
def test_the_same_bytes_under_other_hash_seeds_zones_and_folders(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "over" / "there"
    for folder in (here, there):
        _models(folder / "models")
    first = _audit("models", here, tmp_path / "1", "0", "UTC")
    second = _audit("models", there, tmp_path / "2", "1", "Asia/Kathmandu")
    assert [name for name in FORMATS if first[name] != second[name]] == []
    absolute = [
        _audit(str(here / "models"), cwd, tmp_path / out, seed, "UTC")
        for cwd, out, seed in ((there, "3", "2"), (tmp_path, "4", "3"))
    ]
    assert [name for name in FORMATS if absolute[0][name] != absolute[1][name]] == []
    # These are for a terminal and name a file as the caller did.
    told = [name for name, content in absolute[0].items() if str(tmp_path).encode() in content]
    assert told == ["text", "concise", "statistics"]
    for name, content in {**first, **absolute[0]}.items():
        READERS[name](content.decode())


if __name__ == "__main__":
    for format_name in FORMATS:
        (GOLDEN / f"reports.{format_name}").write_text(lasting(written(format_name, every())), encoding="utf-8")
