"""The rule cases: small models in ONNX text with the verdict that is expected of them.

`targets.yaml` names the targets and the profile of each. A case is about the target whose folder its file lies in,
unless it names `targets`: each model is written once, with a column for every target that is asked about it.

name      what the case shows; unique for its target in its file
onnx      text of a graph for the ONNX parser; the header is written from `opset`, unless the text has one
opset     of ai.onnx, 17 unless given
weights   names of values that become initializers of zeros, each with its type
verdict   of the only node, or `verdicts` of all nodes in the order of the report
node      position of the node the case is about, the last one unless given
findings  ids of all rules that are held against that node, none unless given
allowed_by  ids of all rules that the allowed nodes rest on, none unless given
model     ids of all rules held against network inputs and outputs; not looked at unless given
targets   names of the targets, separated by commas; or a mapping of such names to what is expected of the model there
rows      variants of the case: values for $key in the texts above; a key from above is replaced
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from string import Template
from typing import Any

from safecheck.intake.onnx_library import library, messages
from safecheck.intake.tensors import byte_size
from safecheck.strict import resources
from safecheck.strict.yaml import Entry, load, suggest
from safecheck.text import printable

_EXPECTED = ("verdict", "verdicts", "node", "findings", "allowed_by", "model")
_CASE = ("name", "onnx", "opset", "weights", *_EXPECTED)
_TARGETS = "targets.yaml"


@dataclass(frozen=True, slots=True)
class Case:
    """One model and what is expected of it."""

    file: str
    line: int
    """Where the file says what is expected."""
    target: str
    profile: str
    """Name of the profile it is held against."""
    name: str
    onnx: str
    opset: int
    weights: dict[str, str]
    verdicts: tuple[str, ...]
    node: int
    findings: frozenset[str]
    allowed_by: frozenset[str]
    model: frozenset[str] | None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.name} ({self.profile})"

    @property
    def rules(self) -> frozenset[str]:
        """Every rule id the case names."""
        return self.findings | self.allowed_by | (self.model or frozenset())

    @property
    def operator(self) -> str:
        """Name of the ONNX operator that the case is about."""
        return str(self.proto().graph.node[self.node].op_type)

    def proto(self) -> Any:
        """The ModelProto."""
        return model_from_text(self.onnx, self.opset, self.weights)


def model_from_text(text: str, opset: int = 17, weights: dict[str, str] | None = None) -> Any:
    """A ModelProto from ONNX text; `weights` become initializers of zeros, such as `float[16,3,7,7]`.

    Raises:
        ValueError: the text is not ONNX text.
    """
    header = "" if text.startswith("<") else f'<ir_version: 8, opset_import: ["" : {opset}]> g '
    parsed, problem, raw = library().parser.parse_model(header + text)
    if not parsed:
        raise ValueError(problem.decode() if isinstance(problem, bytes) else problem)
    model = messages().ModelProto()
    model.ParseFromString(raw)
    for name, type_ in (weights or {}).items():
        model.graph.initializer.append(_zeros(name, type_))
    _declare_outputs(model)
    return model


def _declare_outputs(model: Any) -> None:
    """Give outputs that are written without a type the one that ONNX infers; a network without is none.

    Only the element type: what shape an output has is for the audit to find out.
    """
    untyped = [value for value in model.graph.output if value.type.WhichOneof("value") is None]
    if not untyped:
        return
    inferred = {value.name: value.type for value in _inferred(model).graph.output}
    for value in untyped:
        value.type.CopyFrom(inferred[value.name])
        if value.type.WhichOneof("value") in (None, "tensor_type"):
            kind = value.type.tensor_type
            kind.ClearField("shape")
            kind.elem_type = kind.elem_type or messages().TensorProto.FLOAT


def _inferred(model: Any) -> Any:
    found = messages().ModelProto()
    try:
        found.ParseFromString(library().shape_inference.infer_shapes(model.SerializeToString()))
    except library().shape_inference.InferenceError:
        found.CopyFrom(model)
    return found


def _zeros(name: str, type_: str) -> Any:
    element, _, dims = type_.rstrip("]").partition("[")
    proto = messages().TensorProto
    tensor = proto(
        name=name, data_type=proto.DataType.Value(element.upper()), dims=map(int, filter(None, dims.split(",")))
    )
    tensor.raw_data = bytes(byte_size(name, tensor) or 0)
    return tensor


def targets() -> dict[str, str]:
    """Name of the profile that the cases of a target are held against, by the name of the target."""
    entry = _entry(_TARGETS, resources.cases() / _TARGETS)
    return {name: profile.text() for name, profile in entry.items().items()}


def cases(target: str | None = None) -> list[Case]:
    """The cases of one target, or of all: target after target, first those of its folder.

    Raises:
        RuleFileError: a case file is broken.
    """
    profiles = targets()
    order = {name: position for position, name in enumerate(profiles)}
    files = [(path, file) for path, file in resources.yaml_files(resources.cases()) if path != _TARGETS]
    found = [case for path, file in files for case in _read(path, file, profiles)]
    found.sort(key=lambda case: (order[case.target], not case.file.startswith(f"{case.target}/")))
    return [case for case in found if target in (None, case.target)]


@dataclass(frozen=True, slots=True)
class Examples:
    """Two small models that show what a rule means; None where the cases of its family hold no such model."""

    passes: Case | None
    fails: Case | None


def examples(rule_id: str, allows: bool, known: list[Case]) -> Examples:
    """A case that the rule decides, and one about the same operator that comes out the other way without it."""
    decided = next((case for case in known if rule_id in case.rules), None)
    if decided is None:
        return Examples(None, None)
    family = [case for case in known if case.file == decided.file and case.profile == decided.profile]
    others = (case for case in family if rule_id not in case.rules and _passes(case) is not allows)
    other = next((case for case in others if case.operator == decided.operator), None)
    return Examples(decided, other) if allows else Examples(other, decided)


def _passes(case: Case) -> bool:
    return set(case.verdicts) == {"allowed"}


def _entry(path: str, file: Traversable) -> Entry:
    return load(file.read_text(encoding="utf-8"), f"cases/{path}")


def _read(path: str, file: Traversable, profiles: dict[str, str]) -> Iterator[Case]:
    folder = path.rpartition("/")[0]
    for entry in _entry(path, file).sequence():
        keys = entry.mapping(required=("name", "onnx"), optional=(*_CASE, "targets", "rows"))
        for row in keys["rows"].sequence() if "rows" in keys else [entry]:
            varied = row.items()
            fields = {key: _value(part) for key, part in varied.items() if key not in ("targets", "rows")}
            values = {key: _value(keys[key]) for key in _CASE if key in keys}
            values |= {key: fields[key] for key in _CASE if key in fields}
            for target, place in _columns(varied.get("targets", keys.get("targets")), row, profiles, folder):
                column = place.mapping(optional=_EXPECTED) if place is not row else {}
                values_there = {**values, **{key: _value(part) for key, part in column.items()}}
                filled = {key: _filled(value, fields) for key, value in values_there.items()}
                yield _case(path, target, profiles[target], filled, place)


def _columns(entry: Entry | None, row: Entry, profiles: dict[str, str], folder: str) -> Iterator[tuple[str, Entry]]:
    """Each target of a case, and where it says what is expected there: the row itself, or a part of its `targets`."""
    if entry is None:
        if not folder:
            row.fail("nothing says which target the case is about", "give `targets`, or move it to the folder of one")
        yield folder, row
        return
    for names, place in entry.items().items() if entry.is_mapping else ((entry.text(), row),):
        for target in names.split(", "):
            if target not in profiles:
                entry.fail(f"no target '{printable(target, 40)}'{suggest(target, profiles)}", f"add it to {_TARGETS}")
            yield target, place


def _case(file: str, target: str, profile: str, values: dict[str, Any], place: Entry) -> Case:
    if ("verdict" in values) == ("verdicts" in values):
        place.fail(f"case {values['name']} needs either verdict or verdicts", "give one of them")
    return Case(
        file=file,
        line=place.tree[1],
        target=target,
        profile=profile,
        name=values["name"],
        onnx=values["onnx"],
        opset=int(values.get("opset", 17)),
        weights=values.get("weights", {}),
        verdicts=tuple(values["verdicts"]) if "verdicts" in values else (values["verdict"],),
        node=int(values.get("node", -1)),
        findings=_ids(values.get("findings", [])),
        allowed_by=_ids(values.get("allowed_by", [])),
        model=_ids(values["model"]) if "model" in values else None,
    )


def _value(entry: Entry) -> Any:
    if entry.is_mapping:
        return {key: _value(part) for key, part in entry.items().items()}
    return [_value(part) for part in entry.sequence()] if entry.is_sequence else entry.scalar()


def _ids(value: str | list[str]) -> frozenset[str]:
    return frozenset([value] if isinstance(value, str) else value)


def _filled(value: Any, fields: dict[str, object]) -> Any:
    if isinstance(value, str):
        return Template(value).substitute(fields)
    if isinstance(value, list):
        return [_filled(part, fields) for part in value]
    if isinstance(value, dict):
        return {key: _filled(part, fields) for key, part in value.items()}
    return value
