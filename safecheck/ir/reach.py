"""Which node lists a parser imports: not the branch that is never taken, and no function that nobody calls."""

from __future__ import annotations

from safecheck.ir.graph import OpGraph, OpNode, Scope
from safecheck.ir.walk import domain_of


def imported_scopes(graph: OpGraph) -> frozenset[Scope]:
    """The scopes that are reached from the main graph.

    Of an If whose condition is an initializer or a Constant the parser imports the branch taken, in place of the If
    (onnx-tensorrt importIf, 8.x and 10.x, both measured).
    """
    nested: dict[tuple[str, int], list[Scope]] = {}
    functions = {}
    for scope in graph.scopes:
        if scope.parent is not None and scope.holder is not None:
            nested.setdefault((scope.parent.path, scope.holder[0]), []).append(scope)
        else:
            functions[scope.path] = scope
    found: set[Scope] = set()
    left = [graph.scopes[0]]
    while left:
        scope = left.pop()
        if scope in found:
            continue
        found.add(scope)
        for node in scope.nodes:
            held = nested.get((scope.path, node.index), ())
            dead = _dead_branch(node) if held else None
            left += [inner for inner in held if inner.holder is None or inner.holder[1] != dead]
            called = functions.get(_function(node)) if len(functions) > 1 else None
            left += [] if called is None else [called]
    return frozenset(found)


def _function(node: OpNode) -> str:
    """The path of the function that a node calls, if there is one."""
    overload = getattr(node.proto, "overload", "")
    return f"function:{domain_of(node.proto)}:{node.op_type}" + (f":{overload}" if overload else "")


def _dead_branch(node: OpNode) -> str | None:
    """Name of the branch that an If never takes; None if it may take both."""
    condition = node.scope.lookup(node.inputs[0]) if node.op_type == "If" and node.inputs else None
    if condition is None or condition.values is None or len(condition.values) != 1:
        return None
    return "else_branch" if condition.values[0] else "then_branch"


def may_never_run(scope: Scope) -> bool:
    """Whether a graph is a branch of an If, or lies in one: what does not fit there need not be wrong."""
    at: Scope | None = scope
    while at is not None:
        if at.holder is not None and at.holder[1] in ("then_branch", "else_branch"):
            return True
        at = at.parent
    return False
