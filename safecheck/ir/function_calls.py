"""How many nodes a model has once its functions are written out, by counting instead of writing.

Ten functions that call each other ten times are two kilobytes and ten thousand million nodes: shape inference, the
inliner and onnxruntime all walk every one of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NoReturn, TypeAlias

from safecheck.errors import InputError
from safecheck.ir.walk import domain_of, every_graph
from safecheck.limits import limit, way_out
from safecheck.text import printable

_Key: TypeAlias = tuple[str, str, str]
"""Domain, name and overload."""
_Holder: TypeAlias = tuple[int, Counter[_Key]]
"""Nodes of a function or of the main graph with their nested graphs, and whom they call how often."""


def check_calls(proto: Any, graphs: Iterable[Any], where: str) -> int:
    """Refuse functions that call themselves, and models that grow beyond the limit; the number of nodes otherwise.

    `graphs` are the main graph and those nested in it.

    Raises:
        InputError: SC-LIM-EXPAND or SC-MODEL-FUNCCYCLE.
    """
    names = {(domain_of(function), function.name, function.overload) for function in proto.functions}
    bodies = {
        (domain_of(function), function.name, function.overload): _holder(every_graph(function), names)
        for function in proto.functions
    }
    most = int(limit("nodes"))
    sizes = _sizes(bodies, most, where)
    total = _expanded(_holder(graphs, names), sizes)
    if total > most:
        grown = f"with its functions written out the model has over {most} nodes" if names else f"over {most} nodes"
        _refuse("SC-LIM-EXPAND", where, grown, way_out("nodes", "simplify the model"))
    return total


def _holder(graphs: Iterable[Any], names: set[_Key]) -> _Holder:
    size, called = 0, Counter[_Key]()
    for part in graphs:
        size += len(part.node)
        if names:
            called.update(key for node in part.node if (key := _call(node)) in names)
    return size, called


def _call(node: Any) -> _Key:
    return domain_of(node), node.op_type, getattr(node, "overload", "")


def _expanded(holder: _Holder, sizes: dict[_Key, int]) -> int:
    size, called = holder
    return size + sum(sizes[name] * count for name, count in called.items())


def _sizes(bodies: dict[_Key, _Holder], most: int, where: str) -> dict[_Key, int]:
    """Nodes of every function, written out. Without recursion: calls may be nested deeply."""
    sizes: dict[_Key, int] = {}
    for root in bodies:
        stack = [(root, iter(bodies[root][1]))]
        open_calls = {root}
        while stack:
            current, calls = stack[-1]
            called = next((name for name in calls if name not in sizes), None)
            if called is None:
                stack.pop()
                open_calls.discard(current)
                sizes[current] = _expanded(bodies[current], sizes)
                if sizes[current] > most:
                    what = f"function {printable(current[1])} expands to over {most} nodes"
                    _refuse("SC-LIM-EXPAND", where, what, way_out("nodes", "simplify the model's functions"))
            elif called in open_calls:
                path = [name for name, _ in stack] + [called]
                steps = " -> ".join(printable(name, 40) for _, name, _ in path[path.index(called) :])
                _refuse("SC-MODEL-FUNCCYCLE", where, f"a function calls itself: {steps}", "inline or remove it")
            else:
                open_calls.add(called)
                stack.append((called, iter(bodies[called][1])))
    return sizes


def _refuse(code: str, where: str, what: str, todo: str) -> NoReturn:
    raise InputError(code, where, what, todo)
