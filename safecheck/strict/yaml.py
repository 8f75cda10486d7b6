"""YAML that refuses instead of guessing.

Rule files decide safety verdicts, so everything that YAML would silently resolve is an error that names file, key and
line: doubled keys, anchors used as aliases, tags, several documents, words such as `no` that become booleans, numbers
in odd notations. Scalars are text unless they are `true`, `false`, a decimal integer or a decimal fraction.

A document is kept as a tree of plain lists, `[kind, line, content]`, which is also how a wheel ships the rules a second
time and a checkout keeps them between runs: reading that costs a tenth of parsing YAML (see `resources.parsed`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from safecheck.errors import RuleFileError
from safecheck.finding import Scalar
from safecheck.strict import resources
from safecheck.strict.resources import Tree
from safecheck.strict.words import suggest as suggest
from safecheck.text import printable

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})\Z")
_FRACTION = re.compile(r"-?[0-9]{1,15}\.[0-9]{1,15}\Z")
_AMBIGUOUS = frozenset(
    spelling
    for word in ("yes", "no", "on", "off", "true", "false", "null", "~")
    for spelling in (word, word.capitalize(), word.upper())
)


SCALAR, LIST, MAPPING = 0, 1, 2
# [SCALAR, line, text, plain] / [LIST, line, [tree, ...]] / [MAPPING, line, [[key, key line, plain, tree], ...]]
_KINDS = {SCALAR: "single value", LIST: "list", MAPPING: "mapping"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One place in a YAML file: reads typed values and refuses everything else with a breadcrumb."""

    tree: Tree
    file: str
    parent: Entry | None = None
    key: str | int = ""

    @property
    def crumb(self) -> str:
        """`rules/trt-8/pool.yaml:12: rules[0].when`."""
        steps: list[str] = []
        entry: Entry | None = self
        while entry is not None and entry.parent is not None:
            steps.append(f"[{entry.key}]" if isinstance(entry.key, int) else f".{printable(entry.key, 60)}")
            entry = entry.parent
        path = "".join(reversed(steps)).lstrip(".")
        return f"{self.file}:{self.tree[1]}" + (f": {path}" if path else "")

    def fail(self, what: str, todo: str) -> NoReturn:
        """Refuse the file because of this place."""
        raise RuleFileError("SC-CFG-RULE", self.crumb, what, todo)

    @property
    def is_mapping(self) -> bool:
        """Whether this is a mapping."""
        return bool(self.tree[0] == MAPPING)

    @property
    def is_sequence(self) -> bool:
        """Whether this is a sequence."""
        return bool(self.tree[0] == LIST)

    def items(self) -> dict[str, Entry]:
        """The entries of a mapping with arbitrary keys, none of them doubled."""
        if not self.is_mapping:
            self.fail(f"expected a mapping, found a {self._kind}", "write `key: value` lines")
        found: dict[str, Entry] = {}
        lines: dict[str, int] = {}
        for key, line, plain, tree in self.tree[2]:
            entry = Entry(tree, self.file, self, key)
            if plain and key in _AMBIGUOUS:
                entry.fail("a key must be plain text", "quote it")
            if key in found:
                entry.fail(f"key '{printable(key, 60)}' is already given in line {lines[key]}", "keep one of them")
            found[key], lines[key] = entry, line
        return found

    def mapping(self, required: Iterable[str] = (), optional: Iterable[str] = ()) -> dict[str, Entry]:
        """The entries of a mapping with known keys."""
        found = self.items()
        known = {*required, *optional}
        for key, entry in found.items():
            if key not in known:
                hint = suggest(key, known)
                entry.fail(f"unknown key '{printable(key, 60)}'{hint}", f"use one of: {', '.join(sorted(known))}")
        for key in required:
            if key not in found:
                self.fail(f"key '{key}' is missing", "add it")
        return found

    def sequence(self) -> list[Entry]:
        """The entries of a sequence."""
        if not self.is_sequence:
            self.fail(f"expected a list, found a {self._kind}", "write `[a, b]` or `- a` lines")
        return [Entry(tree, self.file, self, index) for index, tree in enumerate(self.tree[2])]

    def one_or_more(self) -> list[Entry]:
        """A sequence, or this single entry as a sequence of one."""
        return self.sequence() if self.is_sequence else [self]

    def scalar(self) -> Scalar:
        """A text, boolean, integer or fraction."""
        if self.tree[0] != SCALAR:
            self.fail(f"expected a single value, found a {self._kind}", "write one value")
        raw: str = self.tree[2]
        if not self.tree[3]:
            return raw
        if raw in ("true", "false"):
            return raw == "true"
        if raw == "" or raw in _AMBIGUOUS:
            self.fail(
                f"'{printable(raw, 20)}' means different things to different readers", "quote it, or use true or false"
            )
        if _INTEGER.match(raw):
            return int(raw)
        if _FRACTION.match(raw):
            return float(raw)
        return raw

    def text(self) -> str:
        """A non-empty text."""
        value = self.scalar()
        if not isinstance(value, str) or not value.strip():
            self.fail("expected a text", "quote the value")
        return value

    def choice(self, known: Iterable[str]) -> str:
        """One of the known words."""
        word = self.text()
        options = list(known)
        if word not in options:
            self.fail(
                f"'{printable(word, 60)}' is not known here{suggest(word, options)}",
                f"use one of: {', '.join(options)}",
            )
        return word

    @property
    def _kind(self) -> str:
        return _KINDS[self.tree[0]]


