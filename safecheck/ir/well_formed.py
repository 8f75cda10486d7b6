"""Refuse graphs that are none: values defined nowhere, in no order, or twice; nodes and attributes that say two things.

Readers differ in what they make of each, or stop at it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NoReturn

from safecheck.errors import InputError
from safecheck.ir.graph import OpGraph, OpNode, Scope
from safecheck.ir.walk import is_standard
from safecheck.text import printable

MAX_GRAPH_DEPTH = 24
_ONLY_TEXT = {str}
_ABOUT_THE_VALUE = frozenset({"name", "doc_string", "type", "ref_attr_name"})
"""The fields of an attribute that hold no value."""
_FIELDS = ("", "f", "i", "s", "t", "g", "floats", "ints", "strings", "tensors", "graphs", "sparse_tensor",
           "sparse_tensors", "tp", "type_protos")  # fmt: skip
"""The field that holds the value, by the number of the attribute's type."""


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
        place = f"{where}: {printable(scope.path)}" if scope.path else where
        _check_text([scope.path, *scope.tensors], place)
        _check_order(scope, place)


def _check_order(scope: Scope, where: str) -> None:
    """Every value is defined once and before it is used, as ONNX demands."""
    defined = set(scope.given)
    for node in scope.nodes:
        _check_node(node, where)
        for name in node.inputs:
            if name and name not in defined and not _defined_outside(scope, name):
                _explain_missing(node, name, where)
        for name in node.outputs:
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
    """Whether a graph around this one has computed the value before it comes to the node that holds this one."""
    while scope.parent is not None:
        outer, holder = scope.parent, scope.holder
        producer = outer.producers.get(name)
        if name in outer.given or (producer is not None and holder is not None and producer.index < holder[0]):
            return True
        scope = outer
    return False


def _check_node(node: OpNode, where: str) -> None:
    proto = node.proto
    texts = (proto.name, node.op_type, proto.domain, *node.inputs, *node.outputs)
    if not _ONLY_TEXT.issuperset(map(type, texts)):
        _check_text(texts, _at(node, where))
    if not node.op_type:
        _refuse("SC-MODEL-NODE", _at(node, where), "the node has no operator", "export the model again")
    if "" not in node.scope.opsets and is_standard(proto):
        _refuse(
            "SC-MODEL-OPSET", _at(node, where), "the model imports no ai.onnx operator set", "export the model again"
        )
    attributes = proto.attribute
    if not attributes:
        return
    names = [attribute.name for attribute in attributes]
    if not _ONLY_TEXT.issuperset(map(type, names)):
        _check_text(names, _at(node, where))
    if len(set(names)) < len(names):
        doubled = next(name for name, count in Counter(names).items() if count > 1)
        _refuse("SC-MODEL-ATTR", _at(node, where), f"attribute {printable(doubled)} is given twice", "keep one value")
    for attribute in attributes:
        if attribute.ref_attr_name and not node.scope.path.startswith("function:"):
            shown = printable(attribute.name)
            _refuse("SC-MODEL-ATTR", _at(node, where), f"attribute {shown} refers to no function", "write its value")
        if fault := _value_fault(attribute):
            what = f"attribute {printable(attribute.name)} {fault}"
            _refuse("SC-MODEL-ATTR", _at(node, where), what, "export the model again")


def _value_fault(attribute: Any) -> str:
    """Why the value of an attribute is not the one that its type names; empty if it is."""
    kind, present = attribute.type, [field.name for field, _ in attribute.ListFields()]
    if not 0 < kind < len(_FIELDS):
        return "has no type"
    if present == ["name", _FIELDS[kind], "type"]:
        return ""  # nearly every attribute
    held = set(present) - _ABOUT_THE_VALUE
    if held - {_FIELDS[kind]}:
        return f"has a value in {', '.join(sorted(held))}, but its type is that of {_FIELDS[kind]}"
    return "refers to another one and has a value of its own" if held and attribute.ref_attr_name else ""


def _check_text(names: Iterable[object], where: str) -> None:
    for name in names:
        # protobuf hands out bytes instead of text where a name is not UTF-8
        if isinstance(name, bytes):
            _refuse("SC-PB-UTF8", where, f"the name {printable(name)} is not UTF-8", "rename it")


def _explain_missing(node: OpNode, name: str, where: str) -> NoReturn:
    if not _computed_somewhere(node.scope, name):
        _refuse(
            "SC-MODEL-DANGLING",
            _at(node, where),
            f"input {printable(name)} is defined nowhere",
            "export the model again",
        )
    from safecheck.ir.topology import find_cycle  # networkx costs more than an audit

    cycle = find_cycle(node.scope) if name in node.scope.producers else []
    if not cycle:
        _refuse(
            "SC-MODEL-ORDER", _at(node, where), f"input {printable(name)} is used before it is computed",
            "sort the nodes topologically",
        )  # fmt: skip
    steps = " -> ".join(map(str, [*cycle, cycle[0]]))
    _refuse("SC-MODEL-CYCLE", where, f"nodes {steps} depend on each other", "remove the cycle")


def _computed_somewhere(scope: Scope | None, name: str) -> bool:
    while scope is not None:
        if name in scope.producers:
            return True
        scope = scope.parent
    return False


def _at(node: OpNode, where: str) -> str:
    return f"{where}: node {node.index} ({printable(node.op_type, 60)})"


def _refuse(code: str, where: str, what: str, todo: str) -> NoReturn:
    raise InputError(code, where, what, todo)
