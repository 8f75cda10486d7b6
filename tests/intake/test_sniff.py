"""What is not a model is named; what may be one is let through."""

from __future__ import annotations

import io
import pickle
import tarfile
import zipfile

import pytest

from safecheck.intake.sniff import SAMPLE_BYTES, foreign_type, is_lfs_pointer

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d" * 32 + b"\nsize 12345\n"


def zip_bytes() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", b"x")
    return stream.getvalue()


def tar_bytes() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("weights.bin"))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (zip_bytes(), "zip"),
        (tar_bytes(), "tar"),
        (b"\x1f\x8b\x08rest", "gzip"),
        (pickle.dumps({"weights": [1.0]}, 2), "pickle"),
        (pickle.dumps({"weights": [1.0]}), "pickle"),
        (pickle.dumps(0x1950A86A20F9469CFC6C, 2) + b"\x80\x02", "PyTorch"),
        ((64).to_bytes(8, "little") + b'{"__metadata__":{}}', "safetensors"),
        (b"ptrt\x00\x00\x00\x00", "TensorRT plan"),
        (b"ftrt\x00\x00\x00\x00", "TensorRT plan"),
        (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (b"\x7fELF\x02\x01\x01\x00", "ELF"),
        (b"\x1c\x00\x00\x00TFL3\x14\x00", "TensorFlow Lite"),
        (b"\x18\x00\x00\x00ORTM", "ORT model"),
        (b"\x89HDF\r\n\x1a\n\x00", "HDF5"),
        (b"<!DOCTYPE html>\n<html>", "HTML"),
        (b"\n  <HTML lang=en>", "HTML"),
        (b'<?xml version="1.0"?>', "XML"),
        (b'{"irVersion": "8"}', "JSON"),
        (b"\xef\xbb\xbf[1, 2]", "JSON"),
        (b"ir_version: 8\ngraph {", "text"),
        ("Zeile mit Ümlaut €\n".encode(), "text"),
        (b"version https://example.com/spec/v1\n", "text"),
        (("a" * (SAMPLE_BYTES - 1) + "€").encode()[:SAMPLE_BYTES], "text"),
        (b"\xff\xfem\x00", "UTF-16"),
        (bytes(SAMPLE_BYTES), "zeros"),
    ],
)
def test_foreign(head, expected):
    assert expected in (foreign_type(head[:SAMPLE_BYTES]) or "")


@pytest.mark.parametrize(
    "head",
    [
        b"\x08\x08\x12\x07pytorch\x1a\x052.4.0:\x90\x01",
        b"\x08\x08\x12\x04TFL3",
        b"\x08\x00",
        b"\xe4\xf6\xfc latin-1 text is not recognised",
        b"a" * 20 + b"\xe2",
    ],
)
def test_may_be_a_model(head):
    assert foreign_type(head) is None


@pytest.mark.parametrize(
    "pointer",
    [POINTER, POINTER.replace(b"\n", b"\r\n"), POINTER + b"ext-0-foo x\n", (POINTER + b" " * 5000)[:SAMPLE_BYTES]],
)
def test_lfs_pointer(pointer):
    assert is_lfs_pointer(pointer)
