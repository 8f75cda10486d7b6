"""No exit 4: text in no encoding, streams that take nothing, odd cache entries. No format changes the code."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
from case_files import model_from_text
from workflow_repo import ALLOWED, ENVIRONMENT, FORBIDDEN, UNPROVEN, Repository

from safecheck.cli import run
from safecheck.render import RENDERERS
from safecheck.rulebook.cases import cases

FORMATS = tuple(RENDERERS["audit"])
MARK = "QQQQQQQQ"
BAD = (b"\xff\xfe\xfd\xfcQQQQ", b"\xc0\x80\xc0\x80QQQQ", b"\xed\xa0\x80\xed\xb0\x80QQ", b"QQQQQQQ\xe2")
"""No lead byte, an overlong NUL, surrogates, and a character that is cut off: as long as the mark."""


def codes(path: Path) -> dict[str, int]:
    return {format: run(["audit", "--no-cache", str(path), "--output", format]) for format in FORMATS}


# --- text that is not UTF-8 -----------------------------------------------------------------------------------------


def texts(message: Any, depth: int = 0) -> Iterator[bytes]:
    """The bytes of a message for every text that it can hold, directly or in a message in it, with the mark there."""
    for field in message.DESCRIPTOR.fields:
        copy = type(message)()
        repeated = isinstance(getattr(copy, field.name), list) or hasattr(getattr(copy, field.name), "append")
        if field.type == field.TYPE_STRING:
            if repeated:
                getattr(copy, field.name).append(MARK)
            else:
                setattr(copy, field.name, MARK)
            yield copy.SerializeToString()
        elif field.type == field.TYPE_MESSAGE and depth < 4:
            inner = getattr(copy, field.name).add() if repeated else getattr(copy, field.name)
            for content in texts(inner, depth + 1):
                inner.ParseFromString(content)
                yield copy.SerializeToString()


def marked_models() -> list[bytes]:
    """A good model, merged with each message that has a mark, where its graph may then be another."""
    return list(dict.fromkeys(texts(onnx.ModelProto())))


def test_there_are_many_texts() -> None:
    assert len(marked_models()) > 200


@pytest.mark.parametrize("part", range(4))
def test_text_that_is_not_utf8_is_never_a_bug(part: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    good = model_from_text(ALLOWED)
    file = tmp_path / "m.onnx"
    refused = 0
    every = marked_models()
    for number in range(part, len(every), max(4, len(every) // 80)):
        content, bad = every[number], BAD[number % len(BAD)]
        model = onnx.ModelProto()
        model.CopyFrom(good)
        model.MergeFromString(content)
        file.write_bytes(model.SerializeToString().replace(MARK.encode(), bad))
        code = run(["audit", "--no-cache", str(file), "--output", FORMATS[number % len(FORMATS)]])
        assert code in (1, 3), model
        refused += "SC-PB-UTF8" in capfd.readouterr().err
    assert refused > 10


def test_the_field_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = model_from_text(FORBIDDEN)
    model.opset_import.add(domain=MARK, version=1)
    file = tmp_path / "m.onnx"
    file.write_bytes(model.SerializeToString().replace(MARK.encode(), BAD[0]))
    assert set(codes(file).values()) == {3}
    assert "opset_import[1].domain is not UTF-8: \\xff\\xfe\\xfd\\xfcQQQQ" in capfd.readouterr().err


# --- no format changes the code -------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", range(0, 120, 40))
def test_every_format_ends_with_the_same_code(first: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Over a spread of the rule cases, each under the profile that it is written for."""
    every = list(cases())
    for number in range(first, first + 40):
        case = every[number * len(every) // 120]
        file = tmp_path / "case.onnx"
        file.write_bytes(case.proto().SerializeToString())
        found = {
            run(["audit", "--no-cache", "--profile", case.profile, str(file), "--output", format]) for format in FORMATS
        }
        capfd.readouterr()
        assert len(found) == 1, case
        assert found <= {0, 1, 3}, case


@pytest.mark.parametrize("text", [ALLOWED, FORBIDDEN, UNPROVEN, ""])
def test_also_for_several_models_and_for_none_that_can_be_read(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(model_from_text(text).SerializeToString() if text else b"")
    (tmp_path / "b.onnx").write_bytes(model_from_text(ALLOWED).SerializeToString())
    assert len(set(codes(tmp_path).values())) == 1


# --- streams --------------------------------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository")
    made.model("\u00fc.onnx", FORBIDDEN)
    return made


def shell(repository: Repository, line: str, **environment: str) -> tuple[int, str]:
    """A line of bash in which `safecheck` is this one: exit code and standard error."""
    done = subprocess.run(
        ["bash", "-c", f'set -o pipefail; safecheck() {{ "{sys.executable}" -m safecheck "$@"; }}; {line}'],
        cwd=repository.path, capture_output=True, env={**ENVIRONMENT, **environment}, timeout=600, check=False,
    )  # fmt: skip
    assert b"Traceback" not in done.stderr, done.stderr
    assert b"SC-BUG" not in done.stderr, done.stderr
    return done.returncode, done.stderr.decode("utf-8", "replace")


@pytest.mark.parametrize("format", FORMATS)
def test_a_full_disk(repository: Repository, format: str) -> None:
    code, err = shell(repository, f"safecheck audit *.onnx --output {format} >/dev/full")
    assert code == 2
    assert err.startswith("error[SC-OUT-WRITE]: standard output: No space left on device")


@pytest.mark.parametrize("line", ["--help", "--version", "audit --help", "config show", "rules list", "zoo list"])
def test_a_full_disk_below_other_commands(repository: Repository, line: str) -> None:
    code, err = shell(repository, f"safecheck {line} >/dev/full")
    assert code == 2
    assert "No space left on device" in err
    assert shell(repository, f"safecheck {line} >&-")[0] == 0


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "2>/dev/full", ">&- 2>/dev/full", "<&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_or_full(repository: Repository, closed: str) -> None:
    assert shell(repository, f"safecheck audit *.onnx {closed}")[0] == 1
    assert shell(repository, f"safecheck audit missing.onnx {closed}")[0] == 3
    assert shell(repository, f"safecheck audit --nonsense {closed}")[0] == 2
    assert shell(repository, f"safecheck audit - {closed}")[0] == 3


def test_a_reader_that_is_gone(repository: Repository) -> None:
    for command, expected in (("audit *.onnx", 1), ("audit missing.onnx", 3), ("config show", 0)):
        assert shell(repository, f"safecheck {command} | true")[0] == expected, command


@pytest.mark.parametrize(
    "encoding", ["ascii", "ascii:strict", "latin-1", "utf-16", "utf-7", "cp037", "idna", "punycode"]
)
@pytest.mark.parametrize(
    "more", [{}, {"FORCE_COLOR": "1"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}]
)
def test_any_encoding(repository: Repository, encoding: str, more: dict[str, str]) -> None:
    environment = {"PYTHONIOENCODING": encoding, **more}
    assert shell(repository, "safecheck audit *.onnx m\u00efssing\U0001f600.onnx", **environment)[0] == 1
    assert (
        shell(repository, "safecheck config show; safecheck audit m\u00efssing\U0001f600.onnx", **environment)[0] == 3
    )


def test_no_home(repository: Repository) -> None:
    line = f'env -i PATH="$PATH" {sys.executable} -m safecheck audit *.onnx'
    assert shell(repository, line)[0] == 1


# --- kept verdicts --------------------------------------------------------------------------------------------------

ODD: tuple[object, ...] = (
    {}, {"weights": [], "rules": []}, {"outcome": {}}, {"weights": [], "rules": [], "outcome": {}},
    {"weights": [], "rules": [], "outcome": []}, {"weights": 1, "rules": 1, "outcome": 1},
    {"weights": [[1]], "rules": [], "outcome": {}}, {"weights": [["\0", ""]], "rules": [["\0", ""]], "outcome": {}},
    {"weights": [], "rules": [], "outcome": {"exit_code": "0", "verdict": 1, "sha256": 2}},
    {
        "weights": [], "rules": [],
        "outcome": {"exit_code": 0, "verdict": "x", "sha256": "", "weights": [], "headline": [1], "lines": []},
    },
    [], 1, None,
)  # fmt: skip


@pytest.mark.parametrize("content", ODD, ids=lambda content: json.dumps(content)[:60])
def test_an_odd_entry_is_as_if_it_were_not_there(repository: Repository, content: object) -> None:
    first = repository.safecheck("audit", ".")
    for file in repository.kept.glob("*/*.json"):
        text = json.dumps(content).encode()
        file.write_bytes(hashlib.sha256(file.stem.encode() + text).hexdigest().encode() + b"\n" + text)
    again = repository.safecheck("audit", ".")
    assert (again.returncode, again.stdout) == (1, first.stdout)


@pytest.mark.parametrize("kind", ["fifo", "folder", "link to nothing", "empty", "nested"])
def test_an_entry_that_is_no_file(repository: Repository, kind: str) -> None:
    repository.safecheck("audit", ".")
    for file in repository.kept.glob("*/*.json"):
        file.unlink()
        if kind == "fifo":
            os.mkfifo(file)
        elif kind == "folder":
            file.mkdir()
        elif kind == "link to nothing":
            file.symlink_to("nothing")
        else:
            text = b"[" * 200_000 if kind == "nested" else b""
            file.write_bytes(hashlib.sha256(file.stem.encode() + text).hexdigest().encode() + b"\n" + text)
    assert repository.safecheck("audit", ".").returncode == 1
