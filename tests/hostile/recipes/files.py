"""Rows 1 to 15: the file itself."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import socket
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from wire_format import field, varint

from recipes.case import NEVER_A_PASS, UNREADABLE, Case, base, of_bytes

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d" * 32 + b"\nsize 12345\n"


def cases() -> Iterator[Case]:
    """Every sub-case."""
    good = base()
    yield of_bytes(1, "no bytes", b"", UNREADABLE, "SC-IO-EMPTY")
    yield of_bytes(2, "pointer", POINTER, UNREADABLE, r"SC-IO-LFS.*git lfs pull --include=")
    for name, content, says in (
        ("CRLF", POINTER.replace(b"\n", b"\r\n"), "SC-IO-LFS"),
        ("more keys", POINTER.replace(b"oid", b"ext-0-x sha256:00\noid"), "SC-IO-LFS"),
        ("padding", POINTER + b" " * (1 << 20), "SC-IO-LFS"),
        ("another address", POINTER.replace(b"git-lfs.github.com", b"example.org"), "SC-IO-(LFS|NOTONNX)"),
    ):
        yield of_bytes(3, name, content, UNREADABLE, says)
    yield from _foreign()
    for cut in (1, 2, *range(3, len(good), 17), len(good) - 1):
        yield of_bytes(6, f"cut at {cut}", good[:cut], NEVER_A_PASS)
    other = base("(float[1,4] x) => (y) { y = Sigmoid(x) }")
    yield of_bytes(7, "twice the same", good + good, NEVER_A_PASS, "SC-PB-DUPFIELD")
    yield of_bytes(7, "two models", good + other, NEVER_A_PASS, "SC-PB-DUPFIELD")
    node = field(1, field(1, b"y") + field(2, b"z") + field(4, b"Erf"))
    yield of_bytes(8, "a node more", good + field(7, node), NEVER_A_PASS, "SC-PB-DUPFIELD")
    yield of_bytes(8, "an empty graph more", good + field(7, b""), NEVER_A_PASS, "SC-PB-DUPFIELD")
    for place in ("model", "graph", "node", "tensor", "attribute", "opset"):
        yield of_bytes(9, place, partial(_unknown, place), frozenset({1, 3}), "SC-PB-UNKNOWN")
    yield from _wire(good)
    for size in (1 << 31, 3 << 30):
        yield Case(11, f"{size} bytes", partial(_sparse, size), UNREADABLE, "SC-LIM-SIZE")
    yield from _not_files()
    yield from _links()
    yield Case(14, "missing", lambda folder: None, UNREADABLE, "SC-IO-MISSING")
    for name in ("m.json", "m.onnxtxt", "m.textproto", "m.prototxt", "m"):
        for kind, content in (("text", b"ir_version: 8\ngraph { }\n"), ("JSON", b'{"irVersion": "8"}')):
            yield Case(15, f"{kind} as {name}", partial(_named, name, content), UNREADABLE, "SC-IO-NOTONNX",
                       ("audit", name))  # fmt: skip
    yield Case(15, "M.ONNX that holds text", partial(_named, "M.ONNX", b"ir_version: 8\n"), UNREADABLE,
               "SC-IO-NOTONNX", ("audit", "M.ONNX"))  # fmt: skip


def _foreign() -> Iterator[Case]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("archive/data.pkl", b"x")
    for name, content in {
        "HTML": b"<!DOCTYPE html>\n<html><body>Not found</body></html>",
        "text": b"hello world\n",
        "zip": archive.getvalue(),
        "gzip": gzip.compress(base(), mtime=0),
        "safetensors": (64).to_bytes(8, "little") + b'{"__metadata__":{}}',
        "pickle": pickle.dumps({"weights": [1.0]}),
        "PyTorch": pickle.dumps(0x1950A86A20F9469CFC6C, 2),
        "TensorRT plan": b"ptrt" + bytes(64),
        "JSON": b'{"irVersion": "8"}',
        "zeros": bytes(4096),
    }.items():
        yield of_bytes(5, name, content, UNREADABLE, "SC-IO-NOTONNX")


def _unknown(place: str) -> bytes:
    """A MiB in a field that no reader of ONNX knows."""
    hidden = field(999, b"\x00" * (1 << 20))
    weights = {"w": "float[2,2,1,1]"}
    good = base("(float[1,2,9,9] x) => (y) { y = Conv<group = 1>(x, w) }", weights)
    if place == "model":
        return good + hidden
    from onnx import AttributeProto, GraphProto, NodeProto, OperatorSetIdProto, TensorProto
    from onnx.onnx_ml_pb2 import ModelProto

    model = ModelProto.FromString(good)
    node = model.graph.node[0]
    for name, holder, kind in (
        ("graph", model.graph, GraphProto), ("node", node, NodeProto), ("tensor", model.graph.initializer[0], TensorProto),
        ("attribute", node.attribute[0], AttributeProto), ("opset", model.opset_import[0], OperatorSetIdProto),
    ):  # fmt: skip
        if name == place:
            holder.CopyFrom(kind.FromString(holder.SerializeToString() + hidden))
    return bytes(model.SerializeToString())


def _wire(good: bytes) -> Iterator[Case]:
    for name, more in {
        "varint of 11 bytes": b"\x08" + b"\x80" * 10 + b"\x01",
        "varint that does not end": b"\x08\x80",
        "wrong wire type": field(7, 5),
        "wrong wire type of a text": field(2, 1),
        "length past the end": varint(7 << 3 | 2) + varint(1 << 40),
        "negative length": varint(7 << 3 | 2) + varint((1 << 64) - 1),
        "group that begins": varint(20 << 3 | 3),
        "group that ends": varint(20 << 3 | 4),
        "empty group": varint(20 << 3 | 3) + varint(20 << 3 | 4),
        "field 0": varint(2) + b"\0",
        "wire type 6": b"\x3e\x00",
        "wire type 7": b"\x3f\x00",
        "tag beyond 32 bits": varint(1 << 40) + b"\0",
    }.items():
        yield of_bytes(10, name, good + more, UNREADABLE, "SC-PB-(WIRE|UNKNOWN|DUPFIELD)")


def _sparse(size: int, folder: Path) -> None:
    with (folder / "m.onnx").open("wb") as file:
        file.truncate(size)


def _not_files() -> Iterator[Case]:
    def bound(folder: Path) -> None:
        here = os.getcwd()
        os.chdir(folder)  # the length of a socket's path is limited
        try:
            with socket.socket(socket.AF_UNIX) as server:
                server.bind("m.onnx")
        finally:
            os.chdir(here)

    yield Case(12, "FIFO", lambda folder: os.mkfifo(folder / "m.onnx"), UNREADABLE, "SC-IO-NOTREGULAR")
    yield Case(12, "socket", bound, UNREADABLE, "SC-IO-NOTREGULAR")
    yield Case(12, "folder", lambda folder: (folder / "m.onnx").mkdir(), UNREADABLE, "SC-IO-(NOTREGULAR|NOMODEL)")
    for device in ("/dev/zero", "/dev/null", "/proc/self/mem", "/proc/self/status"):
        yield Case(12, device, lambda folder: None, UNREADABLE, "SC-IO-", ("audit", device))


def _links() -> Iterator[Case]:
    yield Case(13, "to nothing", lambda folder: (folder / "m.onnx").symlink_to("nothing"), UNREADABLE, "SC-IO-MISSING")
    yield Case(13, "to itself", lambda folder: (folder / "m.onnx").symlink_to("m.onnx"), UNREADABLE, "SC-IO-READ")


def _named(name: str, content: bytes, folder: Path) -> None:
    (folder / name).write_bytes(content)
