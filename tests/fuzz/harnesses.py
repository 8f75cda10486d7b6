"""What is fuzzed: for each reader of foreign bytes a function of bytes that must end as is promised.

A harness returns, or raises an error of safecheck's own that leads to exit code 2 or 3; anything else is a crasher.
Models, rules and records are grown from good ones: the bytes choose one and say how it is changed, so that the input
gets past the first check.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

from case_files import all_cases
from render.audit.reports import FORMATS, hostile, written
from render.audit.strict import READERS

from safecheck.cli import run
from safecheck.decisions import baseline, deviation_file
from safecheck.errors import SafecheckError
from safecheck.intake.memory import InMemory
from safecheck.ir.model import load
from safecheck.nvidia import log
from safecheck.render import RENDERERS, plain
from safecheck.rulebook.load import profile
from safecheck.usecases.audit import audit_model

ROOT = Path(__file__).parents[2]


class Choices:
    """Bytes, read as decisions; zeros when they are used up."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def number(self, below: int) -> int:
        """At least 0 and less than `below`."""
        part = self.data[self.at : self.at + 2]
        self.at += 2
        return int.from_bytes(part, "little") % below if below else 0

    def one(self, options: Any) -> Any:
        """One of a sequence that is not empty."""
        return options[self.number(len(options))]

    @property
    def left(self) -> bool:
        """Whether there is more to decide by."""
        return self.at < len(self.data)


NUMBERS = (0, 1, -1, 2, 3, 7, 255, 2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1, -(2**63))
NAMES = ("", "x", "y", "\u0421onv", "a\0b", "\x1b[31m", "</script>", "[/b]", "x" * 5000, "\u202e")


@cache
def seeds() -> tuple[bytes, ...]:
    """The models of the rule cases, each once."""
    return tuple(dict.fromkeys(case.proto().SerializeToString() for case in all_cases()[::7]))


def grown(choices: Choices) -> Any:
    """A good model with up to eight changes."""
    from onnx import ModelProto

    model = ModelProto.FromString(choices.one(seeds()))
    for _ in range(8):
        if not choices.left:
            break
        _change(model, choices)
    return model


def _change(message: Any, choices: Choices) -> None:
    """Walk down to some field and change it: remove, repeat, or replace by something from the ends of its range."""
    for _ in range(12):
        fields = message.DESCRIPTOR.fields
        present = [field for field, _ in message.ListFields()]
        field = choices.one(present if present and choices.number(4) else fields)
        value = getattr(message, field.name)
        if field.type == field.TYPE_MESSAGE and choices.number(8):
            if not field.is_repeated:
                message = value
                continue
            if len(value):
                message = choices.one(value)
                continue
            value.add()
            return
        _replace(message, field, choices)
        return


def _replace(message: Any, field: Any, choices: Choices) -> None:
    value = getattr(message, field.name)
    action = choices.number(4)
    if field.is_repeated:
        if action == 0 and len(value):
            del value[choices.number(len(value))]
        elif action == 1 and len(value):
            value.extend([choices.one(value)])
        elif field.type != field.TYPE_MESSAGE:
            value.extend([_scalar(field, choices)])
        else:
            value.add()
    elif action == 0 or field.type == field.TYPE_MESSAGE:
        message.ClearField(field.name)
    else:
        setattr(message, field.name, _scalar(field, choices))


def _scalar(field: Any, choices: Choices) -> Any:
    if field.type == field.TYPE_STRING:
        return choices.one(NAMES)
    if field.type == field.TYPE_BYTES:
        return choices.one((b"", b"\xff\xfe", bytes(16), b"ij,jk->ik"))
    if field.type in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        return choices.one((0.0, -1.0, 1e-30, 1e30, float("inf"), float("nan")))
    if field.type == field.TYPE_ENUM:
        return choices.one([value.number for value in field.enum_type.values])
    number = choices.one(NUMBERS)
    return number if field.type == field.TYPE_INT64 else number % 2**31


def intake(data: bytes) -> None:
    """Any bytes as a model."""
    with_errors(lambda: load(InMemory(data)))


def audit(data: bytes) -> None:
    """A grown model through the audit of two targets, and through every format."""
    name = ("tensorrt-8.6-restricted", "tensorrt-10-safety")[len(data) % 2]
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        file.write(grown(Choices(data)).SerializeToString())
        file.flush()
        report = audit_model(file.name, profile(name))
    if report.exit_code not in (0, 1, 3) or (report.error is not None and report.exit_code != 3):
        raise AssertionError(f"exit code {report.exit_code}")
    for format_, write in RENDERERS["audit"].items():
        if format_ != "html" or len(data) % 8 == 0:
            text = plain(write([report]))
            if format_ in READERS:
                READERS[format_](text)


