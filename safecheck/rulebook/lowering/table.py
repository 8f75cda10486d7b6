"""The lowering file of one parser release, loaded strictly.

A file either says everything or `extends` another one and says what differs: an operator replaces the whole entry of
that operator, a pattern its layers, `operator_types` the documented types of operators, `remove` takes operators away,
and every other key, also `empty_names`, replaces its value. An operator that has an importer is not unsupported,
whatever an inherited list says. What importers refuse has a file of its own, `refusals.py`.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Collection, Mapping

from safecheck.finding import Grade
from safecheck.rulebook.condition import ALWAYS, Condition, parse
from safecheck.rulebook.facts import NODE_FACT_NAMES
from safecheck.rulebook.lowering.patterns import OPTIONAL, PATTERNS
from safecheck.rulebook.lowering.refusals import Amendment, EmptyNames, Refusal, amendments, empty_names, refusal
from safecheck.strict.yaml import Entry, load
from safecheck.text import printable
from safecheck.values import dataclass, field, replace

_OPERAND = re.compile(r"(in|out)[0-9]{1,2}\Z|shape\Z|scalar\Z|\?\Z")
_LAYER = re.compile(r"I[A-Za-z0-9]+Layer\Z")
_FILE = re.compile(r"[a-z0-9][a-z0-9.-]*\Z")

# The text of the lowering file with this id; the entry is the place that asked for it.
Read = Callable[[str, Entry], str]


@dataclass(frozen=True, slots=True)
class Step:
    """One layer or pattern of a variant."""

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
    count: int | None
    """How many layers of the same variant the parser adds; None if that depends. They are judged once."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way in which the parser translates an operator; the first variant whose condition holds is used."""

    when: Condition
    worded: str
    """A condition in words: whether this variant is used cannot be decided, so the worst of the candidates counts."""
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Operator:
    """How one ONNX operator is translated."""

    at: str
    """Where in the parser's source this was read."""
    types: tuple[str, ...]
    """ONNX element types documented for the first input; empty if not restricted."""
    refuses: tuple[Refusal, ...]
    variants: tuple[Variant, ...]


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
    operators: Mapping[str, tuple[Entry, Grade] | bytes]
    """By name, read when first asked for, with the grade of the file; those of a kept profile as they were pickled."""
    empty_names: EmptyNames = field(default_factory=EmptyNames)
    local_functions: bool = False
    """Whether the parser expands model-local functions: a node that calls one is then not looked up here."""
    operator_types: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Documented element types that differ from those of the operator's entry."""
    amendments: dict[str, tuple[Amendment, ...]] = field(default_factory=dict)
    """Changes of what inherited operators refuse, the oldest first."""
    files: tuple[str, ...] = ()
    """Ids of the files this table was put together from, the nearest first."""
    _read: dict[str, Operator] = field(default_factory=dict)

    def operator(self, name: str) -> Operator | None:
        """How an operator is translated; None if the parser has no importer for it."""
        if name not in self.operators:
            return None
        if name not in self._read:
            if isinstance(given := self.operators[name], bytes):
                return self._read.setdefault(name, pickle.loads(given))
            refuses = (read := _operator(*given)).refuses
            for amendment in self.amendments.get(name, ()):
                refuses = amendment.apply(refuses)
            self._read[name] = replace(read, types=self.operator_types.get(name, read.types), refuses=refuses)
        return self._read[name]

    def check(self) -> None:
        """Read every operator; RuleFileError with a breadcrumb if one is broken."""
        for name in self.operators:
            self.operator(name)


def table_from_yaml(text: str, file: str, read: Read | None = None) -> Table:
    """Load a lowering file, with the files it extends; RuleFileError with a breadcrumb if one is broken."""
    return _table(text, file, read, ())


_ALWAYS = ("id", "title", "release", "source")
_OPTIONAL = ("about", "grade", "local_functions", "empty_names")
_WHOLE = ("opset", "types", "patterns", "unsupported", "operators")


def _table(text: str, file: str, read: Read | None, children: tuple[str, ...]) -> Table:
    root = load(text, file)
    extends = root.items().get("extends")
    if extends is None:
        keys = root.mapping(required=_ALWAYS + _WHOLE, optional=_OPTIONAL)
        base = None
    else:
        optional = (*_OPTIONAL, "operator_types", "refusals", "remove", *_WHOLE)
        keys = root.mapping(required=("extends", *_ALWAYS), optional=optional)
        base = _parent(extends, file, read, (*children, keys["id"].text()))
    grade = Grade(keys["grade"].choice(("documented", "measured"))) if "grade" in keys else Grade.DOCUMENTED
    operators = _operators(keys, base, grade)
    unsupported = (
        frozenset(entry.text() for entry in keys["unsupported"].sequence())
        if base is None or "unsupported" in keys
        else base.unsupported
    )
    return Table(
        id=keys["id"].text(),
        release=keys["release"].text(),
        opset=_number(keys["opset"]) if base is None or "opset" in keys else base.opset,
        source=keys["source"].text(),
        types=(
            {name: entry.text() for name, entry in keys["types"].items().items()}
            if base is None or "types" in keys
            else base.types
        ),
        patterns=_patterns(keys, base),
        unsupported=unsupported if base is None else unsupported - operators.keys(),
        operators=operators,
        operator_types=_operator_types(keys, base, operators),
        amendments={} if base is None else amendments(keys, base.amendments, operators.keys(), grade),
        empty_names=_empty_names(keys, base),
        local_functions=_local_functions(keys, base),
        files=(keys["id"].text(), *(() if base is None else base.files)),
    )


