"""Texts and values that people and other runs write, changed: YAML, TOML, JSON."""

from __future__ import annotations

import re
from typing import Any

from choices import FLOATS, NAMES, NUMBERS, Choices

WORDS = (
    b"&a ", b"*a", b"!!python/name:os.system ", b"- ", b": ", b"{", b"[", b"\n", b"  ", b"\t", b"\0", b"no", b"on",
    b"1e3", b"0o7", b"9" * 30, b"2026-02-30", b"'", b'"', b"|", b">", b"#", b"---\n", b"<<: ", b"? ", b"\xff",
    b"\xe2\x80\xae", b"x: y\n", b"**/", b"../", b"[[", b"]", b"}", b"=", b".",
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
    scope: {model: "0000000000000000000000000000000000000000000000000000000000000000"}
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
CONFIGURATION = b"""profile: tensorrt-8.6-restricted
per-path: {"models/**": tensorrt-10-safety}
paths: [models]
exclude: ["**/old/*.onnx", "old/"]
output: [text, "json=out/report.json"]
jobs: 2
cache: false
"""
TABLE = b"""[project]
name = "x"
[tool.safecheck]
profile = "tensorrt-8.6-restricted"
exclude = ["**/old/*.onnx", 'old/']
jobs = 2
[tool.safecheck.per-path]
"models/**" = "tensorrt-10-safety"
"""


VALUES = (
    b"0", b"-1", b"9223372036854775808", b"true", b"''", b"[]", b"{}", b"x", b"[x, y]", b"{fact: kind, equals: 1}",
    b"tensorrt-10-safety", b"unproven", b"allowed", b"2026-01-01", b"'\u0421'", b'"\x1b[31m"', b"safecheck/baseline/1",
)  # fmt: skip
_VALUE = re.compile(rb"(?<=[:=] )[^\n,}]+")


def changed(good: bytes, choices: Choices) -> bytes:
    """A text with up to three values replaced, words put in, pieces repeated and pieces cut out."""
    text = bytearray(good)
    for _ in range(choices.number(4)):
        at, length = choices.number(len(text) + 1), choices.number(40)
        action = choices.number(6)
        places = [found.span() for found in _VALUE.finditer(text)]
        if action > 2 and places:
            start, end = choices.one(places)
            other = bytes(text[slice(*choices.one(places))])
            text[start:end] = choices.one((*VALUES, other, other, other))
        elif action == 0:
            del text[at : at + length]
        else:
            text[at:at] = choices.one(WORDS) if action == 1 else text[at : at + length]
    return bytes(text)


def altered(value: Any, choices: Choices) -> Any:
    """A JSON value with one place in it removed, repeated or replaced; what it holds may be changed by that."""
    if isinstance(value, dict) and value and choices.number(6):
        key = choices.one(sorted(value))
        if choices.number(8) == 0:
            return {name: part for name, part in value.items() if name != key}
        return {**value, key: altered(value[key], choices)}
    if isinstance(value, list) and value and choices.number(6):
        at = choices.number(len(value))
        if choices.number(8) == 0:
            return [*value, value[at]]
        return [*value[:at], altered(value[at], choices), *value[at + 1 :]]
    odd: tuple[Any, ...] = (None, True, [], {}, [[]], {"": {}}, *NUMBERS, *FLOATS, *NAMES, "\ud800", str(value)[:99])
    return choices.one(odd)
