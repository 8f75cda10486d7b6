"""Model-local functions as parsers from TensorRT 9.0 on read them: the body stands where the function is called.

Only calls that the parser reads as ONNX means them are written out. Of the others it is known what goes wrong (measured
with the parser of a late 10.x), and they stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from safecheck.intake.onnx_library import messages
from safecheck.ir.schemas import since_version
from safecheck.ir.walk import domain_of, every_graph, is_standard, opset, subgraphs

MAX_NODES = 50_000
"""Models that grow beyond this are left as they are, so that their calls remain unproven."""

Place: TypeAlias = tuple[str, int]
"""Path of a scope, and position of a node in it."""

OTHER_COUNT = "another number of inputs or outputs"
"""The parser asks for as many operands at the call as the function declares, and stops."""
LOST_ATTRIBUTE = "an attribute by reference"
"""The parser looks up references of the node list of the function that is called directly; others become 0."""
OTHER_OPSET = "another operator set"
"""The parser reads every node in the operator set of the model."""


class Inlined(NamedTuple):
    """A model whose calls are written out."""

    proto: Any
    origins: Mapping[Place, Place]
    """Where each node of `proto` stands in the model."""
    misread: Mapping[Place, str]
    """Calls in `proto` that stay, and what the parser does not read as ONNX means it."""


class _TooManyError(Exception):
    """Written out, the model would have more than `MAX_NODES` nodes."""


def inlined(model: Any) -> Inlined | None:
    """Write out the calls of a ModelProto, which is not changed; None if that would make too many nodes.

    Functions that call each other in a circle, or nest deeper than a reader follows, were refused before.
    """
    try:
        return _Inliner(model).result()
    except _TooManyError:
        return None


_Rename: TypeAlias = Callable[[str], str]


def _same(name: str) -> str:
    return name


class _Inliner:
    def __init__(self, model: Any) -> None:
        self._model = model
        self._opset = opset(model)
        self._functions = {_key(function): function for function in model.functions}
        self._own = {key: self._misread_body(function) for key, function in self._functions.items()}
        self._calls = 0
        self._origins: dict[Place, Place] = {}
        self._misread: dict[Place, str] = {}

    def result(self) -> Inlined:
        proto = messages().ModelProto()
        proto.CopyFrom(self._model)
        del proto.functions[:]
        del proto.graph.node[:]
        known = {domain_of(entry) for entry in proto.opset_import}
        for function in self._model.functions:
            for entry in function.opset_import:
                if domain_of(entry) not in known:
                    known.add(domain_of(entry))
                    proto.opset_import.append(entry)
        self._fill(proto.graph.node, self._model.graph.node, "", "", _same, {}, False)
        return Inlined(proto, self._origins, self._misread)

    def _fill(
        self,
        target: Any,
        nodes: Iterable[Any],
        old: str,
        new: str,
        rename: _Rename,
        given: Mapping[str, Any],
        body: bool,
    ) -> None:
        """Append nodes of the scope `old` to a node list of the scope `new`, with calls written out.

        `given` are the attributes of the call where the nodes are the `body` of a function.
        """
        for index, node in enumerate(nodes):
            function = self._functions.get(_key_of_call(node))
            wrong = "" if function is None else self._misread_call(node, function, body)
            if function is not None and not wrong:
                self._call(target, node, function, new, rename)
                continue
            copy = target.add()
            copy.CopyFrom(node)
            place = new, len(target) - 1
            self._origins[place] = old, index
            if len(self._origins) > MAX_NODES:
                raise _TooManyError
            if wrong:
                self._misread[place] = wrong
            copy.input[:] = [rename(name) for name in node.input]
            copy.output[:] = [rename(name) for name in node.output]
            _resolve(copy, given)
            self._nested(copy, node, (old, index), place, rename)

    def _call(self, target: Any, node: Any, function: Any, new: str, rename: _Rename) -> None:
        self._calls += 1
        prefix = f"{function.name}#{self._calls}/"
        names = dict(zip(function.input, map(rename, node.input), strict=True))
        names |= {formal: rename(name) for formal, name in zip(function.output, node.output, strict=True) if name}
        given = {part.name: part for part in (*function.attribute_proto, *node.attribute)}
        path = f"function:{function.domain}:{function.name}" + (f":{function.overload}" if function.overload else "")

        def inside(name: str) -> str:
            return names.get(name, prefix + name) if name else ""

        self._fill(target, function.node, path, new, inside, given, True)

    def _nested(self, copy: Any, node: Any, old: Place, new: Place, rename: _Rename) -> None:
        for mine, theirs in zip(copy.attribute, node.attribute, strict=False):
            steps = [(mine.g, theirs.g, theirs.name)] if theirs.HasField("g") else []
            steps += [
                (one, other, f"{theirs.name}[{number}]")
                for number, (one, other) in enumerate(zip(mine.graphs, theirs.graphs, strict=True))
            ]
            for graph, source, name in steps:
                for values in (graph.input, graph.output, graph.initializer):
                    for value in values:
                        value.name = rename(value.name)
                del graph.value_info[:]
                del graph.node[:]
                self._fill(graph.node, source.node, _step(old, name), _step(new, name), rename, {}, False)

    def _misread_call(self, node: Any, function: Any, body: bool) -> str:
        if len(node.input) != len(function.input) or len(node.output) != len(function.output):
            return OTHER_COUNT
        given = {part.name for part in node.attribute}
        if not given.issuperset(function.attribute) or (body and any(part.ref_attr_name for part in node.attribute)):
            return LOST_ATTRIBUTE
        return self._own[_key(function)]

    def _misread_body(self, function: Any) -> str:
        """What the parser does not read as ONNX means it, wherever the function is called."""
        made = {name for node in function.node for name in node.output}
        if not made.issuperset(function.output):
            return OTHER_COUNT
        for node in function.node:
            for graph in subgraphs(node):
                inner = (part for one in every_graph(graph) for held in one.node for part in held.attribute)
                if any(part.ref_attr_name for part in inner):
                    return LOST_ATTRIBUTE
        own = opset(function) or self._opset
        if own != self._opset:
            for graph in every_graph(function):
                standard = {node.op_type for node in graph.node if is_standard(node)}
                if any(since_version(name, own) != since_version(name, self._opset) for name in standard):
                    return OTHER_OPSET
        return ""


def _resolve(node: Any, given: Mapping[str, Any]) -> None:
    """Put the attributes of the call in the place of references to them."""
    for part in node.attribute:
        if part.ref_attr_name and part.ref_attr_name in given:
            name = part.name
            part.CopyFrom(given[part.ref_attr_name])
            part.name = name


def _key(function: Any) -> tuple[str, str, str]:
    return domain_of(function), function.name, function.overload


def _key_of_call(node: Any) -> tuple[str, str, str]:
    return domain_of(node), node.op_type, getattr(node, "overload", "")


def _step(place: Place, attribute: str) -> str:
    path, index = place
    return f"{path}/{index}:{attribute}" if path else f"{index}:{attribute}"
