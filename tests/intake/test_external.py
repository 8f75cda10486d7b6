"""Nothing outside the model's folder is opened, and what is opened is exactly what the model says."""

from __future__ import annotations

import hashlib
import os

import onnx
import pytest
from onnx import TensorProto

from safecheck import limits
from safecheck.errors import InputError
from safecheck.intake import external as external_module
from safecheck.intake.external import ExternalFile, resolve
from safecheck.intake.wire import strip

CONTENT = bytes(range(64))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "w.bin").write_bytes(CONTENT)
    (tmp_path / "secret.bin").write_bytes(CONTENT)
    return folder


def tensor(location: str | bytes | None = "w.bin", data_type: int = 1, dims=(4,), **entries) -> TensorProto:
    result = TensorProto(name="w", data_type=data_type, dims=dims, data_location=TensorProto.EXTERNAL)
    if location is not None:
        result.external_data.add(key="location", value=location)
    for key, value in entries.items():
        result.external_data.add(key=key, value=str(value))
    return result


def refusal(folder, *tensors_: TensorProto, **more) -> str:
    with pytest.raises(InputError) as caught:
        resolve(tensors_, folder, "00", **more)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 2048
    return caught.value.code


def test_files_are_hashed_once_and_sorted(folder, monkeypatch):
    (folder / "sub" / "ä").mkdir(parents=True)
    (folder / "sub" / "ä" / "v.bin").write_bytes(b"0123")
    opened = []
    real = external_module._File.open
    monkeypatch.setattr(external_module._File, "open", lambda self: opened.append(self.location) or real(self))
    tensors_ = [
        tensor(offset=16, length=16),
        tensor(offset=48),
        tensor("sub/ä/v.bin", dims=[1]),
        tensor(offset=0, length=16, checksum=hashlib.sha1(CONTENT).hexdigest().upper()),
        TensorProto(data_type=1, dims=[1], float_data=[1.0]),
        tensor(dims=[0], length=0),
    ]
    assert resolve(tensors_, folder, "00") == (
        ExternalFile("sub/ä/v.bin", hashlib.sha256(b"0123").hexdigest(), 4),
        ExternalFile("w.bin", hashlib.sha256(CONTENT).hexdigest(), 64),
    )
    assert opened == ["sub/ä/v.bin", "w.bin"]


def test_nothing_external_needs_no_folder():
    cut = onnx.ModelProto(graph=onnx.GraphProto(initializer=[TensorProto(data_type=1, raw_data=bytes(5000))]))
    stripped = strip(cut.SerializeToString(), 4096)
    marked = onnx.ModelProto.FromString(stripped.data).graph.initializer
    assert resolve(marked, None, stripped.nonce) == ()
    assert refusal(None, *marked) == "SC-EXT-KEY"
    assert refusal(None, tensor()) == "SC-EXT-MISSING"


@pytest.mark.parametrize(
    "location",
    [
        "",
        ".",
        "..",
        "../secret.bin",
        "a/../../secret.bin",
        "./a/../w.bin",
        "sub/../w.bin",
        "./w.bin",
        "..\\secret.bin",
        "a//b",
        "w.bin/",
        "w.bin.",
        "w.bin ",
        " w.bin",
        "a /w.bin",
        "/etc/passwd",
        "//server/share",
        "\\\\server\\share",
        "C:\\w.bin",
        "C:w.bin",
        "file:///etc/passwd",
        "http://example.com/w.bin",
        "~/w.bin",
        "~root/w.bin",
        "$HOME/w.bin",
        "%2e%2e/secret.bin",
        "w.bin\0.txt",
        "w\n.bin",
        "w\u202e.bin",
        "x" * 300,
        "a/" * 5000 + ".",
    ],
)
def test_paths_that_are_not_plain(folder, monkeypatch, location):
    monkeypatch.setattr(external_module.os, "open", lambda *_, **__: pytest.fail("opened"))
    assert refusal(folder, tensor(location)) == "SC-EXT-PATH"


@pytest.mark.parametrize("location", ["*/_ORT_MEM_ADDR_/*", "*/_ORT_NATIVE_ENDIAN_MEM_ADDR_/*", "x/_ORT_MEM_ADDR_/y"])
def test_memory_markers(folder, location):
    assert refusal(folder, tensor(location, offset=140737488355328, length=16)) == "SC-EXT-MARKER"


def test_links(folder):
    (folder / "outside").symlink_to(folder.parent / "secret.bin")
    (folder / "inside").symlink_to("w.bin")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "up").symlink_to("..")
    (folder / "here").symlink_to(".")
    os.link(folder.parent / "secret.bin", folder / "hard")
    for location in ("outside", "inside", "dangling", "up/secret.bin", "here/w.bin", "hard"):
        assert refusal(folder, tensor(location)) == "SC-EXT-LINK", location


def test_not_a_file(folder):
    (folder / "sub").mkdir()
    os.mkfifo(folder / "fifo")
    for location in ("sub", "fifo", "w.bin/x"):
        assert refusal(folder, tensor(location)) == "SC-EXT-NOTREGULAR", location
    for location in ("missing", "sub/missing", "missing/w.bin"):
        assert refusal(folder, tensor(location)) == "SC-EXT-MISSING", location


