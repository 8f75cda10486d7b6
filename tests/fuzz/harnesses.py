"""What is fuzzed: for each reader of foreign bytes a function of bytes that must end as is promised.

A harness says whether the input was accepted, that is whether it came to the deep code behind the checks; an error of
safecheck's own that leads to exit code 2 or 3 is an answer too, and anything else that is raised is a crasher. Models,
rules and records are grown from good ones: the bytes choose one and say how it is changed.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from datetime import date
from functools import cache
from pathlib import Path

import texts
from choices import Choices
from networks import grown, seeds
from render.audit.reports import FORMATS, hostile, written
from render.audit.strict import READERS

from safecheck.assurance import ledger, recorded
from safecheck.cli import run
from safecheck.decisions import baseline, deviation_file
from safecheck.errors import SafecheckError
from safecheck.intake.memory import InMemory
from safecheck.ir.model import load
from safecheck.nvidia import log
from safecheck.render import RENDERERS, plain
from safecheck.rewrite.rule import FAILED
from safecheck.rulebook.load import profile
from safecheck.usecases.audit import audit_model
from safecheck.workflow.config.search import configuration

Harness = Callable[[bytes], bool]
ROOT = Path(__file__).parents[2]


def intake(data: bytes) -> bool:
    """Any bytes as a model."""
    return answered(lambda: load(InMemory(data)))


def audit(data: bytes) -> bool:
    """A grown network through the audit of two targets, and through every format."""
    name = ("tensorrt-8.6-restricted", "tensorrt-10-safety")[len(data) % 2]
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        file.write(grown(Choices(data)).SerializeToString())
        file.flush()
        report = audit_model(file.name, profile(name))
    if report.exit_code not in (0, 1, 3) or (report.error is not None and report.exit_code != 3):
        raise AssertionError(f"exit code {report.exit_code}")
    if report.error is not None:
        _told(report.error)
    for format_, write in RENDERERS["audit"].items():
        if format_ != "html" or len(data) % 8 == 0:
            text = plain(write([report]))
            if format_ in READERS:
                READERS[format_](text)
    return report.error is None


def fixing(data: bytes) -> bool:
    """A grown network through the command `fix`, which has a process of its own and limits."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "m.onnx")
        file.write_bytes(grown(Choices(data)).SerializeToString())
        commanded("fix", str(file), "-o", f"{folder}/o.onnx", "--limit-time", "50", "--limit-memory", "1.5")
        return Path(folder, "o.onnx").exists()


def rules(data: bytes) -> bool:
    """A profile of one's own whose text has been changed."""
    return _read(texts.OVERLAY, data, profile)


def deviations(data: bytes) -> bool:
    """Records and baselines whose text has been changed."""
    first = _read(texts.RECORD, data, lambda path: deviation_file.records([path]))
    return _read(texts.DEBT, data, baseline.load) or first


def configurations(data: bytes) -> bool:
    """A configuration whose text has been changed, in either of its files."""
    name, good = ((".safecheck.yaml", texts.CONFIGURATION), ("pyproject.toml", texts.TABLE))[len(data) % 2]
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/.git")
        Path(folder, name).write_bytes(texts.changed(good, Choices(data)))

        def use() -> None:
            found = configuration(folder)
            for path in ("models/a.onnx", "models/old/a.onnx", "a\n.onnx"):
                found.profile_for(os.path.join(folder, path))
                found.excluded_by(os.path.join(folder, path))

        return answered(use)


