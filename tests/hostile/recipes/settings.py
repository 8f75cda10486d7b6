"""Rows 78 to 84, and 105: profiles, configuration, records and baselines."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from workflow_repo import FORBIDDEN

from recipes.case import BY_THE_RULES, CONFIGURATION, Case, base

DOCUMENTS: dict[str, bytes] = {
    "alias bomb": b"a: &a [x, x, x, x, x, x, x, x, x]\n"
    + b"".join(b"%c: &%c [%b]\n" % (98 + n, 98 + n, b", ".join([b"*%c" % (97 + n)] * 9)) for n in range(8)),
    "alias of itself": b"a: &a [*a]\n",
    "merge key": b"a: &a {b: c}\nd: {<<: *a}\n",
    "merge key without alias": b"d: {<<: {b: c}}\n",
    "nested lists": b"[" * 100_000,
    "nested mappings": b"{a: " * 100_000,
    "a second document": b"id: x\n---\nid: y\n",
    "NUL": b"id: a\0b\n",
    "tabs": b"id:\n\t- x\n",
    "byte order of UTF-16": "id: x\n".encode("utf-16"),
    "not UTF-8": b"id: \xff\xfe\n",
    "ESC": b"id: \x1b[31m\n",
    "empty": b"",
    "object": b"id: !!python/object/apply:os.system ['touch ran']\n",
    "name of a function": b"id: !!python/name:os.system\n",
    "binary": b"id: !!binary aGVsbG8=\n",
    "own tag": b"id: !mine x\n",
    "set": b"id: !!set {a, b}\n",
    "list as a key": b"? [a, b]\n: c\n",
    "mapping as a key": b"? {a: b}\n: c\n",
    "key twice": b"id: mine\nid: yours\n",
    "unknown key": b"nonsense: x\n",
    "a number": b"17\n",
    "a text": b"hello\n",
    "a list": b"[a, b]\n",
    "no": b"id: no\n",
    "on as a key": b"on: x\n",
    "number of 5000 digits": b"version: " + b"9" * 5000 + b"\n",
    "unclosed": b'id: "x\n',
    "unclosed list": b"id: [x\n",
}
WAYS: dict[str, tuple[str, tuple[str, ...]]] = {
    "profile": ("p.yaml", ("audit", "m.onnx", "--profile", "p.yaml")),
    "deviations": ("d.yaml", ("audit", "m.onnx", "--deviations", "d.yaml", "--as-of", "2026-06-01")),
    "baseline": ("b.yaml", ("audit", "m.onnx", "--baseline", "b.yaml")),
    "configuration": (".safecheck.yaml", ("audit", "m.onnx")),
}
PROFILE = """id: mine
title: Mine
version: "1"
extends: tensorrt-8.6-restricted
sources:
  own: {title: Own, kind: licensed-document, read: all of it}
rules:
"""
RULE = """  - id: {id}
    title: Mine
    verdict: {verdict}
    layers: [IPoolingLayer]
    when: {{{when}}}
    grade: {grade}
    sources: [{{ref: {source}}}]