def _parent(extends: Entry, file: str, read: Read | None, children: tuple[str, ...]) -> Table:
    name = extends.text()
    if name in children:
        extends.fail(f"'{name}' extends itself: {' -> '.join((*children, name))}", "break the circle")
    if read is None or not _FILE.match(name):
        extends.fail(f"no lowering file '{printable(name, 60)}'", "give the id of another lowering file")
    folder = file.rpartition("/")[0]
    base = _table(read(name, extends), f"{folder}/{name}.yaml" if folder else f"{name}.yaml", read, children)
    if base.id != name:
        extends.fail(f"the file '{name}' calls itself '{base.id}'", "give both the same id")
    return base


def _number(entry: Entry) -> int:
    number = entry.scalar()
    return number if type(number) is int else entry.fail("expected a number", "give the newest documented opset")


def _empty_names(keys: dict[str, Entry], base: Table | None) -> EmptyNames:
    inherited = EmptyNames() if base is None else base.empty_names
    return empty_names(keys["empty_names"]) if "empty_names" in keys else inherited


def _local_functions(keys: dict[str, Entry], base: Table | None) -> bool:
    if "local_functions" not in keys:
        return base is not None and base.local_functions
    flag = keys["local_functions"].scalar()
    return flag if isinstance(flag, bool) else keys["local_functions"].fail("expected true or false", "correct it")


def _patterns(keys: dict[str, Entry], base: Table | None) -> dict[str, tuple[str, ...]]:
    if base is None:
        given = keys["patterns"].mapping(
            required=[name for name in PATTERNS if name not in OPTIONAL], optional=OPTIONAL
        )
    else:
        given = keys["patterns"].mapping(optional=PATTERNS) if "patterns" in keys else {}
    changed = {name: tuple(_layer(part) for part in entry.sequence()) for name, entry in given.items()}
    return changed if base is None else base.patterns | changed


def _operator_types(
    keys: dict[str, Entry], base: Table | None, operators: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """Groups of operators with the same documented types; an operator that is given anew brings its own."""
    own = keys["operators"].items() if "operators" in keys else {}
    found = {} if base is None else {name: types for name, types in base.operator_types.items() if name not in own}
    for group in keys["operator_types"].sequence() if "operator_types" in keys else ():
        parts = group.mapping(required=("types", "operators"))
        types = tuple(part.text() for part in parts["types"].sequence())
        for part in parts["operators"].sequence():
            found[part.choice(operators)] = types
    return found


def _operators(keys: dict[str, Entry], base: Table | None, grade: Grade) -> dict[str, tuple[Entry, Grade] | bytes]:
    entries = keys["operators"].items() if "operators" in keys else {}
    given: dict[str, tuple[Entry, Grade] | bytes] = {name: (entry, grade) for name, entry in entries.items()}
    if base is None:
        return given
    removed = {entry.text(): entry for entry in (keys["remove"].sequence() if "remove" in keys else ())}
    for name, entry in removed.items():
        if name not in base.operators or name in given:
            entry.fail(f"'{printable(name, 60)}' is not there to be removed", "name an operator of the extended file")
    kept = {name: entry for name, entry in base.operators.items() if name not in removed}
    return dict(sorted((kept | given).items(), key=lambda item: (item[0].lower(), item[0])))


def _operator(entry: Entry, grade: Grade) -> Operator:
    keys = entry.mapping(optional=("at", "types", "refuses", "forms", "layers"))
    if ("forms" in keys) == ("layers" in keys):
        entry.fail("an operator needs either forms or layers", "give forms: for alternatives, layers: for a single one")
    variants = (
        tuple(_variant(variant) for variant in keys["forms"].sequence())
        if "forms" in keys
        else (Variant(ALWAYS, "", _steps(keys["layers"])),)
    )
    return Operator(
        at=keys["at"].text() if "at" in keys else "",
        types=tuple(part.text() for part in keys["types"].sequence()) if "types" in keys else (),
        refuses=tuple(refusal(part, grade) for part in keys["refuses"].sequence()) if "refuses" in keys else (),
        variants=variants,
    )


def _variant(entry: Entry) -> Variant:
    keys = entry.mapping(required=("layers",), optional=("when", "worded"))
    when = parse(keys["when"], NODE_FACT_NAMES) if "when" in keys else ALWAYS
    return Variant(when, keys["worded"].text() if "worded" in keys else "", _steps(keys["layers"]))


def _steps(entry: Entry) -> tuple[Step, ...]:
    return tuple(_step(part) for part in entry.sequence())


def _step(entry: Entry) -> Step:
    if not entry.is_mapping:
        return Step(None, None, entry.choice(PATTERNS), None, None, ALWAYS, "", 1)
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
        count=_count(keys["count"]) if "count" in keys else 1,
    )


def _count(entry: Entry) -> int | None:
    count = entry.scalar()
    if count == "N":
        return None
    return count if type(count) is int and count > 1 else entry.fail("expected a number above 1, or N", "correct it")


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
