"""Refuse models whose meaning depends on who reads them.

onnx, onnxruntime and the TensorRT parser disagree about each of these constructs, so no verdict about them would hold
for the network that is finally built.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from safecheck.errors import InputError
from safecheck.ir.einsum import equation_error
from safecheck.ir.function_calls import check_calls
from safecheck.ir.schemas import schema_of
from safecheck.ir.walk import domain_of, every_graph, is_standard
from safecheck.text import printable

MAX_OPSET = 200
_SUPPORTED_IR = range(1, 100)
NOT_ALLOWED = "ONNX does not allow it: mend the file or its exporter"
"""What to do about nodes that are no ONNX."""


def check_model(proto: Any, where: str) -> None:
    """Refuse what can be seen before the graph is collected: identity, operator sets, functions that explode."""
    if proto.ir_version not in _SUPPORTED_IR:
        _refuse("SC-MODEL-IR", where, f"IR version {proto.ir_version} does not exist", "export the model again")
    if proto.training_info:
        _refuse("SC-MODEL-TRAINING", where, "the file carries training graphs", "export the model for inference")
    _check_opsets(proto.opset_import, where)
    _check_outputs(proto.graph.output, where)
    _check_names("output", proto.graph.output, where)
    for key, count in Counter(entry.key for entry in proto.metadata_props).items():
        if count > 1:
            _refuse("SC-MODEL-METADATA", where, f"metadata {printable(key)} is there {count} times", "keep one of them")
    opset = _standard(proto.opset_import)
    graphs = list(every_graph(proto.graph))
    for graph in graphs:
        _check_names("input", graph.input, where)
        _check_names("initializer", graph.initializer, where)
        _check_nodes(graph, opset, where)
    for function in proto.functions:
        for holder in every_graph(function):
            _check_nodes(holder, _standard(function.opset_import) or opset, where)
    names: Counter[tuple[str, str, str]] = Counter()
    for function in proto.functions:
        names[function.domain, function.name, function.overload] += 1
        _check_opsets(function.opset_import, f"{where}: function {printable(function.name)}")
    for (_, name, _), count in names.items():
        if count > 1:
            _refuse("SC-AMB-FUNC", where, f"function {printable(name)} is defined {count} times", "keep one definition")
    check_calls(proto, graphs, where)


def _check_opsets(imports: Iterable[Any], where: str) -> None:
    seen: dict[str, int] = {}
    for entry in imports:
        domain = domain_of(entry)
        if seen.setdefault(domain, entry.version) != entry.version:
            what = f"operator set {printable(domain) or 'ai.onnx'} is imported as {seen[domain]} and as {entry.version}"
            _refuse("SC-AMB-OPSET", where, what, "import every domain once")
        if not 1 <= entry.version <= MAX_OPSET:
            shown = printable(domain) or "ai.onnx"
            _refuse(
                "SC-MODEL-OPSET",
                where,
                f"operator set {shown} {entry.version} does not exist",
                "export the model again",
            )


def _check_outputs(outputs: Sequence[Any], where: str) -> None:
    """A network has outputs, and each has a name and says of what type its elements are."""
    if not outputs:
        _refuse("SC-MODEL-OUTPUT", where, "the network has no output", "export it again with its outputs")
    for index, value in enumerate(outputs):
        if not value.name:
            _refuse("SC-MODEL-OUTPUT", where, f"output {index} has no name", "name it")
        kind = value.type.WhichOneof("value")
        if kind is None or (kind in ("tensor_type", "sparse_tensor_type") and not getattr(value.type, kind).elem_type):
            what = f"output {printable(value.name)} does not say of what type its elements are"
            _refuse("SC-MODEL-OUTPUT", where, what, "declare its element type")


def _check_names(kind: str, values: Iterable[Any], where: str) -> None:
    """Each has a name of its own among its kind; an initializer may have that of an input, as its default."""
    counts = Counter(value.name for value in values)
    for name, count in counts.items():
        if count > 1:
            _refuse("SC-MODEL-SSA", where, f"{kind} {printable(name)} is there {count} times", "keep one of them")


def _standard(imports: Iterable[Any]) -> int:
    return next((int(entry.version) for entry in imports if not domain_of(entry)), 0)


def _check_nodes(holder: Any, opset: int, where: str) -> None:
    """Refuse nodes on which ONNX's inference never ends or takes the process with it, before it is asked."""
    for index, node in enumerate(holder.node):
        if "" in node.input and is_standard(node) and (what := _left_out(node, opset)):
            place = f"{where}: node {index} ({printable(node.op_type, 60)})"
            _refuse("SC-ONNX-SCHEMA", place, what, NOT_ALLOWED)
        if node.op_type in _READ_FIRST and is_standard(node):
            code, read = _READ_FIRST[node.op_type]
            if what := read(node):
                place = f"{where}: node {index} ({node.op_type})"
                _refuse(code, place, what, NOT_ALLOWED)


def _equation(node: Any) -> str | None:
    equations = [part.s.decode("utf-8", "replace") for part in node.attribute if part.name == "equation"]
    wrong = next(filter(None, map(equation_error, equations)), None)
    return f"the equation is none: {wrong}" if wrong else None


def _parts(node: Any) -> str | None:
    counts = [part.i for part in node.attribute if part.name == "num_outputs"]
    if not any(count < len(node.output) for count in counts):
        return None
    return f"num_outputs is {counts[0]}, but there are {len(node.output)} outputs"


def _batches(node: Any) -> str | None:
    below = [part.i for part in node.attribute if part.name == "batch_dims" and part.i < 0]
    return f"batch_dims is {below[0]}, but it counts dimensions" if below else None


def _left_out(node: Any, opset: int) -> str | None:
    """A required input with an empty name: its value has no type, on which inference of nodes behind it falls."""
    schema = schema_of(node.op_type, "", opset)
    for name, formal in zip(node.input, schema.inputs if schema else (), strict=False):
        if not name and not formal.optional:
            return f"input {formal.name} is left out, but it is required"
    return None


_READ_FIRST: dict[str, tuple[str, Callable[[Any], str | None]]] = {
    "Einsum": ("SC-MODEL-EQUATION", _equation),
    "GatherND": ("SC-ONNX-OPERAND", _batches),
    "Split": ("SC-ONNX-SCHEMA", _parts),
}
"""Operator -> what the library must not see, in words; found by asking it about spoilt nodes of every operator."""


def _refuse(code: str, where: str, what: str, todo: str) -> NoReturn:
    raise InputError(code, where, what, todo)