"""
GOOD = {
    "id": "mine",
    "verdict": "forbidden",
    "when": "fact: kind, equals: kMAX",
    "grade": "documented",
    "source": "own",
}


def cases() -> Iterator[Case]:
    """Every sub-case."""
    for number, (name, content) in enumerate(DOCUMENTS.items()):
        row = 78 if number < 13 else 79 if number < 20 else 80
        for way, (file, command) in WAYS.items():
            yield _file(row, f"{name} as {way}", file, content, f"SC-.*{file}", command)
    for way, (file, command) in WAYS.items():
        for name, make in {"1 GiB": _sparse, "FIFO": _fifo, "folder": _folder}.items():
            yield Case(78, f"{name} as {way}", partial(make, file), CONFIGURATION, f"SC-.*{file}", command)
    for value in ("0o10", "1e3", "12:30:45", "0x10", "1_000", "yes", "~", "2026-02-30", "01", ".inf", ".nan"):
        yield _file(80, f"jobs: {value}", ".safecheck.yaml", f"jobs: {value}\n".encode(), r"safecheck.yaml:1: jobs")
    yield from _rules()
    for name, content in {
        "plug-in": b"plugins: [evil]\n", "library": b"custom-ops: ./evil.so\n", "never fails": b"fail_on: never\n",
        "profile outside": b"profile: ../outside.yaml\n", "absolute profile": b"profile: /etc/passwd\n",
        "home": b"profile: ~/x.yaml\n", "address": b"profile: http://example.com/x.yaml\n",
        "records outside": b"deviations: [../outside.yaml]\n", "baseline outside": b"baseline: ../outside.yaml\n",
    }.items():  # fmt: skip
        yield _file(82, name, ".safecheck.yaml", content, "SC-CFG-")
    yield Case(
        82,
        "excludes everything",
        partial(_written, {".safecheck.yaml": b'exclude: ["**"]\n'}),
        frozenset({3}),
        "",
        ("audit", "."),
    )
    own = dict.fromkeys(
        ("onnx.py", "yaml.py", "click.py", "safecheck.py", "sitecustomize.py", "numpy.py"), b"raise SystemExit(0)\n"
    )
    yield Case(82, "modules in the folder", partial(_written, {**own, "m.onnx": base(FORBIDDEN)}), frozenset({1}))
    yield from _baselines()
    yield from _words()


def _file(
    row: int, name: str, file: str, content: bytes, says: str, command: tuple[str, ...] = WAYS["configuration"][1]
) -> Case:
    """One file beside a good model, for which there is no answer but 2."""
    return Case(row, name, partial(_written, {file: content}), CONFIGURATION, says, command)


def _written(files: dict[str, bytes], folder: Path) -> None:
    (folder / ".git").mkdir()  # a configuration is looked for up to the repository's root
    (folder / "m.onnx").write_bytes(base())
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _sparse(file: str, folder: Path) -> None:
    _written({}, folder)
    with (folder / file).open("wb") as opened:
        opened.write(b"id: x\n")
        opened.truncate(1 << 30)


def _fifo(file: str, folder: Path) -> None:
    _written({}, folder)
    os.mkfifo(folder / file)


def _folder(file: str, folder: Path) -> None:
    _written({}, folder)
    (folder / file).mkdir()


def _rules() -> Iterator[Case]:
    command = WAYS["profile"][1]

    def overlay(name: str, text: str | Callable[[], str], says: str) -> Case:
        def make(folder: Path) -> None:
            _written({"p.yaml": (text if isinstance(text, str) else text()).encode()}, folder)

        return Case(81, name, make, CONFIGURATION, says, command)

    def rule(**change: str) -> str:
        return PROFILE + RULE.format(**{**GOOD, **change})

    whole = Case(
        81, "a good one", partial(_written, {"p.yaml": rule().encode()}), frozenset({0}), "own profile|mine", command
    )
    yield whole
    for operator in ("matches", "regex", "search", "glob"):
        yield overlay(f"condition with {operator}", rule(when=f"fact: kind, {operator}: '(a+)+$'"), "unknown key")
    yield overlay("unknown verdict", rule(verdict="fine"), "'fine' is not known here")
    yield overlay("unknown grade", rule(grade="sure"), "'sure' is not known here")
    yield overlay("unknown source", rule(source="nowhere"), "nowhere")
    yield overlay("unknown fact", rule(when="fact: nonsense, equals: x"), "nonsense")
    yield overlay("without a grade", rule().replace("    grade: documented\n", ""), "needs a grade")
    yield overlay("without a source", rule().replace("    sources: [{ref: own}]\n", ""), "source")
    yield overlay("unknown profile below", rule().replace("tensorrt-8.6-restricted", "nothing"), "nothing")
    yield overlay("newer schema", rule() + "schema: safecheck/profile/99\n", "unknown key 'schema'")
    yield overlay("one that extends itself", rule().replace("tensorrt-8.6-restricted", "p.yaml"), "in a circle")
    yield overlay("an id twice", rule() + RULE.format(**GOOD), "two rules are called 'mine'")
    many = "".join(RULE.format(**{**GOOD, "id": f"mine-{number}"}) for number in range(100_000))
    yield overlay("100,000 rules", PROFILE + many, "larger than")


def _baselines() -> Iterator[Case]:
    file, command = WAYS["baseline"]
    yield _file(84, "baseline of another tool", file, b"schema: other/1\n", "SC-BASE-", command)
    yield _file(84, "baseline of a newer schema", file, b"schema: safecheck/baseline/99\n", "SC-BASE-", command)
    yield _file(84, "baseline at a release", file, b"x\n", "", (*command, "--release"))
    yield Case(84, "baseline that is missing", partial(_written, {}), CONFIGURATION, "SC-BASE-", command)


WRITTEN = {
    "profile": PROFILE + RULE.format(**{**GOOD, "when": "none_of: [{fact: op_type, one_of: [MaxPool]}]"}),
    "deviations": """schema: safecheck/deviations/1
deviations:
  - id: DEV-7
    rule: reduce-mean
    status: approved
    scope: {model: any}
    rationale: measured
    requested_by: Ada Lovelace
    approved_by: Grace Hopper
""",
    "baseline": """schema: safecheck/baseline/1
models:
  m.onnx:
    profile: tensorrt-8.6-restricted
    findings:
      - {rule: reduce-mean, fingerprint: any, verdict: forbidden}
""",
    "configuration": """profile: tensorrt-8.6-restricted
per-path: {models: tensorrt-10-safety}
output: [text]
cache: off
""",
}
"""What people write; each word of it is asked for, or compared with something."""


def _words() -> Iterator[Case]:
    """Each word once with terminal codes and a mark that turns the line round before it, as YAML can spell them."""
    for way, content in WRITTEN.items():
        file, command = WAYS[way]
        for found in re.finditer(r"[A-Za-z][\w./-]*", content):
            word = f'"\\t\\e[2J\\u202E{found[0]}"'
            changed = f"{content[: found.start()]}{word}{content[found.end() :]}"
            made = partial(_written, {file: changed.encode()})
            yield Case(105, f"{way}: {found[0]} at {found.start()}", made, BY_THE_RULES | CONFIGURATION, "", command)
