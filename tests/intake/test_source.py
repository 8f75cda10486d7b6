"""Real files, links, pipes and sockets: what is not a model is refused, and never waited for."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import sys
import threading

import pytest

from safecheck.errors import InputError
from safecheck.intake import source as source_module
from safecheck.intake.source import SIZE_LIMIT, open_model
from safecheck.intake.wire import strip

MODEL = b"\x08\x08\x12\x07pytorch:\x02\x12\x00"


def code_of(where: str) -> str:
    with pytest.raises(InputError) as caught:
        open_model(where)
    assert "\n" not in str(caught.value)
    return caught.value.code


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "m.onnx"
    file.write_bytes(MODEL)
    return file


@pytest.mark.parametrize("size", [len(MODEL), 1 << 20, (9 << 20) + 5])
def test_reads_and_hashes(path, size):
    content = MODEL + b"\x32" + bytes(size - len(MODEL) - 1) if size > len(MODEL) else MODEL
    path.write_bytes(content)
    with open_model(str(path)) as source:
        assert source.size_bytes == size
        assert source.buffer == content
        assert source.folder == str(path.parent)
        assert source.file_id == (path.stat().st_dev, path.stat().st_ino)
        assert source.sha256() == source.sha256() == hashlib.sha256(content).hexdigest()
    source.close()


def test_leaving_early_stops_the_thread(path):
    path.write_bytes(MODEL + bytes(64 << 20))
    held = []

    def leave(source):
        held.append(source.buffer[3:5])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), open_model(str(path)) as source:
        leave(source)
    assert held[0].nbytes == 2
    assert not [thread for thread in threading.enumerate() if thread.name == "safecheck-sha256"]


def test_a_refused_model_does_not_keep_the_mapping(path):
    path.write_bytes(b"\x08\x08\x3b")
    with pytest.raises(InputError), open_model(str(path)) as source:
        strip(source.buffer, where=str(path))


def test_not_a_file(tmp_path, monkeypatch):
    assert code_of(str(tmp_path / "missing.onnx")) == "SC-IO-MISSING"
    assert code_of(str(tmp_path)) == "SC-IO-NOTREGULAR"
    fifo = tmp_path / "fifo.onnx"
    os.mkfifo(fifo)
    assert code_of(str(fifo)) == "SC-IO-NOTREGULAR"
    assert code_of("/dev/null") == "SC-IO-NOTREGULAR"
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(tmp_path)  # the length of a socket's path is limited
        server.bind("s.onnx")
        assert code_of(str(tmp_path / "s.onnx")) == "SC-IO-NOTREGULAR"
    assert code_of("/proc/self/status") == "SC-IO-EMPTY"
    assert code_of("a\0b") == "SC-IO-READ"
    assert code_of("\x1b[31m\n.onnx") == "SC-IO-MISSING"
    (tmp_path / "dangling.onnx").symlink_to("nowhere")
    assert code_of(str(tmp_path / "dangling.onnx")) == "SC-IO-MISSING"
    (tmp_path / "loop.onnx").symlink_to("loop.onnx")
    assert code_of(str(tmp_path / "loop.onnx")) == "SC-IO-READ"


def test_a_fifo_put_in_place_after_the_look_does_not_block(tmp_path, monkeypatch, path):
    fifo = tmp_path / "fifo.onnx"
    os.mkfifo(fifo)
    ordinary = os.stat(path)
    monkeypatch.setattr(source_module.os, "stat", lambda *_: ordinary)
    assert code_of(str(fifo)) == "SC-IO-NOTREGULAR"


def test_unreadable(path, monkeypatch):
    def denied(*_):
        raise PermissionError(13, "Permission denied")

    # not chmod: root reads everything
    monkeypatch.setattr(source_module.os, "open", denied)
    assert code_of(str(path)) == "SC-IO-READ"


def test_content(path):
    path.write_bytes(b"")
    assert code_of(str(path)) == "SC-IO-EMPTY"
    path.write_bytes(b"<html>Not found</html>")
    assert code_of(str(path)) == "SC-IO-NOTONNX"
    with path.open("wb") as file:
        file.truncate(SIZE_LIMIT + 1)
    assert code_of(str(path)) == "SC-LIM-SIZE"


def test_lfs_pointer_names_the_command(tmp_path):
    path = tmp_path / "my model.onnx"
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\r\noid sha256:00\r\nsize 1\r\n" + b" " * (1 << 20))
    with pytest.raises(InputError) as caught:
        open_model(str(path))
    assert caught.value.code == "SC-IO-LFS"
    assert f"git lfs pull --include='{path}'" in caught.value.todo


def rewrite(path):
    path.write_bytes(MODEL)
    os.utime(path, ns=(1, 1))


def replace(path):
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    before = path.stat()
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.rename(path)


@pytest.mark.parametrize("change", [rewrite, replace, lambda path: path.unlink()], ids=["rewrite", "replace", "remove"])
def test_changed(path, change):
    source = open_model(str(path))
    change(path)
    with pytest.raises(InputError) as caught:
        source.sha256()
    assert caught.value.code == "SC-IO-CHANGED"
    source.close()
    source = None if not path.exists() else open_model(str(path))
    if source is not None:
        with pytest.raises(InputError, match="changed"), source:
            path.write_bytes(MODEL + MODEL)


def test_cut_short_while_hashing(path, monkeypatch):
    """The hash meets the end too early: an error, not a signal."""
    path.write_bytes(MODEL + bytes(2 << 20))
    started = threading.Event()
    hash_it = source_module.Source._hash

    def late(self):
        started.wait(10)
        hash_it(self)

    monkeypatch.setattr(source_module.Source, "_hash", late)
    source = open_model(str(path))
    os.truncate(path, 100)
    started.set()
    with pytest.raises(InputError) as caught:
        source.sha256()
    assert caught.value.code == "SC-IO-CHANGED"
    source.close()


def from_stdin(monkeypatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_standard_input(monkeypatch):
    from_stdin(monkeypatch, MODEL + bytes(5 << 20))
    with open_model("-") as source:
        assert source.folder is None
        assert source.sha256() == hashlib.sha256(MODEL + bytes(5 << 20)).hexdigest()
    from_stdin(monkeypatch, b"")
    assert code_of("-") == "SC-IO-EMPTY"
    from_stdin(monkeypatch, b"not a model")
    assert code_of("-") == "SC-IO-NOTONNX"
    monkeypatch.setattr(source_module, "SIZE_LIMIT", 100)
    from_stdin(monkeypatch, MODEL * 100)
    assert code_of("-") == "SC-LIM-SIZE"
    monkeypatch.setattr(sys, "stdin", None)
    assert code_of("-") == "SC-IO-READ"
