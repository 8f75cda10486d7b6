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
from safecheck.ir.graph import OpGraph, OpNode, Scope
from safecheck.ir.schemas import schema_of
from safecheck.ir.walk import domain_of, every_graph, is_standard
from safecheck.text import printable

MAX_OPSET = 200
MAX_GRAPH_DEPTH = 24
_ONLY_TEXT = {str}
_SUPPORTED_IR = range(1, 100)


def check_model(proto: Any, where: str) -> None:
    """Refuse what can be seen before the graph is collected: identity, operator sets, functions that explode."""
    if proto.ir_version not in _SUPPORTED_IR:
        _refuse("SC-MODEL-IR", where, f"IR version {proto.ir_version} does not exist", "export the model again")
    if proto.training_info:
        _refuse("SC-MODEL-TRAINING", where, "the file carries training graphs", "export the model for inference")
    _check_opsets(proto.opset_import, where)
    _check_outputs(proto.graph.output, where)
    _check_names("output", proto.graph.output, where)
    opset = _standard(proto.opset_import)
    for graph in every_graph(proto.graph):
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
    check_calls(proto, where)


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
            _refuse("SC-ONNX-SCHEMA", place, what, "ONNX does not allow it: mend the file or its exporter")
        if node.op_type in _READ_FIRST and is_standard(node):
            code, read = _READ_FIRST[node.op_type]
            if what := read(node):
                place = f"{where}: node {index} ({node.op_type})"
                _refuse(code, place, what, "ONNX does not allow it: mend the file or its exporter")


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
        if not name and formal.option.name == "Single":
            return f"input {formal.name} is left out, but it is required"
    return None


_READ_FIRST: dict[str, tuple[str, Callable[[Any], str | None]]] = {
    "Einsum": ("SC-MODEL-EQUATION", _equation),
    "GatherND": ("SC-ONNX-OPERAND", _batches),
    "Split": ("SC-ONNX-SCHEMA", _parts),
}
"""Operator -> what the library must not see, in words; found by asking it about spoilt nodes of every operator."""


def check_graph(graph: OpGraph, where: str) -> None:
    """Refuse graphs whose names, order or attributes are not well-formed, and graphs in which nothing is computed."""
    if not any(scope.nodes for scope in graph.scopes):
        _refuse(
            "SC-MODEL-NOTHING", where, "the graph has no nodes, so nothing can be checked", "export the model again"
        )
    places = Counter(scope.path for scope in graph.scopes)
    for path, count in places.items():
        if count > 1:  # names of attributes and functions may hold the signs that part a path
            _refuse("SC-AMB-SCOPE", where, f"{count} graphs are at {printable(path)}", "rename attributes or functions")
    for scope in graph.scopes:
        depth = scope.path.count("/") + bool(scope.path)
        if depth > MAX_GRAPH_DEPTH:
            _refuse(
                "SC-LIM-DEPTH", where, f"graphs are nested deeper than {MAX_GRAPH_DEPTH}", "flatten the control flow"
            )
        place = f"{where}: {scope.path}" if scope.path else where
        _check_text([scope.path, *scope.tensors], place)
        _check_order(scope, place)


def _check_order(scope: Scope, where: str) -> None:
    """Every value is defined once and before it is used, as ONNX demands."""
    defined = {name for name in scope.tensors if name not in scope.producers}
    for node in scope.nodes:
        proto = node.proto
        _check_node(node, where)
        for name in proto.input:
            if name and name not in defined and not _defined_outside(scope, name):
                _explain_missing(node, name, where)
        for name in proto.output:
            if not name:
                continue
            if name in defined:
                _refuse(
                    "SC-MODEL-SSA", _at(node, where), f"value {printable(name)} is defined twice", "rename one of them"
                )
            defined.add(name)
    for name in scope.outputs:
        if name not in defined and not _defined_outside(scope, name):
            _refuse(
                "SC-MODEL-DANGLING", where, f"output {printable(name)} is computed by nothing", "export the model again"
            )


def _defined_outside(scope: Scope, name: str) -> bool:
    outer = scope.parent
    while outer is not None:
        if name in outer.tensors or name in outer.producers:
            return True
        outer = outer.parent
    return False


def _check_node(node: OpNode, where: str) -> None:
    proto = node.proto
    texts = [proto.name, proto.op_type, proto.domain, *proto.input, *proto.output]
    if {*map(type, texts)} != _ONLY_TEXT:
        _check_text(texts, _at(node, where))
    if not proto.op_type:
        _refuse("SC-MODEL-NODE", _at(node, where), "the node has no operator", "export the model again")
    if "" not in node.scope.opsets and is_standard(proto):
        _refuse(
            "SC-MODEL-OPSET", _at(node, where), "the model imports no ai.onnx operator set", "export the model again"
        )
    attributes = proto.attribute
    if not attributes:
        return
    names = [attribute.name for attribute in attributes]
    if {*map(type, names)} != _ONLY_TEXT:
        _check_text(names, _at(node, where))
    if len(set(names)) < len(names):
        doubled = next(name for name, count in Counter(names).items() if count > 1)
        _refuse("SC-MODEL-ATTR", _at(node, where), f"attribute {printable(doubled)} is given twice", "keep one value")
    for attribute in attributes:
        if attribute.ref_attr_name and not node.scope.path.startswith("function:"):
            shown = printable(attribute.name)
            _refuse("SC-MODEL-ATTR", _at(node, where), f"attribute {shown} refers to no function", "write its value")


def _check_text(names: Iterable[object], where: str) -> None:
    for name in names:
        # protobuf hands out bytes instead of text where a name is not UTF-8
        if isinstance(name, bytes):
            _refuse("SC-PB-UTF8", where, f"the name {printable(name)} is not UTF-8", "rename it")


def _explain_missing(node: OpNode, name: str, where: str) -> NoReturn:
    if name not in node.scope.producers:
        _refuse(
            "SC-MODEL-DANGLING",
            _at(node, where),
            f"input {printable(name)} is defined nowhere",
            "export the model again",
        )
    from safecheck.ir.topology import find_cycle  # networkx costs more than an audit

    cycle = find_cycle(node.scope)
    if not cycle:
        _refuse(
            "SC-MODEL-ORDER", _at(node, where), f"input {printable(name)} is used before it is computed",
            "sort the nodes topologically",
        )  # fmt: skip
    steps = " -> ".join(map(str, [*cycle, cycle[0]]))
    _refuse("SC-MODEL-CYCLE", where, f"nodes {steps} depend on each other", "remove the cycle")


def _at(node: OpNode, where: str) -> str:
    return f"{where}: node {node.index} ({printable(node.proto.op_type, 60)})"


def _refuse(code: str, where: str, what: str, todo: str) -> NoReturn:
    raise InputError(code, where, what, todo)
