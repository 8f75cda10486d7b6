"""Rows 55 to 65: external data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from case_files import model_from_text
from onnx import TensorProto, helper

from recipes.case import UNREADABLE, Case
from recipes.files import POINTER

TEXT = "(float[1,2,9,9] x) => (y) { y = Conv(x, w) }"
CONTENT = bytes(64)
PATHS = (
    "../secret.bin", "a/../../secret.bin", "./a/../w.bin", "..\\secret.bin", "a//b", "w.bin.", "w.bin ", "sub/../w.bin", "./w.bin", ".", "..", "",
)  # fmt: skip
NAMES = (
    "/etc/passwd", "C:\\w.bin", "C:w.bin", "\\\\server\\w.bin", "//server/w.bin", "file:///etc/passwd", "http://example.com/w.bin",
    "~/w.bin", "~root/w.bin", "$HOME/w.bin", "${HOME}/w.bin", "%2e%2e/secret.bin", "%APPDATA%/w.bin", "w.bin:stream", "CON", "x" * 300,
)  # fmt: skip


def cases() -> Iterator[Case]:
    """Every sub-case."""
    for location in PATHS:
        yield _case(55, repr(location), UNREADABLE, "SC-EXT-PATH", location=location)
    for location in NAMES:
        yield _case(56, repr(location)[:40], UNREADABLE, "SC-EXT-(PATH|MISSING)", location=location)
    for location in ("w.bin\0.txt", "\0w.bin", "w.bin\0"):
        yield _case(57, repr(location), UNREADABLE, "SC-EXT-PATH", location=location)
    yield from _links()
    yield from _not_files()
    for key in ("offset", "length"):
        for text in (
            "-1",
            "abc",
            "9" * 5000,
            "1e3",
            "0x10",
            " 16",
            "16 ",
            "",
            "1_6",
            "\u0661\u0666",
            "9" * 19,
            str(2**63 - 1),
            "1000",
        ):
            yield _case(61, f"{key} {text[:20]!r}", UNREADABLE, "SC-EXT-RANGE", location="w.bin", **{key: text})
    yield _case(61, "past the end", UNREADABLE, "SC-EXT-RANGE", location="w.bin", offset="60")
    yield _case(61, "overflow", UNREADABLE, "SC-EXT-RANGE", location="w.bin", offset=str(2**63 - 16), length="16")
    yield _case(62, "twice", UNREADABLE, "SC-EXT-KEY", ("location", "w.bin"), ("location", "w.bin"))
    yield _case(62, "two locations", UNREADABLE, "SC-EXT-KEY", ("location", "w.bin"), ("location", "../secret.bin"))
    for key in ("__class__", "basepath", "Location", "location\0", ""):
        yield _case(62, f"key {key!r}", UNREADABLE, "SC-EXT-KEY", ("location", "w.bin"), (key, "x"))
    for checksum in ("", "00", "g" * 40, "0" * 40, "\x1b" * 40):
        yield _case(
            62, f"checksum {checksum!r}"[:40], UNREADABLE, "SC-EXT-CHECKSUM", location="w.bin", checksum=checksum
        )
    for marker in ("*/_ORT_MEM_ADDR_/*", "*/_ORT_NATIVE_ENDIAN_MEM_ADDR_/*"):
        for where in ("initializer", "constant", "sparse", "nested", "function"):
            yield _case(
                63,
                f"{marker[7:20]} in {where}",
                UNREADABLE,
                "SC-EXT-MARKER",
                where=where,
                location=marker,
                offset="140737488355328",
                length="16",
            )
    yield _case(64, "file of 1 TiB", UNREADABLE, "SC-LIM-EXT", location="w.bin", prepare=_sparse)
    yield _case(64, "length 2^62", UNREADABLE, "SC-EXT-RANGE", location="w.bin", length=str(2**62))
    yield _case(65, "missing", UNREADABLE, "SC-EXT-MISSING", location="nowhere.bin")
    yield _case(65, "missing folder", UNREADABLE, "SC-EXT-MISSING", location="nowhere/w.bin")
    yield _case(
        65,
        "pointer",
        UNREADABLE,
        "SC-IO-LFS",
        location="w.bin",
        prepare=lambda folder: (folder / "w.bin").write_bytes(POINTER),
    )
    yield _case(
        65,
        "too short",
        UNREADABLE,
        "SC-EXT-RANGE",
        location="w.bin",
        prepare=lambda folder: (folder / "w.bin").write_bytes(b"0123"),
    )
    yield _case(
        65,
        "empty",
        UNREADABLE,
        "SC-EXT-RANGE",
        location="w.bin",
        prepare=lambda folder: (folder / "w.bin").write_bytes(b""),
    )


def _case(
    row: int, name: str, codes: frozenset[int], says: str, *entries: tuple[str, str], where: str = "initializer",
    prepare: Callable[[Path], object] | None = None, **more: str,
) -> Case:  # fmt: skip
    """A model in a folder below the one with a secret; `entries` are those of its external tensor."""

    def make(folder: Path) -> None:
        (folder / "w.bin").write_bytes(CONTENT)
        if prepare is not None:
            prepare(folder)
        (folder / "m.onnx").write_bytes(_model(where, [*entries, *more.items()]))

    return Case(row, name, make, codes, says)


def _model(where: str, entries: list[tuple[str, str]]) -> bytes:
    model = model_from_text(TEXT, weights={"w": "float[2,2,1,1]"})
    good = model.graph.initializer[0]
    tensor = TensorProto(name="e", data_type=1, dims=[2, 2, 1, 1], data_location=TensorProto.EXTERNAL)
    for key, value in entries:
        tensor.external_data.add(key=key, value=value)
    constant = helper.make_node("Constant", [], ["e"], value=tensor)
    output = helper.make_tensor_value_info("e", 1, None)
    if where == "initializer":
        tensor.name = good.name
        good.CopyFrom(tensor)
    elif where == "constant":
        model.graph.node.append(constant)
    elif where == "sparse":
        sparse: Any = model.graph.sparse_initializer.add(dims=[4])
        sparse.values.CopyFrom(tensor)
        sparse.indices.CopyFrom(helper.make_tensor("i", 7, [4], [0, 1, 2, 3]))
    elif where == "nested":
        graph = helper.make_graph([constant], "g", [], [output])
        model.graph.input.append(helper.make_tensor_value_info("c", TensorProto.BOOL, []))
        model.graph.node.append(helper.make_node("If", ["c"], ["k"], then_branch=graph, else_branch=graph))
    else:
        opsets = [helper.make_opsetid("", 17)]
        model.functions.append(helper.make_function("com.x", "F", [], ["e"], [constant], opsets))
    return bytes(model.SerializeToString())


def _sparse(folder: Path) -> None:
    with (folder / "w.bin").open("wb") as file:
        file.truncate(1 << 40)


def _links() -> Iterator[Case]:
    def link(target: str, name: str = "l.bin") -> Callable[[Path], object]:
        def make(folder: Path) -> None:
            (folder.parent / "secret.bin").write_bytes(CONTENT)
            (folder / "sub").mkdir()
            (folder / "sub" / "w.bin").write_bytes(CONTENT)
            (folder / name).symlink_to(target)

        return make

    def hard(folder: Path) -> None:
        (folder.parent / "secret.bin").write_bytes(CONTENT)
        os.link(folder.parent / "secret.bin", folder / "l.bin")

    for name, target in (
        ("outside", "../secret.bin"),
        ("inside", "w.bin"),
        ("nothing", "nowhere"),
        ("itself", "l.bin"),
        ("device", "/dev/zero"),
    ):
        yield _case(58, f"link to {name}", UNREADABLE, "SC-EXT-LINK", location="l.bin", prepare=link(target))
    for target in ("..", "sub", "."):
        location = {"..": "l/secret.bin", "sub": "l/w.bin", ".": "l/w.bin"}[target]
        yield _case(
            58,
            f"folder that is a link to {target}",
            UNREADABLE,
            "SC-EXT-LINK",
            location=location,
            prepare=link(target, "l"),
        )
    yield _case(59, "hard link", UNREADABLE, "SC-EXT-LINK", location="l.bin", prepare=hard)


def _not_files() -> Iterator[Case]:
    yield _case(
        60, "folder", UNREADABLE, "SC-EXT-NOTREGULAR", location="sub", prepare=lambda folder: (folder / "sub").mkdir()
    )
    yield _case(
        60, "FIFO", UNREADABLE, "SC-EXT-NOTREGULAR", location="fifo", prepare=lambda folder: os.mkfifo(folder / "fifo")
    )
    yield _case(60, "no location", UNREADABLE, "SC-EXT-KEY", offset="0")
    yield _case(60, "the model itself", UNREADABLE, "SC-EXT-SELF", location="m.onnx")
