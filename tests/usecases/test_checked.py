"""What `fix` writes is held against ONNX's own checker, on disk and in memory."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from safecheck.errors import InputError
from safecheck.intake.memory import InMemory
from safecheck.ir.model import Model, load
from safecheck.usecases.checked import check

VALID = '<ir_version: 8, opset_import: ["": 17]> g (float[2,2] x) => (float[2,2] y) { y = Relu(x) }'
WRONG = '<ir_version: 8, opset_import: ["": 17]> g (float[2,2] x) => (int32[2,2] y) { y = Relu(x) }'
"""The output is declared as another type than it has."""


def loaded(text: str, where: str, folder: Path) -> Model:
    raw = onnx.parser.parse_model(text).SerializeToString()
    if where == "memory":
        return load(InMemory(raw))
    (folder / "model.onnx").write_bytes(raw)
    return load(str(folder / "model.onnx"))


@pytest.mark.parametrize("where", ["disk", "memory"])
def test_a_result_that_onnx_does_not_allow_is_refused(where: str, tmp_path: Path) -> None:
    valid = loaded(VALID, where, tmp_path)
    wrong = loaded(WRONG, where, tmp_path)
    check(valid, valid)
    with pytest.raises(InputError, match="is not valid ONNX") as caught:
        check(wrong, valid if where == "memory" else loaded(VALID, "memory", tmp_path))
    assert caught.value.code == "SC-FIX-CHECK"


def test_what_the_original_already_has_is_not_ours_to_refuse(tmp_path: Path) -> None:
    wrong = loaded(WRONG, "memory", tmp_path)
    check(wrong, wrong)