def fixing(data: bytes) -> None:
    """A grown model through the command `fix`, which has a process of its own and limits, nothing written."""
    kept = io.BytesIO()
    told = io.TextIOWrapper(kept, encoding="utf-8", errors="backslashreplace", write_through=True)
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(told), redirect_stderr(told):
        file = Path(folder, "m.onnx")
        file.write_bytes(grown(Choices(data)).SerializeToString())
        code = run(["fix", str(file), "--dry-run", "--limit-time", "50", "--limit-memory", "1500"])
        if code not in (0, 1, 3):
            raise AssertionError(f"exit code {code}: {kept.getvalue()[-2000:]!r}")


def rules(data: bytes) -> None:
    """A profile of one's own whose text has been changed."""
    _read(OVERLAY, data, profile)


def deviations(data: bytes) -> None:
    """Records and baselines whose text has been changed."""
    _read(RECORD, data, lambda path: deviation_file.records([path]))
    _read(DEBT, data, baseline.load)


def logs(data: bytes) -> None:
    """A log of a builder with something else in it."""
    choices = Choices(data)
    lines = choices.one(_logs()).split(b"\n")
    for _ in range(choices.number(6)):
        lines[choices.number(len(lines)) : choices.number(len(lines))] = [data[: choices.number(400)]]
    log.parse(io.BytesIO(b"\n".join(lines)))
    log.parse(io.BytesIO(data))


def writers(data: bytes) -> None:
    """Every format about a model, a rule and decisions that are called as the bytes say."""
    text = data[:400].decode("utf-8", "surrogateescape" if len(data) % 2 else "replace")
    name = FORMATS[len(data) % len(FORMATS)]
    found = written(name, [hostile(text)])
    if name in READERS:
        READERS[name](found)


def with_errors(action: Callable[[], object]) -> None:
    """Our own errors are answers, in one line."""
    try:
        action()
    except SafecheckError as error:
        if error.exit_code not in (2, 3) or "\n" in str(error):
            raise AssertionError(f"no answer: {error!r}") from error


WORDS = (
    b"&a ", b"*a", b"!!python/name:os.system ", b"- ", b": ", b"{", b"[", b"\n", b"  ", b"\t", b"\0", b"no", b"on",
    b"1e3", b"0o7", b"9" * 30, b"2026-02-30", b"'", b'"', b"|", b">", b"#", b"---\n", b"<<: ", b"? ", b"\xff",
    b"\xe2\x80\xae", b"x: y\n",
)  # fmt: skip
OVERLAY = b"""id: mine
title: Mine
version: "1"
extends: tensorrt-8.6-restricted
sources:
  own: {title: Own, kind: licensed-document, read: all of it}
rules:
  - id: mine
    title: Mine
    verdict: forbidden
    layers: [IPoolingLayer]
    when: [{fact: kind, equals: kMAX}, {none_of: [{fact: op_type, one_of: [MaxPool]}]}]
    grade: documented
    sources: [{ref: own, at: page 1}]
"""
RECORD = b"""schema: safecheck/deviations/1
deviations:
  - id: DEV-7
    rule: reduce-mean
    status: approved
    scope: {model: {sha256: "00"}, node: "/ReduceMean"}
    max_count: 1
    rationale: measured
    risk: none
    mitigation: test
    requested_by: Ada Lovelace
    approved_by: Grace Hopper
    approved_on: 2026-03-01
    expires_on: 2026-09-30
    ticket: T-1
"""
DEBT = b"""schema: safecheck/baseline/1
models:
  m.onnx:
    profile: tensorrt-8.6-restricted
    findings:
      - {rule: reduce-mean, fingerprint: "0011223344556677", verdict: forbidden}
"""


def _read(good: bytes, data: bytes, reader: Callable[[str], object]) -> None:
    """Read a text with words put in, lines repeated and pieces cut out."""
    choices = Choices(data)
    text = bytearray(good)
    for _ in range(6):
        if not choices.left:
            break
        at, length = choices.number(len(text) + 1), choices.number(40)
        action = choices.number(3)
        if action == 0:
            del text[at : at + length]
        else:
            text[at:at] = choices.one(WORDS) if action == 1 else text[at : at + length]
    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        file.write(text)
        file.flush()
        with_errors(lambda: reader(file.name))


@cache
def _logs() -> tuple[bytes, ...]:
    return tuple(path.read_bytes()[:4000] for path in sorted((ROOT / "tests/nvidia/logs").glob("*.log")))


HARNESSES: dict[str, Callable[[bytes], None]] = {
    "intake": intake, "audit": audit, "fix": fixing, "rules": rules, "deviations": deviations, "logs": logs,
    "writers": writers,
}  # fmt: skip
