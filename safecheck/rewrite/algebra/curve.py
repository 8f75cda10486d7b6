"""Recognise gates that exporters write out: x / 2 * (1 + f(u(x))) with f = erf or tanh and a polynomial u.

Every node is read as a polynomial in x, and what follows f as A(x) * f + B(x), so that the order of the factors, where
the half is multiplied in and how a cube is spelled do not matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from safecheck.ir.walk import is_standard
from safecheck.rewrite.graph import MutableGraph

_DEGREE = 3
_MAX_NODES = 12
_CLOSE = 1e-5
"""Relative: the constants that exporters write have six digits."""

Polynomial = tuple[float, ...]
"""Coefficients from the constant term up."""


@dataclass(frozen=True)
class Gate:
    """result = x / 2 * (1 + f(inner(x)))."""

    x: str
    result: str
    inner: Polynomial
    nodes: tuple[Any, ...]


def gate(graph: MutableGraph, node: Any) -> Gate | None:
    """The gate around an Erf or Tanh node."""
    for x in _candidates(graph, node.input[0]):
        inner = polynomial(graph, node.input[0], x)
        if inner is not None and len(inner) > 1 and graph.dims(x) == graph.dims(node.output[0]):
            found = _forward(graph, node, x, inner)
            if found is not None:
                return found
    return None


def _candidates(graph: MutableGraph, name: str) -> Iterator[str]:
    """Values that an argument may be a polynomial of, the nearest first."""
    names = [name]
    for _ in range(_MAX_NODES):
        if not names:
            return
        current = names.pop(0)
        yield current
        maker = graph.producer(current)
        if maker is not None and maker.op_type in ("Add", "Div", "Mul", "Pow", "Sub"):
            names += [operand for operand in maker.input if graph.constant(operand) is None]


def polynomial(graph: MutableGraph, name: str, x: str, depth: int = 8) -> Polynomial | None:
    """A value as a polynomial in another one of at most third degree; None if it is none."""
    if name == x:
        return (0.0, 1.0)
    constant = graph.constant(name)
    if constant is not None:
        number = constant.size == 1 and constant.dtype.kind in "fiu"
        return (float(constant.reshape(-1)[0]),) if number else None
    maker = graph.producer(name)
    if maker is None or depth == 0 or not is_standard(maker) or len(maker.input) != 2:
        return None
    left, right = (polynomial(graph, operand, x, depth - 1) for operand in maker.input)
    return None if left is None or right is None else _combined(maker.op_type, left, right)


def _combined(op_type: str, left: Polynomial, right: Polynomial) -> Polynomial | None:
    if op_type == "Mul":
        return _product(left, right)
    if op_type == "Div" and len(right) == 1 and right[0]:
        return tuple(entry / right[0] for entry in left)
    if op_type in ("Add", "Sub"):
        return _sum(left, right if op_type == "Add" else tuple(-entry for entry in right))
    if op_type == "Pow" and right in ((1.0,), (2.0,), (3.0,)):
        power: Polynomial | None = left
        for _ in range(int(right[0]) - 1):
            power = None if power is None else _product(power, left)
        return power
    return None


def _product(left: Polynomial, right: Polynomial) -> Polynomial | None:
    result = [0.0] * (len(left) + len(right) - 1)
    for i, one in enumerate(left):
        for j, other in enumerate(right):
            result[i + j] += one * other
    return tuple(result) if len(result) <= _DEGREE + 1 else None


def _sum(left: Polynomial, right: Polynomial) -> Polynomial:
    count = max(len(left), len(right))
    padded = ((*part, *(0.0,) * (count - len(part))) for part in (left, right))
    return tuple(one + other for one, other in zip(*padded, strict=True))


def _forward(graph: MutableGraph, node: Any, x: str, inner: Polynomial) -> Gate | None:
    """Follow f while it stays A * f + B, until both are x / 2."""
    factor: Polynomial = (1.0,)
    addend: Polynomial = (0.0,)
    name, nodes = node.output[0], [node]
    while not graph.is_output(name) and len(readers := graph.consumers(name)) == 1 and len(nodes) < _MAX_NODES:
        reader = readers[0]
        if reader.op_type not in ("Add", "Div", "Mul") or not is_standard(reader):
            return None
        position = list(reader.input).index(name)
        other = polynomial(graph, reader.input[1 - position], x)
        if other is None or (reader.op_type == "Div" and position == 1):
            return None
        if reader.op_type == "Add":
            addend = _sum(addend, other)
        else:
            scaled = [_combined(reader.op_type, part, other) for part in (factor, addend)]
            if scaled[0] is None or scaled[1] is None:
                return None
            factor, addend = scaled[0], scaled[1]
        name, nodes = reader.output[0], [*nodes, reader]
        if _is_half_x(factor) and _is_half_x(addend):
            return Gate(x, name, inner, tuple(nodes))
    return None


def _is_half_x(part: Polynomial) -> bool:
    return len(part) > 1 and abs(part[1] - 0.5) <= _CLOSE and not any(part[:1]) and not any(part[2:])
