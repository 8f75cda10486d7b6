"""The rule cases in `tests/cases/*.yaml`: small models with the verdict that is expected of them.

name      what the case shows; unique
onnx      text of a graph for onnx.parser; the header is written from `opset`, unless the text has one
opset     of ai.onnx, 17 unless given
weights   names of values that become initializers of zeros, each with its type
verdict   of the only node, or `verdicts` of all nodes in the order of the report
node      position of the node the case is about, the last one unless given
findings  ids of all rules that are held against that node, none unless given
allowed_by  ids of all rules that the allowed nodes rest on, none unless given
model     ids of all rules held against network inputs and outputs; not looked at unless given
rows      variants of the case: values for $key in the texts above; a key from above is replaced
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import onnx  # noqa: TID251
import onnx.parser  # noqa: TID251
import yaml  # noqa: TID251

FOLDER = Path(__file__).parent / "cases"
_EXPECTED = ("verdict", "verdicts", "node", "findings", "allowed_by", "model")
_KEYS = frozenset(("name", "onnx", "opset", "weights", *_EXPECTED))


@dataclass(frozen=True, slots=True)
class Case:
    """One model and what is expected of it."""

    file: str
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
        return f"{self.file}: {self.name}"

    @property
    def rules(self) -> frozenset[str]:
        """Every rule id the case names."""
        return self.findings | self.allowed_by | (self.model or frozenset())

    def proto(self) -> onnx.ModelProto:
        """The model."""
        return model_from_text(self.onnx, self.opset, self.weights)


def model_from_text(text: str, opset: int = 17, weights: dict[str, str] | None = None) -> onnx.ModelProto:
    """A model from ONNX text; `weights` become initializers of zeros."""
    header = "" if text.startswith("<") else f'<ir_version: 8, opset_import: ["" : {opset}]> g '
    model = onnx.parser.parse_model(header + text)
    for name, type_ in (weights or {}).items():
        model.graph.initializer.append(_zeros(name, type_))
    return model


def _zeros(name: str, type_: str) -> onnx.TensorProto:
    element, _, dims = type_.rstrip("]").partition("[")
    data_type = onnx.TensorProto.DataType.Value(element.upper())
    shape = [int(dim) for dim in dims.split(",") if dim]
    size = onnx.helper.tensor_dtype_to_np_dtype(data_type).itemsize
    for dim in shape:
        size *= dim
    return onnx.TensorProto(name=name, data_type=data_type, dims=shape, raw_data=bytes(size))


def cases() -> list[Case]:
    """All cases of all files."""
    return [case for file in sorted(FOLDER.glob("*.yaml")) for case in _read(file)]


def _read(file: Path) -> Iterator[Case]:
    for entry in yaml.safe_load(file.read_text(encoding="utf-8")):
        rows = entry.pop("rows", [{}])
        for row in rows:
            yield _case(file.name, {**entry, **{key: row[key] for key in row if key in _KEYS}}, row)


def _case(file: str, entry: dict[str, Any], fields: dict[str, object]) -> Case:
    unknown = set(entry) - _KEYS
    assert not unknown, f"{file}: {entry.get('name')}: unknown keys {unknown}"
    entry = {key: _filled(value, fields) for key, value in entry.items()}
    assert ("verdict" in entry) != ("verdicts" in entry), f"{file}: {entry['name']}: give verdict or verdicts"
    return Case(
        file=file,
        name=entry["name"],
        onnx=entry["onnx"],
        opset=int(entry.get("opset", 17)),
        weights=entry.get("weights", {}),
        verdicts=tuple(entry["verdicts"]) if "verdicts" in entry else (entry["verdict"],),
        node=int(entry.get("node", -1)),
        findings=_ids(entry.get("findings", [])),
        allowed_by=_ids(entry.get("allowed_by", [])),
        model=_ids(entry["model"]) if "model" in entry else None,
    )


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