def load(text: str, file: str, limit: int = MAX_BYTES) -> Entry:
    """The root of a YAML document of at most `limit` bytes. `file` is how errors name it."""
    tree = resources.parsed(text)
    if tree is None:
        tree = parse(text, file, limit)
        resources.keep(text, tree)
    return Entry(tree, file)


def parse(text: str, file: str, limit: int = MAX_BYTES) -> Tree:
    """Parse YAML to a tree, refusing what has more than one reading."""
    import yaml

    if len(text.encode("utf-8", "surrogatepass")) > limit:
        raise RuleFileError("SC-CFG-YAML", file, f"larger than {limit} bytes", "split the file")
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        # Events, not composed nodes: libyaml composes on the C stack, which a deeply nested file overflows.
        return _tree(yaml.parse(text, Loader=loader), file)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark is not None else ""
        raise RuleFileError(
            "SC-CFG-YAML", f"{file}{line}", printable(error.problem or "not YAML"), "correct the syntax"
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        raise RuleFileError("SC-CFG-YAML", file, "not readable as YAML", "correct the syntax") from error


def _tree(events: Iterator[Any], file: str) -> Tree:
    """Build the tree of the only document, one event at a time."""
    root: list[Tree] = []
    # What is being filled: the children of a list, or of a mapping as key, value, key, value, ...
    open_nodes: list[tuple[Tree | None, list[Tree]]] = [(None, root)]
    for event in events:
        kind = type(event).__name__
        if kind == "DocumentStartEvent" and root:
            _refuse(file, event, "a second document begins here", "keep one document in a file")
        if kind == "AliasEvent":
            _refuse(file, event, "an alias repeats another place", "write the value out where it is needed")
        if kind in ("SequenceStartEvent", "MappingStartEvent", "ScalarEvent"):
            _refuse_tag(file, event, kind)
            node: Tree = [_EVENT_KINDS[kind], event.start_mark.line + 1, []]
            if kind == "ScalarEvent":
                # libyaml gives "" as the style of a plain scalar, the Python parser None
                node = [SCALAR, event.start_mark.line + 1, event.value, not event.style]
            open_nodes[-1][1].append(node)
            if kind != "ScalarEvent":
                open_nodes.append((node, []))
                if len(open_nodes) > MAX_DEPTH:
                    _refuse(file, event, f"nested deeper than {MAX_DEPTH} levels", "flatten the document")
        elif kind in ("SequenceEndEvent", "MappingEndEvent"):
            filled, children = open_nodes.pop()
            assert filled is not None
            filled[2] = children if filled[0] == LIST else _pairs(children, file)
    if not root:
        raise RuleFileError("SC-CFG-YAML", file, "the file is empty", "write the document or delete the file")
    return root[0]


_EVENT_KINDS = {"ScalarEvent": SCALAR, "SequenceStartEvent": LIST, "MappingStartEvent": MAPPING}


def _pairs(children: list[Tree], file: str) -> list[list[Any]]:
    pairs = []
    for key, value in zip(children[::2], children[1::2], strict=True):
        if key[0] != SCALAR:
            raise RuleFileError("SC-CFG-YAML", f"{file}:{key[1]}", "a key must be plain text", "write `key: value`")
        pairs.append([key[2], key[1], key[3], value])
    return pairs


def _refuse_tag(file: str, event: Any, kind: str) -> None:
    plain_merge = kind == "ScalarEvent" and event.value == "<<" and not event.style
    if event.tag is not None or plain_merge:
        _refuse(file, event, "tags and merge keys are not accepted", "write plain values")
    if event.anchor is not None:
        _refuse(file, event, "an anchor marks this place for repetition", "write the value out where it is needed")


def _refuse(file: str, event: Any, what: str, todo: str) -> NoReturn:
    raise RuleFileError("SC-CFG-YAML", f"{file}:{event.start_mark.line + 1}", what, todo)
