"""Files other than models that a command is pointed at: each is a regular one, and nobody waits for a pipe."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from safecheck.strict.content import UnreadableError, content, text
from safecheck.strict.json import parsed

EXAMPLE = Path(__file__).parents[2] / "examples" / "csa-block.onnx"
COMMANDS = (
    "audit m.onnx --profile ./PIPE",
    "audit m.onnx --deviations PIPE",
    "audit m.onnx --baseline PIPE",
    "audit m.onnx --evidence PIPE",
    "audit m.onnx --output jsonl=PIPE --resume",
    "compare m.onnx --measured PIPE",
    "deviations new m.onnx --rule some-rule --id D-1 -o PIPE",
    "diff PIPE m.onnx",
    "evidence m.onnx -o bundle.zip --fix PIPE",
    "fleet PIPE",
    "fleet results.jsonl --since PIPE",
    "ledger add --by Ann --file new.jsonl PIPE",
    "ledger log --file PIPE",
    "rules lint PIPE",
    "verify PIPE m.onnx",
    "verify m.onnx m.onnx --bundle PIPE",
)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("command", COMMANDS)
def test_nobody_waits_for_a_pipe(command: str, tmp_path: Path) -> None:
    shutil.copy(EXAMPLE, tmp_path / "m.onnx")
    (tmp_path / "results.jsonl").write_bytes(b"")
    os.mkfifo(tmp_path / "PIPE")
    arguments = [sys.executable, "-m", "safecheck", *command.split()]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (2, 3), done
    assert "PIPE: " in done.stderr, done
    assert "regular file" in done.stderr, done
    assert {entry.name for entry in tmp_path.iterdir()} == {"m.onnx", "results.jsonl", "PIPE"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_nobody_waits_for_the_attributes_of_a_repository(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    shutil.copy(EXAMPLE, tmp_path / "m.onnx")
    subprocess.run(["git", "-C", str(tmp_path), "add", "m.onnx"], check=True)
    os.mkfifo(tmp_path / ".gitattributes")
    arguments = [sys.executable, "-m", "safecheck", "hook", "m.onnx"]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("none", "there is no such file"),
        (".", "not a regular file"),
        ("link", "No such file or directory"),
        ("large", "larger than 4 bytes"),
        ("/dev/zero", "not a regular file"),
        ("a\0b", "cannot be read"),
    ],
)
def test_content(path: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("link").symlink_to("nowhere")
    Path("large").write_bytes(b"12345")
    with pytest.raises(UnreadableError, match=f"^{why}$"):
        content(path, 4, "4 bytes")


def test_text(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"a\r\nb\n")
    assert text(str(file), 5, "") == "a\nb\n"
    file.write_bytes(b"\xff")
    with pytest.raises(UnreadableError, match="not UTF-8"):
        text(str(file), 5, "")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{", "not JSON .line 1"),
        (b'\n{"a": 1,}', "not JSON .line 2"),
        (b"\xff", "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'[{"a": 1, "b": {"a": 1, "a": 1}}]', "key 'a' is given twice"),
        (b'{"a\\u001b": 1, "a\\u001b": 1}', r"key 'a\\x1b' is given twice"),
        (b'{"a": NaN}', "NaN is no number"),
        (b"-Infinity", "-Infinity is no number"),
        (b"9" * 5000, "not JSON"),
    ],
)
def test_json(data: bytes, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        parsed(data)
