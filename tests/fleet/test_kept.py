"""Verdicts of a run over many models are kept together, and believed only of what has not changed."""

from __future__ import annotations

import os
from pathlib import Path

import onnx
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


def test_a_configuration_names_no_address(folder: Path) -> None:
    (folder / ".safecheck.yaml").write_text("paths: ['s3://bucket/models']\n")
    done = safecheck_text("audit", cwd=folder)
    assert done.returncode == 3
    assert "SC-IO-MISSING" in done.stderr
    assert "s3:/bucket" in done.stderr, "a path below the configuration, not an address"
