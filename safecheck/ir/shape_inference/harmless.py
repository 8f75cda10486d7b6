"""Proves of most models, in one walk over their nodes, that ONNX's inference cannot hang on them or take all memory.

What drives inference astray is known: it writes down shapes whose rank follows from elements or lengths that the model
computes, elements of long vectors, and functions and nested graphs as often as they are called; and some operators
read attributes without looking whether they fit. A model without any of that needs one inference that follows no
elements, which takes time in proportion to its nodes and their ranks. Nothing is said about any other model.
"""

from __future__ import annotations

from typing import Any

from safecheck.ir.walk import holds_graphs, is_standard

_MOST_NODES = 50_000
_MOST_DIMENSIONS = 2_000_000
"""In all shapes together; some 100 bytes each while they are worked out."""
_MOST_RANK = 64

# Rank at most that of the operands or fixed, and attributes are looked at before they are used: held by asking about
# spoilt nodes of all of them (tests/ir/test_harmless.py).
PLAIN = frozenset(
    {
        "Abs", "Acos", "Add", "And", "ArgMax", "ArgMin", "Asin", "Atan", "AveragePool", "BatchNormalization", "Cast",
        "Ceil", "Celu", "Clip", "Concat", "Conv", "ConvInteger", "ConvTranspose", "Cos", "DepthToSpace",
        "DequantizeLinear", "Div", "Dropout", "Elu", "Equal", "Erf", "Exp", "Flatten", "Floor", "Gelu", "Gemm",
        "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool", "Greater", "GreaterOrEqual", "HardSigmoid", "HardSwish",
        "Hardmax", "Identity", "InstanceNormalization", "LRN", "LeakyRelu", "Less", "LessOrEqual", "Log", "LogSoftmax",
        "LpNormalization", "LpPool", "MatMul", "MatMulInteger", "Max", "MaxPool", "Mean", "Min", "Mish", "Mod", "Mul",
        "Neg", "Not", "Or", "PRelu", "Pow", "QLinearConv", "QLinearMatMul", "QuantizeLinear", "Reciprocal", "Relu",
        "Round", "Selu", "Shape", "Sigmoid", "Sign", "Sin", "Size", "Softmax", "Softplus", "Softsign", "SpaceToDepth",
        "Sqrt", "Sub", "Sum", "Tan", "Tanh", "ThresholdedRelu", "Transpose", "Where", "Xor",
    }
)  # fmt: skip
BY_OPERANDS = frozenset(
    {
        "Expand", "Gather", "Pad", "ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd",
        "ReduceSum", "ReduceSumSquare", "Reshape", "Resize", "Slice", "Squeeze", "Tile", "TopK", "Unsqueeze",
        "Upsample",
    }
)  # fmt: skip
"""The same, where all operands but the first are written in the file."""
_MAKES_RANK = frozenset({"Expand", "Reshape", "Tile"})


def harmless(model: Any, alone: bool = False) -> bool:
    """Whether one inference of this ModelProto that follows no elements is quick, small and all there is to find.

    With `alone`, whether the inference of every node by itself is: how many there are then does not matter.
    Declarations of inner values are not looked at: they have to be dropped before.
    """
    nodes = model.graph.node
    if model.functions or (len(nodes) > _MOST_NODES and not alone):
        return False
    written = _Written(model.graph)
    rank = written.rank()
    for node in nodes:
        kind = node.op_type
        if kind in PLAIN and not node.domain:
            continue
        if kind == "Constant" and node.output:
            written.add(node)
        elif kind in BY_OPERANDS and is_standard(node):
            rank += written.added_rank(node)
        elif kind not in PLAIN and (is_standard(node) or node.domain.startswith("ai.onnx") or holds_graphs(node)):
            return False
        if rank > _MOST_DIMENSIONS:
            return False
    return alone or rank * len(nodes) <= _MOST_DIMENSIONS


class _Written:
    """What a graph says about the values that steer shapes."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph
        self._tensors = {tensor.name: tensor for tensor in graph.initializer}
        self._inputs = {value.name: value for value in graph.input}
        self._constants: dict[str, Any] = {}

    def add(self, node: Any) -> None:
        """Note a Constant."""
        self._constants[node.output[0]] = node

    def rank(self) -> int:
        """The highest rank of what enters the graph."""
        ranks = [len(value.type.tensor_type.shape.dim) for value in self._graph.input]
        ranks += [len(tensor.dims) for tensor in self._tensors.values()]
        return max(ranks, default=0) + 1

    def added_rank(self, node: Any) -> int:
        """By so much the rank may be raised by a node that operands steer; out of all bounds if that is not known."""
        if node.op_type == "Gather":
            return max(self._rank_of(name) for name in node.input[1:2]) if len(node.input) > 1 else 0
        counts = [self._count_of(name) for name in node.input[1:] if name]
        if None in counts:
            return _MOST_DIMENSIONS + 1
        most = max((count or 0 for count in counts), default=0)
        if node.op_type == "Unsqueeze":
            return most + sum(len(part.ints) for part in node.attribute)
        if node.op_type in _MAKES_RANK:
            most = max([most, *(len(part.ints) for part in node.attribute)])
            return most if most <= _MOST_RANK else _MOST_DIMENSIONS + 1
        return 0

    def _rank_of(self, name: str) -> int:
        tensor = self._tensor(name)
        if tensor is not None:
            return len(tensor.dims)
        value = self._inputs.get(name)
        if value is None or not value.type.tensor_type.HasField("shape"):
            return _MOST_DIMENSIONS + 1
        return len(value.type.tensor_type.shape.dim)

    def _count_of(self, name: str) -> int | None:
        """Elements of a vector or scalar that the file holds; None if it does not."""
        tensor = self._tensor(name)
        if tensor is not None:
            return 1 if not tensor.dims else tensor.dims[0] if len(tensor.dims) == 1 else None
        node = self._constants.get(name)
        parts = [] if node is None else node.attribute
        if len(parts) != 1:
            return None
        return 1 if parts[0].name in ("value_int", "value_float") else max(len(parts[0].ints), len(parts[0].floats))

    def _tensor(self, name: str) -> Any:
        """The initializer of this name, or the tensor of a Constant; None if there is neither."""
        node = self._constants.get(name)
        if node is None:
            return self._tensors.get(name)
        return next((part.t for part in node.attribute if part.name == "value" and part.HasField("t")), None)
