"""The signature of a node: everything a verdict may depend on, and nothing else.

Two nodes of equal signature get the same verdict, so an audit decides each signature once. Names, weights and positions
are no part of it.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple, TypeAlias

from safecheck.finding import Scalar
from safecheck.intake.dtypes import IEEE_FLOATS


class Unknown(Enum):
    """The third truth value, and the value of a fact that cannot be determined."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "unknown"

    def __bool__(self) -> bool:
        raise TypeError("UNKNOWN is neither true nor false: compare with `is`")


UNKNOWN: Final = Unknown.UNKNOWN

Value: TypeAlias = Scalar | tuple["Value | Unknown", ...]
FactValue: TypeAlias = Value | Unknown


class Tensor(NamedTuple):
    """What is known about one value of the graph."""

    dtype: str | None
    """ONNX element type such as `FLOAT`; None if unknown or not a tensor."""
    shape: tuple[int | str | None, ...] | None
    """Dimensions; a str is a symbolic dimension, None inside is an unknown one; None if the rank is unknown."""
    constant: bool = False
    """True if the value is an initializer, a Constant, or computed from these only."""
    values: tuple[Scalar, ...] | None = None
    """The elements of a small constant, flat in row-major order; None if not kept."""
    computed: tuple[str, ...] = ()
    """Operators that compute the value from constants and fixed shapes, `Add:matrix` where a result has two or more
    dimensions. No parser folds it: to the parser it is a tensor and not weights."""
    network_input: bool = False
    """True if the value enters the network from outside."""
    unset: bool = False
    """True for the iteration number or the condition inside a Loop that is given none of it."""
    extent: tuple[int, ...] = ()
    """Of a constant of integers whose elements are too many to be kept, the smallest number of every column of its last
    dimension, then the largest ones; of a very wide one those of all. Empty where nothing is known of them."""

    @property
    def rank(self) -> int | Unknown:
        """Number of dimensions."""
        return UNKNOWN if self.shape is None else len(self.shape)

    @property
    def dims(self) -> tuple[int, ...] | Unknown:
        """The dimensions if every one is a number."""
        if self.shape is None:
            return UNKNOWN
        for dim in self.shape:
            if type(dim) is not int:
                return UNKNOWN
        return self.shape  # type: ignore[return-value]


UNKNOWN_TENSOR: Final = Tensor(None, None)

# Integers steer shapes, axes and indices, so more of them are kept; of floats only scales and bounds are asked for.
MAX_INTEGERS = 4096
MAX_FLOATS = 16
MAX_SCALES = 8192
"""Scales and zero points of quantisation, one per channel, each of which the parser asks about."""

WEIGHTED = frozenset(
    {
        "BatchNormalization", "Conv", "ConvTranspose", "Gemm", "GroupNormalization", "InstanceNormalization",
        "LayerNormalization", "MatMul", "PRelu",
    }
)  # fmt: skip
"""Operators whose constants are weights: no fact asks for their elements, so forms do not keep them."""


def keeps_elements(dtype: str, count: int, floats: int = MAX_FLOATS) -> bool:
    """Whether so many elements of a constant are kept, of floats `floats`, if they can be read."""
    return 0 <= count <= (floats if dtype in IEEE_FLOATS else max(floats, MAX_INTEGERS))


class Signature(NamedTuple):
    """One ONNX node as the parser sees it."""

    op_type: str
    domain: str
    opset: int
    """Version of ai.onnx that the model (or function) imports, whatever the domain of the node: parsers ask no other
    (onnx-tensorrt getOpsetVersion), except where one other domain is all that is imported. 0 if there is neither."""
    attributes: tuple[tuple[str, Value | Unknown], ...]
    """Attributes as written, sorted by name; UNKNOWN for graphs, types and tensors whose elements are not kept."""
    inputs: tuple[Tensor | None, ...]
    """None for an omitted optional input."""
    outputs: tuple[Tensor | None, ...]
    is_output: bool = False
    """True if the node produces an output of the main graph."""
    idiom: str = ""
    """Name of the exporter idiom the node is part of (see `facts.idioms`)."""
    static_shapes_only: bool = False
    """True if the node computes something that depends on nothing but constants and static shapes."""
    beside: tuple[str, ...] = ()
    """Operators around the node that a fact asks about (`ir/neighbours.py`), sorted; whatever else stands there makes
    no form of its own."""


def without_sizes(node: Signature) -> object:
    """What two nodes have in common that differ at most in the sizes of computed tensors.

    The weights of products and convolutions count as a part of the operator, whether they are constants or not. Numbers
    of another type are no equals here, as in `ir.signatures`.
    """
    weighted = node.op_type in WEIGHTED
    inputs = tuple([_bare(tensor, weighted and bool(at)) for at, tensor in enumerate(node.inputs)])
    outputs = tuple([_bare(tensor, False) for tensor in node.outputs])
    attributes = repr(node.attributes) if node.attributes else ""
    return node.op_type, node.domain, node.opset, attributes, inputs, outputs, *node[6:]


def _bare(tensor: Tensor | None, whole: bool) -> object:
    if tensor is None or whole or tensor.constant or tensor.shape is None:
        return tensor
    # No dimension is told from another by its number, so one number stands for all of them.
    return tensor[0], tuple([0 if type(dim) is int else dim for dim in tensor.shape]), *tensor[3:]


class Layer(NamedTuple):
    """One TensorRT layer that the parser adds for a node."""

    type: str
    """Interface name, such as `IConvolutionLayer`."""
    kind: str | None
    """Operation, type or mode enumerator, such as `kAVG`; None where the layer has none or it is not known."""
    node: Signature
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    role: str = ""
    """Parser pattern that added the layer, or the grade of a refusal; empty for the operator's own layer."""
    certain: bool = True
    """False if whether the parser adds this layer could not be determined."""

    @property
    def label(self) -> str:
        """`IReduceLayer:kAVG`."""
        return f"{self.type}:{self.kind}" if self.kind else self.type
