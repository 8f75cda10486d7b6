"""Whether the values of an original lie where the report of its rewriting says that the bounds hold.

A report names a range and the operators that it is about, not the value, which may be one that an earlier rewrite made.
So all arguments of such operators in the original are looked at, as onnxruntime computes them: where every one is
within, the claim is about the result. Nothing of the code that is tested is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import onnx
from agreement_of_models import session
from onnx import inliner

NEAR = 1e-3
"""Relative to an end: what is nearer to it may be beyond it with other roundings."""
MASKED = -1e30
"""Entries below are hidden by a mask, which is no part of what is normalised."""
_OF_ONE_VALUE = ("Celu", "Elu", "Exp", "Log", "Mish", "Pow", "Reciprocal", "Selu", "Softplus", "Softsign", "Sqrt")
_ROOTS = ("Sqrt", "ReduceL2")
_RELATED = {
    "Sqrt": _ROOTS,
    "Div": ("Div", *_ROOTS),
    "Reciprocal": ("Reciprocal", *_ROOTS),
    "Log": ("Log", "ReduceLogSum"),
}
"""What a site may be about in the original: sums are written before roots, and one over a root is one function."""


class Stated(NamedTuple):
    """One range of a report."""

    words: str
    low: float
    high: float
    op_types: tuple[str, ...]
    """The operators of the site."""


def stated(steps: Iterable[Any]) -> list[Stated]:
    """The ranges of the rewrites that took place, from the steps of a report."""
    return [
        Stated(one.value, one.low, one.high, tuple(re.sub(r"^\d+ x ", "", name) for name in step.before.split(", ")))
        for step in steps
        if step.applied and step.proof is not None
        for one in step.proof.ranges
    ]


class _Argument(NamedTuple):
    """What an operator of the original is given, from values that can be asked for."""

    names: tuple[str, ...]
    value: Callable[..., Any]


def _arguments(node: onnx.NodeProto, words: str) -> list[_Argument]:
    """What a range with these words is about, at one node."""
    kind = node.op_type
    if words == "what is clipped":
        return [_Argument((name,), np.asarray) for name in node.input[: 1 if kind == "Clip" else None]]
    if words.startswith("entries before"):
        return [_Argument((node.input[0],), lambda entries: entries[entries > MASKED])]
    if words.endswith("+ epsilon"):
        return [_Argument((node.input[0],), _variances(node))] if kind == "GroupNormalization" else []
    size = np.abs if words.startswith("the magnitude") else np.asarray
    if words.endswith("divisor") or kind == "Div":
        return [_Argument((node.input[1],), size)] if words.endswith("divisor") and kind == "Div" else []
    if kind == "ReduceL2":
        return [_Argument((node.output[0],), np.square)]
    if kind == "ReduceLogSum":
        return [_Argument((node.output[0],), np.exp)]
    return [_Argument((node.input[0],), size)] if kind in _OF_ONE_VALUE else []


def _variances(node: onnx.NodeProto) -> Callable[[Any], Any]:
    given = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}

    def found(data: Any) -> Any:
        grouped = data.astype(np.float64).reshape(data.shape[0], given["num_groups"], -1)
        return grouped.var(-1) + given.get("epsilon", 1e-5)

    return found


class Within:
    """Asks the original about samples."""

    def __init__(self, before: bytes, ranges: Iterable[Stated]) -> None:
        model = inliner.inline_local_functions(onnx.load_from_string(before))
        self._asked: list[tuple[Stated, _Argument]] = []
        self.unknown: list[Stated] = []
        """Ranges of which nobody can say what they are about in the original."""
        for one in ranges:
            kinds = {name for kind in one.op_types for name in _RELATED.get(kind, (kind,))}
            nodes = [node for node in model.graph.node if node.op_type in kinds]
            found = [(one, argument) for node in nodes for argument in _arguments(node, one.words)]
            self._asked += found
            self.unknown += [] if found else [one]
        self._names = list(dict.fromkeys(name for _, argument in self._asked for name in argument.names))
        self._stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        given = {value.name for value in model.graph.input}
        self._inner = [name for name in self._names if name not in self._stored and name not in given]
        del model.graph.output[:]
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in self._inner)
        self._session = session(model.SerializeToString()) if self._inner else None

    def __call__(self, feed: dict[str, Any]) -> bool:
        """Whether every argument is within its range; False where it cannot be told."""
        if self.unknown:
            return False
        values = {**self._stored, **feed}
        if self._session is not None:
            values.update(zip(self._inner, self._session.run(None, feed), strict=True))
        return all(
            _inside(one, argument.value(*(values[name] for name in argument.names))) for one, argument in self._asked
        )


def _inside(one: Stated, value: Any) -> bool:
    low, high = one.low + NEAR * abs(one.low), one.high - NEAR * abs(one.high)
    return bool(((value >= low) & (value <= high)).all())
