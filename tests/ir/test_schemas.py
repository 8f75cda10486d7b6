"""What is kept of ONNX's schemas is what the package says, and is not used for another package or by other code."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import onnx
import pytest

import safecheck
from safecheck.intake import once
from safecheck.ir import schemas

STANDARD = sorted({schema.name for schema in onnx.defs.get_all_schemas_with_history() if not schema.domain})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation in which nothing is kept yet."""
    monkeypatch.setattr(once, "_FOLDER", str(tmp_path))
    return tmp_path / "__pycache__"


@pytest.mark.parametrize("opset", [0, 1, 6, 7, 9, 10, 11, 13, 17, 18, 21, onnx.defs.onnx_opset_version(), 200])
def test_a_kept_schema_is_the_one_that_the_package_gives(opset: int) -> None:
    for name in [*STANDARD, "NoSuchOperator"]:
        try:
            said = schemas._plain(onnx.defs.get_schema(name, opset, ""))
        except onnx.defs.SchemaError:
            said = None
        assert schemas.schema_of(name, "", opset) == said, (name, opset)


def test_what_is_kept_is_not_worked_out_again(folder: Path) -> None:
    assert once.once("some", __file__, lambda: {"a": 1}) == {"a": 1}
    assert once.once("some", __file__, lambda: {"a": 2}) == {"a": 1}
    assert [file.name for file in folder.iterdir()] == ["safecheck-some.kept"]


def test_another_package_or_other_code_is_asked_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = folder.parent / "code.py"
    code.write_text("one", encoding="utf-8")
    assert once.once("some", str(code), lambda: 1) == 1
    code.write_text("another", encoding="utf-8")
    assert once.once("some", str(code), lambda: 2) == 2
    monkeypatch.setattr(once, "_stamp", lambda: (("onnx/version.py", 1, 1),))
    assert once.once("some", str(code), lambda: 3) == 3


@pytest.mark.parametrize("damaged", [b"", b"\x80\x05", pickle.dumps("text"), b"cos\nno_such\n."])
def test_a_damaged_file_costs_time_only(damaged: bytes, folder: Path) -> None:
    once.once("some", __file__, lambda: 1)
    (folder / "safecheck-some.kept").write_bytes(damaged)
    assert once.once("some", __file__, lambda: 2) == 2


@pytest.mark.skipif(not hasattr(os, "chown") or os.geteuid() != 0, reason="only root can give a file away")
def test_what_somebody_else_has_left_is_not_read(folder: Path) -> None:
    once.once("some", __file__, lambda: 1)
    os.chown(folder / "safecheck-some.kept", os.stat(__file__).st_uid + 1, -1)
    assert once.once("some", __file__, lambda: 2) == 2


def test_nothing_is_kept_inside_of_the_installation() -> None:
    """Where pip removes a package, a file that it did not write keeps the folder, and an empty one hides the next."""
    assert not Path(once._FOLDER).resolve().is_relative_to(Path(safecheck.__file__).resolve().parent)


def test_where_nothing_can_be_kept_the_package_is_asked_for_one_operator(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write_bytes(b"a file where the folder would be")
    assert once.once("some", __file__, lambda: 1) is None
    kept = {name: schemas.schema_of(name, "", 17) for name in ("Conv", "Upsample", "NoSuchOperator")}
    monkeypatch.setattr(schemas, "_standard", lambda: None)
    assert {name: schemas.schema_of.__wrapped__(name, "", 17) for name in kept} == kept


def test_the_stamp_names_the_library_and_the_messages() -> None:
    names = [os.path.basename(file) for file, _, _ in once._stamp()]
    assert "onnx_ml_pb2.py" in names
    assert any(name.startswith("onnx_cpp2py_export") for name in names)
