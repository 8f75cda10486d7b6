"""A mistyped path is answered with the file that is meant, and with nothing that somebody put there to be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from safecheck.errors import InputError
from safecheck.intake import neighbours
from safecheck.intake.neighbours import similar
from safecheck.intake.source import open_model


@pytest.mark.parametrize(
    ("typed", "there", "meant"),
    [
        ("modle.onnx", ["model.onnx"], "model.onnx"),
        ("Model.onnx", ["model.onnx"], "model.onnx"),
        ("model.onx", ["model.onnx"], "model.onnx"),
        ("model", ["model.onnx"], "model.onnx"),
        ("resnet18.onnx", ["resnet50.onnx", "resnt18.onnx"], "resnt18.onnx"),
        ("größe.onnx", ["grösse.onnx"], "grösse.onnx"),
        ("model.pb", ["model.onnx.data", "modle.pb"], "modle.pb"),
        ("resnet18.onnx", ["resnet50.onnx"], ""),
        ("model.onnx", ["entirely-else.onnx", "x.txt"], ""),
        ("model.onnx", ["model.onnx.data", "model.txt"], ""),
        ("model.onnx", ["mode'l.onnx"], ""),
        ("model.onnx", ["model.onnx'?); COMPLIANT mode.onnx"], ""),
        ("model.onnx", ["mod\u202eel.onnx"], ""),
        ("model.onnx", ["mod\x1b[31mel.onnx"], ""),
        ("model.onnx", ["mod\nel.onnx"], ""),
        ("model.onnx", ["-model.onnx"], ""),
        ("model.onnx", [f"model{'l' * 120}.onnx"], ""),
        ("m" * 300 + ".onnx", ["model.onnx"], ""),
    ],
)
def test_one_name_at_most_is_suggested(typed: str, there: list[str], meant: str, tmp_path: Path) -> None:
    for name in there:
        (tmp_path / name).touch()
    assert similar(f"{tmp_path}/{typed}") == (f" (did you mean '{meant}'?)" if meant else "")


def test_no_link_and_no_folder_is_suggested(tmp_path: Path) -> None:
    (tmp_path / "models.onnx").mkdir()
    (tmp_path / "modell.onnx").symlink_to("/etc/passwd")
    assert similar(f"{tmp_path}/model.onnx") == ""


def test_a_name_that_is_not_utf_8_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / b"mod\xffel.onnx".decode("utf-8", "surrogateescape")).touch()
    assert similar(f"{tmp_path}/model.onnx") == ""


def test_a_large_folder_is_not_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_MOST", 3)
    for name in ("model.onnx", "b", "c"):
        (tmp_path / name).touch()
    assert similar(f"{tmp_path}/modle.onnx") != ""
    (tmp_path / "d").touch()
    assert similar(f"{tmp_path}/modle.onnx") == ""


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    assert similar(f"{tmp_path}/nowhere/model.onnx") == ""


def test_whoever_opens_a_missing_model_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.onnx").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        open_model("modle.onnx")
    assert str(caught.value).startswith(
        "modle.onnx: there is no such file (did you mean 'model.onnx'?); check the path"
    )
