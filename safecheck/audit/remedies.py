"""Which of the remedies that rules name have something to do: what leads to the next refusal is not offered."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from safecheck.ir.model import Model
from safecheck.ir.protos import tensor_from_value_info
from safecheck.ir.signature import Tensor
from safecheck.ir.signatures import Occurrence

FOLDING = "fold-constants"
"""The remedy that helps only where something around the node can be folded."""
INLINING = "inline-functions"
"""The remedy that helps only where a function of the file is called."""
_IN_PIECES = "convolution-in-pieces"
"""The remedy that takes windows apart: there has to be one, constant, over maps."""
BATCH = "fix-batch"
"""The remedy that gives the first dimension of network inputs a size, and nothing to what stays open then."""
RANK = "keep-rank"
"""The remedy that another shape needs: what is open has none."""
_MAP, _WIDEST = 4, 2304
_COUNTED = frozenset({"NonZero", "Unique", "Compress", "NonMaxSuppression"})
"""Operators whose results are as long as their elements say."""


class Remedies:
    """What there is to do in one model."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def at_node(self, named: tuple[str, ...], occurrence: Occurrence) -> tuple[str, ...]:
        """Those of the named ones that have something to do at a node."""
        proto = occurrence.node.proto
        functions = self._model.proto.functions
        idle = set() if occurrence.foldable else {FOLDING}
        if not any((function.domain, function.name) == (proto.domain, proto.op_type) for function in functions):
            idle.add(INLINING)
        if _IN_PIECES in named and not _has_window(occurrence):
            idle.add(_IN_PIECES)
        if BATCH in named or RANK in named:
            idle |= self._idle([*occurrence.operands, *occurrence.signature.outputs])
        return tuple([name for name in named if name not in idle])

    def at_border(self, named: tuple[str, ...], tensor: Tensor) -> tuple[str, ...]:
        """Those of the named ones that have something to do about a network input, output or weight."""
        idle = {FOLDING, *self._idle([tensor])}
        return tuple([name for name in named if name not in idle])

    def _idle(self, tensors: Iterable[Tensor | None]) -> set[str]:
        """What does nothing where a size for the batch leaves some dimension of these open."""
        left, (names, follows) = _open(tensors), self._batch
        if names and all(dim in names or follows for dim in left):
            return set()
        return {BATCH, RANK} if left else {BATCH}

    @cached_property
    def _batch(self) -> tuple[frozenset[int | str | None], bool]:
        """The open first dimensions of network inputs, and whether every other open dimension follows from them."""
        graph = self._model.graph.scopes[0]
        inputs = [
            tensor_from_value_info(value)
            for value in self._model.proto.graph.input
            if value.name not in graph.initializers
        ]
        first = frozenset(_open(tensor._replace(shape=tensor.shape[:1]) for tensor in inputs if tensor.shape))
        named = first - {None}
        rest = _open(tensor._replace(shape=tensor.shape[1:]) for tensor in inputs if tensor.shape)
        counted = any(node.op_type in _COUNTED for scope in self._model.graph.scopes for node in scope.nodes)
        return first, bool(first) and not counted and named.issuperset(rest)


def _open(tensors: Iterable[Tensor | None]) -> list[int | str | None]:
    """The dimensions that are no numbers, by their names; None for those without one."""
    shapes = [tensor.shape for tensor in tensors if tensor is not None and tensor.shape is not None]
    return [dim for shape in shapes for dim in shape if not isinstance(dim, int)]


def _has_window(occurrence: Occurrence) -> bool:
    """Whether a convolution has a constant window over maps, of no more channels than a piece of it may have."""
    data, kernel = [*occurrence.operands, None, None][:2]
    if data is None or kernel is None or not kernel.constant or data.shape is None or len(data.shape) != _MAP:
        return False
    dims = kernel.dims
    return isinstance(dims, tuple) and len(dims) == _MAP and max(dims[:2]) <= _WIDEST and max(dims[2:]) > 1