def reports(data: bytes) -> bool:
    """A report, a journal or a ledger that says something else, through the commands that read them."""
    choices = Choices(data)
    content = json.loads(_report())
    for _ in range(1 + choices.number(3)):
        content = texts.altered(content, choices)
    with tempfile.TemporaryDirectory() as folder:
        good, bad, kept, model = (f"{folder}/{name}" for name in ("good.json", "bad.json", "ledger.jsonl", "m.onnx"))
        Path(model).write_bytes(seeds()[0])
        Path(good).write_text(_report())
        Path(bad).write_text(json.dumps(content))
        Path(kept).write_text("".join(f"{line}\n" for line in _chained(choices)))
        command = choices.one((
            ("diff", good, bad), ("diff", bad, good), ("verify", bad, model), ("fleet", bad),
            ("ledger", "log", "--file", kept), ("ledger", "check", "--file", kept),
            ("ledger", "add", bad, "--by", "Ada Lovelace", "--file", kept), ("attest", model, "--evidence", bad),
            ("compare", model, "--measured", bad, "--output", "json"), ("fleet", good, "--since", bad),
        ))  # fmt: skip
        return commanded(*command) in (0, 1)


def logs(data: bytes) -> bool:
    """A log of a builder with something else in it."""
    choices = Choices(data)
    lines = choices.one(_logs()).split(b"\n")
    for _ in range(choices.number(6)):
        lines[choices.number(len(lines)) : choices.number(len(lines))] = [data[: choices.number(400)]]
    log.parse(io.BytesIO(data))
    return bool(log.parse(io.BytesIO(b"\n".join(lines))))


def writers(data: bytes) -> bool:
    """Every format about a model, a rule and decisions that are called as the bytes say."""
    text = data[:400].decode("utf-8", "surrogateescape" if len(data) % 2 else "replace")
    name = FORMATS[len(data) % len(FORMATS)]
    found = written(name, [hostile(text)])
    if name in READERS:
        READERS[name](found)
    return True


def answered(action: Callable[[], object]) -> bool:
    """Whether it was done; our own errors are answers."""
    try:
        action()
    except SafecheckError as error:
        _told(error)
        return False
    return True


def _told(error: SafecheckError) -> None:
    """An error is an answer if it has its exit code, and one line in which nothing is active."""
    if error.exit_code not in (2, 3) or not str(error).isprintable():
        raise AssertionError(f"no answer: {error!r}") from error


def commanded(*arguments: str) -> int:
    """The exit code of a command that is carried out here, which is one of the contract's and no bug."""
    told = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace", write_through=True)
    with redirect_stdout(told), redirect_stderr(told):
        code = run(list(arguments))
    told.seek(0)
    text = told.read()
    if code not in (0, 1, 2, 3) or FAILED in text:
        raise AssertionError(f"exit code {code} of {arguments[0]}: {text[-2000:]}")
    return code


def _read(good: bytes, data: bytes, reader: Callable[[str], object]) -> bool:
    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        file.write(texts.changed(good, Choices(data)))
        file.flush()
        return answered(lambda: reader(file.name))


@cache
def _report() -> str:
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        file.write(seeds()[0])
        file.flush()
        return plain(RENDERERS["audit"]["json"]([audit_model(file.name, profile("tensorrt-8.6-restricted"))]))


def _chained(choices: Choices) -> list[str]:
    """Two entries of a ledger that follow each other, what they say changed by somebody who knows how to hash."""
    lines: list[str] = []
    report = recorded.parsed("r.json", _report().encode())
    _, entries = ledger.appended("there-is-none", [report] * 2, "Ada", date(2026, 1, 1))
    previous = entries[0]["previous"]
    for entry in entries:
        said = {key: value for key, value in entry.items() if key != "hash"}
        if choices.number(2):
            said = texts.altered(said, choices)
        if not isinstance(said, dict):
            return [*lines, json.dumps(said)]
        said["previous"] = previous
        text = json.dumps(said, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        previous = hashlib.sha256(text.encode()).hexdigest()
        lines.append(json.dumps({**said, "hash": previous}, sort_keys=True, separators=(",", ":")))
    return lines


@cache
def _logs() -> tuple[bytes, ...]:
    return tuple(path.read_bytes()[:4000] for path in sorted((ROOT / "tests/nvidia/logs").glob("*.log")))


HARNESSES: dict[str, Harness] = {
    "intake": intake, "audit": audit, "fix": fixing, "rules": rules, "deviations": deviations,
    "configurations": configurations, "reports": reports, "logs": logs, "writers": writers,
}  # fmt: skip
