"""The lowering file of one parser release, loaded strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from safecheck.condition import ALWAYS, Condition, parse
from safecheck.facts import NODE_FACT_NAMES
from safecheck.lowering.patterns import PATTERNS
from safecheck.strict_yaml import Entry, load

_OPERAND = re.compile(r"(in|out)[0-9]{1,2}\Z|shape\Z|scalar\Z|\?\Z")
_LAYER = re.compile(r"I[A-Za-z0-9]+Layer\Z")


@dataclass(frozen=True, slots=True)
class Step:
    """One layer or pattern of a form."""

    layer: str | None
    """Layer type; None for a pattern."""
    kind: str | None
    pattern: str | None
    inputs: tuple[str, ...] | None
    """Operand names; None for all inputs of the node."""
    outputs: tuple[str, ...] | None
    """Operand names; None for all outputs of the node."""
    when: Condition
    """The step happens only if this holds."""
    perhaps: str
    """A condition nobody could put into facts, in words; the layer is then assumed to be added."""


@dataclass(frozen=True, slots=True)
class Form:
    """One way in which the parser translates an operator; the first form whose condition holds is used."""

    when: Condition
    worded: str
    """A condition in words: whether this form is used cannot be decided, so the worst of the candidates counts."""
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A restriction of the importer: if the condition holds, parsing fails."""

    when: Condition
    text: str


@dataclass(frozen=True, slots=True)
class Operator:
    """How one ONNX operator is translated."""

    at: str
    """Where in the parser's source this was read."""
    types: tuple[str, ...]
    """ONNX element types documented for the first input; empty if not restricted."""
    refuses: tuple[Refusal, ...]
    forms: tuple[Form, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One parser release."""

    id: str
    release: str
    opset: int
    """Newest ai.onnx opset that the release documents."""
    source: str
    types: dict[str, str]
    """ONNX element type -> TensorRT type; other types do not enter a network."""
    patterns: dict[str, tuple[str, ...]]
    unsupported: frozenset[str]
    """Operators that the release documents as unsupported."""
    operators: dict[str, Entry]
    """Operators by name, read when they are first asked for."""
    _read: dict[str, Operator] = field(default_factory=dict)

    def operator(self, name: str) -> Operator | None:
        """How an operator is translated; None if the parser has no importer for it."""
        entry = self.operators.get(name)
        if entry is None:
            return None
        if name not in self._read:
            self._read[name] = _operator(entry)
        return self._read[name]

    def check(self) -> None:
        """Read every operator; RuleFileError with a breadcrumb if one is broken."""
        for name in self.operators:
            self.operator(name)


def table_from_yaml(text: str, file: str) -> Table:
    """Load a lowering file; RuleFileError with a breadcrumb if it is broken."""
    root = load(text, file)
    keys = root.mapping(
        required=("id", "title", "release", "opset", "source", "types", "patterns", "unsupported", "operators"),
        optional=("about",),
    )
    opset = keys["opset"].scalar()
    if type(opset) is not int:
        keys["opset"].fail("expected a number", "give the newest documented opset")
    return Table(
        id=keys["id"].text(),
        release=keys["release"].text(),
        opset=opset,
        source=keys["source"].text(),
        types={name: entry.text() for name, entry in keys["types"].items().items()},
        patterns={
            name: tuple(_layer(part) for part in entry.sequence())
            for name, entry in keys["patterns"].mapping(required=PATTERNS).items()
        },
        unsupported=frozenset(entry.text() for entry in keys["unsupported"].sequence()),
        operators=keys["operators"].items(),
    )


def _operator(entry: Entry) -> Operator:
    keys = entry.mapping(optional=("at", "types", "refuses", "forms", "layers"))
    if ("forms" in keys) == ("layers" in keys):
        entry.fail("an operator needs either forms or layers", "give forms: for alternatives, layers: for a single one")
    forms = (
        tuple(_form(form) for form in keys["forms"].sequence())
        if "forms" in keys
        else (Form(ALWAYS, "", _steps(keys["layers"])),)
    )
    return Operator(
        at=keys["at"].text() if "at" in keys else "",
        types=tuple(part.text() for part in keys["types"].sequence()) if "types" in keys else (),
        refuses=tuple(_refusal(part) for part in keys["refuses"].sequence()) if "refuses" in keys else (),
        forms=forms,
    )


def _refusal(entry: Entry) -> Refusal:
    keys = entry.mapping(required=("when", "text"))
    return Refusal(parse(keys["when"], NODE_FACT_NAMES), keys["text"].text())


def _form(entry: Entry) -> Form:
    keys = entry.mapping(required=("layers",), optional=("when", "worded"))
    when = parse(keys["when"], NODE_FACT_NAMES) if "when" in keys else ALWAYS
    return Form(when, keys["worded"].text() if "worded" in keys else "", _steps(keys["layers"]))


def _steps(entry: Entry) -> tuple[Step, ...]:
    return tuple(_step(part) for part in entry.sequence())


def _step(entry: Entry) -> Step:
    if not entry.is_mapping:
        return Step(None, None, entry.choice(PATTERNS), None, None, ALWAYS, "")
    keys = entry.mapping(optional=("layer", "kind", "pattern", "in", "out", "count", "when", "perhaps"))
    if ("layer" in keys) == ("pattern" in keys):
        entry.fail("a step is either a layer or a pattern", "give one of them")
    return Step(
        layer=_layer(keys["layer"]) if "layer" in keys else None,
        kind=keys["kind"].text() if "kind" in keys else None,
        pattern=keys["pattern"].choice(PATTERNS) if "pattern" in keys else None,
        inputs=_operands(keys["in"]) if "in" in keys else None,
        outputs=_operands(keys["out"]) if "out" in keys else None,
        when=parse(keys["when"], NODE_FACT_NAMES) if "when" in keys else ALWAYS,
        perhaps=keys["perhaps"].text() if "perhaps" in keys else "",
    )


def _operands(entry: Entry) -> tuple[str, ...]:
    names = tuple(part.text() for part in entry.sequence())
    for name in names:
        if not _OPERAND.match(name):
            entry.fail(f"no operand '{name}'", "use in0, in1, ..., out0, ..., shape, scalar or ?")
    return names


def _layer(entry: Entry) -> str:
    name = entry.text()
    if not _LAYER.match(name):
        entry.fail(f"'{name}' is not a layer interface", "write it as IConvolutionLayer")
    return name