def test_the_model_itself(folder):
    status = (folder / "w.bin").stat()
    assert refusal(folder, tensor(), model_id=(status.st_dev, status.st_ino)) == "SC-EXT-SELF"


@pytest.mark.parametrize("key", ["offset", "length"])
@pytest.mark.parametrize(
    "text", ["-1", "+1", "abc", "9" * 5000, "1e3", "0x10", " 16", "16 ", "", "١٦", "1_6", "16\n", "9" * 19]
)
def test_numbers(folder, key, text):
    assert refusal(folder, tensor(**{key: text})) == "SC-EXT-RANGE"


@pytest.mark.parametrize(
    "wrong",
    [
        tensor(length=15),
        tensor(length=17),
        tensor(length=0),
        tensor(offset=49),
        tensor(offset=64),
        tensor(dims=[17]),
        tensor(data_type=22, dims=[3], length=3),
        tensor(data_type=8, dims=[1], offset=60, length=5),
        tensor(offset=2**63 - 1, length=16),
    ],
)
def test_ranges(folder, wrong):
    assert refusal(folder, tensor(), wrong) == "SC-EXT-RANGE"


def test_sub_byte_types_are_packed(folder):
    assert resolve([tensor(data_type=22, dims=[3], length=2, offset=62)], folder, "00")


def test_shapes_that_lie(folder):
    assert refusal(folder, tensor(dims=[2**62, 2**62])) == "SC-LIM-ELEMENTS"
    assert refusal(folder, tensor(dims=[-1])) == "SC-MODEL-DIM"
    assert refusal(folder, tensor(data_type=9999)) == "SC-MODEL-DTYPE"


def test_keys(folder):
    assert refusal(folder, tensor(basepath="/")) == "SC-EXT-KEY"
    assert refusal(folder, tensor(**{"__class__\x1b": "x"})) == "SC-EXT-KEY"
    assert refusal(folder, tensor(None, offset=0)) == "SC-EXT-KEY"
    twice = tensor(offset=0)
    twice.external_data.add(key="offset", value="16")
    assert refusal(folder, twice) == "SC-EXT-KEY"


def test_keys_and_values_that_are_not_utf8(folder):
    data = tensor("LOCATION").SerializeToString()
    for old, new in ((b"LOCATION", b"LOCAT\xffON"), (b"location", b"locat\xffon")):
        assert refusal(folder, TensorProto.FromString(data.replace(old, new))) == "SC-PB-UTF8"


@pytest.mark.parametrize("checksum", ["", "00", "g" * 40, "0" * 40, hashlib.sha256(CONTENT).hexdigest()])
def test_checksums(folder, checksum):
    assert refusal(folder, tensor(checksum=checksum), tensor()) == "SC-EXT-CHECKSUM"


def test_lfs_pointer(folder):
    (folder / "w.bin").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n")
    with pytest.raises(InputError, match=r"git lfs pull --include=.*w\.bin") as caught:
        resolve([tensor()], folder, "00")
    assert caught.value.code == "SC-IO-LFS"


def test_too_large_in_total(folder):
    for name in ("a.bin", "b.bin"):
        with (folder / name).open("wb") as file:
            file.truncate(1 << 40)
        assert refusal(folder, tensor(name)) == "SC-LIM-EXT"


def test_the_limit_is_for_all_files_together(folder, monkeypatch):
    (folder / "v.bin").write_bytes(CONTENT)
    monkeypatch.setattr(limits, "_raised", {"external": 100 / 2**30})
    assert resolve([tensor("v.bin")], folder, "00")
    assert refusal(folder, tensor("v.bin"), tensor()) == "SC-LIM-EXT"


def test_changed_while_it_was_read(folder, monkeypatch):
    real = external_module._File.digests

    def late(self, file, size):
        result = real(self, file, size)
        (folder / "w.bin").write_bytes(CONTENT + b"more")
        return result

    monkeypatch.setattr(external_module._File, "digests", late)
    assert refusal(folder, tensor()) == "SC-IO-CHANGED"


def test_cut_short_while_it_was_read(folder, monkeypatch):
    real = external_module._File.check_ranges

    def late(self, file, size):
        real(self, file, size)
        os.truncate(folder / "w.bin", 10)

    monkeypatch.setattr(external_module._File, "check_ranges", late)
    assert refusal(folder, tensor()) == "SC-IO-CHANGED"


def test_swapped_between_look_and_open(folder, monkeypatch):
    real = external_module._File.look

    def late(self, name, descriptor, wanted):
        seen = real(self, name, descriptor, wanted)
        (folder / "other").write_bytes(CONTENT)
        (folder / "other").rename(folder / "w.bin")
        return seen

    monkeypatch.setattr(external_module._File, "look", late)
    assert refusal(folder, tensor()) == "SC-IO-CHANGED"


def test_no_descriptor_is_left(folder):
    before = len(os.listdir("/proc/self/fd"))
    resolve([tensor()], folder, "00")
    for location in ("missing/x", "w.bin/x", "missing"):
        refusal(folder, tensor(location))
    refusal(folder, tensor(length=1))
    refusal(folder, tensor(offset=60))
    assert len(os.listdir("/proc/self/fd")) == before
