"""What a replacement becomes in FP16: every value it makes stored in FP16, sums kept in FP32, as tensor cores do it.

A pair of casts behind a node rounds its values as storing them would; weights are rounded once. Where that is too far
off, it is tried again with some layers kept in FP32.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from safecheck.intake.onnx_library import messages
from safecheck.ir.signature import Tensor
from safecheck.rewrite.proof.difference import difference
from safecheck.rewrite.proof.runtime import RunError, Session
from safecheck.rewrite.proof.samples import FINITE, samples
from safecheck.rewrite.shelf import Shelf

ENOUGH = 2.0**-8
"""Of the largest element of the result: eight units in the last place of FP16, which a network takes without harm."""
_ROUNDING = frozenset((
    "Add", "AveragePool", "Conv", "ConvTranspose", "Mul", "Relu", "Resize", "Sigmoid", "Sub", "Sum",
))  # fmt: skip
_MOVING = frozenset(("Concat", "MaxPool", "Reshape", "Slice", "Split", "Transpose"))
_FLOAT, _FLOAT16 = 1, 10


@dataclass(frozen=True)
class Half:
    """The largest error on normal inputs, relative to the largest element of the result; None if it is not finite."""

    whole: float | None
    """With everything in FP16."""
    kept: tuple[int, ...] = ()
    """Positions of the new layers that have to stay in FP32; empty where nothing has to."""
    mixed: float | None = None
    """With those in FP32."""
    layers: tuple[str, ...] = ()
    """Their names."""

    def __str__(self) -> str:
        alone = f"{_words(self.whole)} with every value in FP16"
        return alone + (f"; {_words(self.mixed)} with {len(self.kept)} of the layers kept in FP32" if self.kept else "")


def _words(error: float | None) -> str:
    return "not finite" if error is None else f"{error:.2g} relative"


def half(shelf: Shelf, feeds: Mapping[str, Tensor], old: Session, new: Any, keep: Collection[str]) -> Half | None:
    """Measure a new model against what it replaces, with everything in FP16 and, if need be, some values in FP32.

    None if it cannot be told: other types take part, or operators whose values are no numbers.
    """
    if any(tensor.dtype != "FLOAT" for tensor in feeds.values()) or not all(
        node.op_type in _ROUNDING | _MOVING for node in new.graph.node
    ):
        return None
    drawn = next(samples(feeds, FINITE[:1]))[1]
    feed = {name: value.astype("float16").astype("float32") for name, value in drawn.items()}
    ends = {value.name for value in new.graph.output}
    inner = [
        position for position, node in enumerate(new.graph.node)
        if node.op_type in _ROUNDING and (node.output[0] in keep if keep else not ends & set(node.output))
    ]  # fmt: skip

    def run_rounded(kept: Collection[int]) -> list[Any]:
        content = _rounded(shelf, new, kept).SerializeToString()
        return Session(content, folder=shelf.folder).run(feed)

    try:
        expected = old.run(feed)
        whole = _error(expected, run_rounded(()))
        if (whole is not None and whole <= ENOUGH) or not inner:
            return Half(whole)
        mixed = _error(expected, run_rounded(set(inner)))
    except RunError:
        return None
    return Half(whole, tuple(inner), mixed)


def _error(expected: list[Any], actual: list[Any]) -> float | None:
    found = [difference(one, other) for one, other in zip(expected, actual, strict=True)]
    return max(one.max_rel for one in found) if all(one.same_nonfinite for one in found) else None


def _rounded(shelf: Shelf, model: Any, kept: Collection[int]) -> Any:
    """The model with the values and weights of all layers rounded to FP16 but those at some positions."""
    result = messages().ModelProto()
    result.CopyFrom(model)
    weights = {tensor.name: tensor for tensor in model.graph.initializer if tensor.data_type == _FLOAT}
    nodes, rounded = [], {}
    for position, node in enumerate(list(result.graph.node)):
        nodes.append(node)
        if position in kept or node.op_type not in _ROUNDING:
            continue
        for slot, name in enumerate(node.input):
            if name in weights:
                rounded[name] = node.input[slot] = f"{name}/fp16"
        exact, stored = f"{node.output[0]}/fp32", f"{node.output[0]}/fp16"
        nodes.append(_cast(exact, stored, _FLOAT16))
        nodes.append(_cast(stored, node.output[0], _FLOAT))
        node.output[0] = exact
    copies = [_as_half(shelf, weights[name], new) for name, new in rounded.items()]
    written = [messages().NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del result.graph.node[:]
    result.graph.node.extend(written)
    result.graph.initializer.extend(copies)
    return result


def _as_half(shelf: Shelf, tensor: Any, name: str) -> Any:
    import numpy

    with numpy.errstate(over="ignore"):
        return shelf.stored(name, shelf.array(tensor).astype(numpy.float16).astype(numpy.float32))


def _cast(source: str, result: str, to: int) -> Any:
    node = messages().NodeProto(op_type="Cast", input=[source], output=[result])
    node.attribute.add(name="to", type=2, i=to)
    return node
