"""Verdicts of a run over many models are kept together, and believed only of what has not changed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnx.numpy_helper
import pytest
from case_files import model_from_text
from processes import safecheck_text
from workflow_repo import ALLOWED, FORBIDDEN

MODELS = 18


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    for number in range(MODELS):
        save(tmp_path, number, ALLOWED)
    return tmp_path


def save(folder: Path, number: int, text: str) -> None:
    model = model_from_text(text)
    model.doc_string = str(number)
    onnx.save(model, folder / "models" / f"{number:02}.onnx")


def audit(folder: Path) -> tuple[int, str, str]:
    environment = {**os.environ, "SAFECHECK_CACHE_DIR": str(folder / "kept")}
    done = safecheck_text("audit", "models", "--isolated", "-q", "-v", cwd=folder, environment=environment)
    return done.returncode, done.stdout, done.stderr


def test_a_model_that_changes_is_audited_again(folder: Path) -> None:
    expected = (0, f"{MODELS} models: {MODELS} compliant\n")
    for earlier in (0, MODELS, MODELS):
        code, output, errors = audit(folder)
        assert (code, output) == expected
        assert errors == f"{earlier} of {MODELS} verdicts are from earlier runs\n"
    assert len(list((folder / "kept" / "packs").iterdir())) == 1
    save(folder, 7, FORBIDDEN)
    code, output, errors = audit(folder)
    assert code == 1
    assert output.endswith(f"{MODELS} models: {MODELS - 1} compliant, 1 non-compliant\n")
    assert errors == f"{MODELS - 1} of {MODELS} verdicts are from earlier runs\n"


def test_a_pack_that_is_damaged_is_as_if_it_were_not_there(folder: Path) -> None:
    for _ in range(2):
        audit(folder)
    (pack,) = (folder / "kept" / "packs").iterdir()
    pack.write_bytes(pack.read_bytes().replace(b"COMPLIANT", b"COMPLAINT"))
    code, output, _ = audit(folder)
    assert (code, output) == (0, f"{MODELS} models: {MODELS} compliant\n")


REPLACED = """
import os, sys
import safecheck.cli.errand as errand
name = sys.argv.pop(1)
real = errand.audit_model
def audit_model(path, book):
    report = real(path, book)
    if os.path.exists("next"):
        os.replace("next", os.path.join("models", name))
    return report
errand.audit_model = audit_model
from safecheck.__main__ import main
main()
"""


@pytest.mark.parametrize("name", ["00.onnx", "data.bin"])
def test_what_is_replaced_while_it_is_judged_is_not_taken_for_what_was_judged(folder: Path, name: str) -> None:
    """An address has no hash to ask for, only what its keeper says, and that has to be about what was read."""
    pytest.importorskip("fsspec")
    for number in range(2, MODELS):
        (folder / "models" / f"{number:02}.onnx").unlink()
    model = model_from_text("(float[1,4,8,8] x) => (y) <float[4,4,1,1] w> { z = Conv(x, w) y = Sigmoid(z) }")
    del model.graph.initializer[:]
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones((4, 4, 1, 1), np.float32), "w"))
    place = str(folder / "models" / "00.onnx")
    onnx.save(model, place, save_as_external_data=True, location="data.bin", size_threshold=0)
    new = model_from_text(FORBIDDEN).SerializeToString() if name == "00.onnx" else bytes(64)
    (folder / "next").write_bytes(new)
    asked = ["audit", (folder / "models").as_uri(), "--isolated", "--output", "jsonl"]
    environment = {**os.environ, "SAFECHECK_CACHE_DIR": str(folder / "kept")}
    subprocess.run([sys.executable, "-c", REPLACED, name, *asked], cwd=folder, env=environment, check=False,
                   capture_output=True, timeout=120)  # fmt: skip
    assert (folder / "models" / name).read_bytes() == new
    done = safecheck_text(*asked, cwd=folder, environment=environment)
    found = json.loads(done.stdout.splitlines()[0])
    hashes = {found["model"]["sha256"], *(file["sha256"] for file in found["model"]["external_data"])}
    assert hashlib.sha256(new).hexdigest() in hashes


def test_a_configuration_names_no_address(folder: Path) -> None:
    (folder / ".safecheck.yaml").write_text("paths: ['s3://bucket/models']\n")
    done = safecheck_text("audit", cwd=folder)
    assert done.returncode == 3
    assert "SC-IO-MISSING" in done.stderr
    assert "s3:/bucket" in done.stderr, "a path below the configuration, not an address"
