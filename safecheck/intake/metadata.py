"""Write metadata properties into a serialized ModelProto without parsing it: weights are never looked at or copied.

What is between two insertions is handed on as it is, so that all else in the new message stays byte for byte.
Properties of ours that are there already are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from safecheck.intake.fields import LENGTH, Scan, varint_of

PREFIX = "safecheck."
"""What the keys of our properties begin with."""
Properties: TypeAlias = Mapping[str, str]
Pieces: TypeAlias = list["bytes | memoryview"]
# Field numbers of onnx.proto.
_MODEL_PROPERTIES, _NODE_PROPERTIES, _KEY = 14, 9, 1
_GRAPH, _FUNCTION, _NODE_OF_FUNCTION, _NODE_OF_GRAPH, _ATTRIBUTE = 7, 25, 7, 1, 5
_NAME, _G, _GRAPHS = 1, 6, 11
_FUNCTION_NAME, _FUNCTION_DOMAIN, _FUNCTION_OVERLOAD = 1, 10, 13


def with_properties(
    view: memoryview, model: Properties, nodes: Mapping[tuple[str, int], Properties]
) -> Sequence[bytes | memoryview]:
    """The pieces of the message with properties of the model, and of nodes by scope and position as in `ir.graph`.

    The message is one that was read before: it has one graph, and names are UTF-8.

    Raises:
        InputError: SC-PB-WIRE or SC-LIM-FIELDS.
    """
    pieces: Pieces = []
    writer = _Writer(Scan(view, ""), nodes)
    copied = 0
    for start, number, _, value, end in writer.scan.fields(0, len(view), ""):
        inner: Pieces | None = None
        if number == _GRAPH:
            inner = writer.nodes_of(value, end, "", _NODE_OF_GRAPH)
        elif number == _FUNCTION:
            inner = writer.nodes_of(value, end, writer.function(value, end), _NODE_OF_FUNCTION)
        elif number == _MODEL_PROPERTIES and writer.ours(value, end):
            inner = []
        if inner is None:
            continue
        pieces += (view[copied:start], *(_wrapped(number, inner) if number != _MODEL_PROPERTIES else ()))
        copied = end
    return [*pieces, view[copied:], _entries(_MODEL_PROPERTIES, model)]


class _Writer:
    """One pass over the message; each method gives the pieces of the part between two positions."""

    def __init__(self, scan: Scan, nodes: Mapping[tuple[str, int], Properties]) -> None:
        self.scan = scan
        self.nodes = nodes

    def nodes_of(self, start: int, end: int, path: str, field: int) -> Pieces:
        """A GraphProto or FunctionProto."""
        pieces: Pieces = []
        copied, index = start, 0
        for at, number, _, value, after in self.scan.fields(start, end, path):
            if number == field:
                pieces += (self.scan.view[copied:at], *_wrapped(number, self.node(value, after, path, index)))
                copied, index = after, index + 1
        return [*pieces, self.scan.view[copied:end]]

    def node(self, start: int, end: int, path: str, index: int) -> Pieces:
        """A NodeProto, the graphs in it, and its properties at the end."""
        pieces: Pieces = []
        copied = start
        for at, number, _, value, after in self.scan.fields(start, end, path):
            inner: Pieces | None = None
            if number == _ATTRIBUTE:
                inner = self.attribute(value, after, path, index)
            elif number == _NODE_PROPERTIES and self.ours(value, after):
                inner = []
            if inner is None:
                continue
            pieces += (self.scan.view[copied:at], *(_wrapped(number, inner) if number == _ATTRIBUTE else ()))
            copied = after
        return [*pieces, self.scan.view[copied:end], _entries(_NODE_PROPERTIES, self.nodes.get((path, index), {}))]

    def attribute(self, start: int, end: int, path: str, index: int) -> Pieces | None:
        """An AttributeProto with graphs; None for one without."""
        fields = list(self.scan.fields(start, end, path))
        if not any(number in (_G, _GRAPHS) for _, number, *_ in fields):
            return None
        name = self.text(fields, _NAME)
        step = f"{path}/{index}:{name}" if path else f"{index}:{name}"
        pieces: Pieces = []
        copied, count = start, 0
        for at, number, _, value, after in fields:
            if number not in (_G, _GRAPHS):
                continue
            inner = self.nodes_of(value, after, step if number == _G else f"{step}[{count}]", _NODE_OF_GRAPH)
            pieces += (self.scan.view[copied:at], *_wrapped(number, inner))
            copied, count = after, count + (number == _GRAPHS)
        return [*pieces, self.scan.view[copied:end]]

    def function(self, start: int, end: int) -> str:
        """The scope of a FunctionProto."""
        fields = list(self.scan.fields(start, end, ""))
        overload = self.text(fields, _FUNCTION_OVERLOAD)
        path = f"function:{self.text(fields, _FUNCTION_DOMAIN)}:{self.text(fields, _FUNCTION_NAME)}"
        return f"{path}:{overload}" if overload else path

    def ours(self, start: int, end: int) -> bool:
        """Whether a StringStringEntryProto is one that we wrote."""
        return self.text(list(self.scan.fields(start, end, "")), _KEY).startswith(PREFIX)

    def text(self, fields: Sequence[tuple[int, int, int, int, int]], wanted: int) -> str:
        """A string field; the last one counts."""
        found = [self.scan.view[value:after] for _, number, _, value, after in fields if number == wanted]
        return bytes(found[-1]).decode("utf-8", "surrogateescape") if found else ""


def _wrapped(number: int, pieces: Pieces) -> Iterator[bytes | memoryview]:
    """A field of that number around the pieces."""
    yield varint_of(number << 3 | LENGTH) + varint_of(sum(map(len, pieces)))
    yield from pieces


def _entries(number: int, properties: Properties) -> bytes:
    """StringStringEntryProto fields."""
    found = b""
    for pair in properties.items():
        parts = [part.encode() for part in pair]
        entry = b"".join(
            varint_of(place << 3 | LENGTH) + varint_of(len(part)) + part for place, part in enumerate(parts, 1)
        )
        found += varint_of(number << 3 | LENGTH) + varint_of(len(entry)) + entry
    return found
