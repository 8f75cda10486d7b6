"""Which nodes run together: the fusion that the traffic estimate assumes.

A pointwise operator runs in the kernel of the convolution, matrix product or pointwise operators that compute its
latest operand, if that operand has as many elements as the result. All other operands exist before that kernel
starts, because nothing that runs later can be an operand of it; so kernels in the order of their first node are a
valid schedule. A normalisation that an exporter wrote as nine operators is one kernel, too.
"""

from __future__ import annotations

from safecheck.cost.macs import PRODUCTS, Volume
from safecheck.cost.steps import Step, Steps
from safecheck.ir.exporter_patterns import LAYER_NORM
from safecheck.values import dataclass, field

_POINTWISE = frozenset(
    {
        "Abs", "Acos", "Acosh", "Add", "And", "Asin", "Asinh", "Atan", "Atanh", "BatchNormalization", "BitShift",
        "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "Cast", "CastLike", "Ceil", "Celu", "Clip", "Cos",
        "Cosh", "DequantizeLinear", "Div", "Elu", "Equal", "Erf", "Exp", "Floor", "Gelu", "Greater", "GreaterOrEqual",
        "HardSigmoid", "HardSwish", "IsInf", "IsNaN", "LeakyRelu", "Less", "LessOrEqual", "Log", "Max", "Mean", "Min",
        "Mish", "Mod", "Mul", "Neg", "Not", "Or", "PRelu", "Pow", "QuantizeLinear", "Reciprocal", "Relu", "Round",
        "Selu", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Sub", "Sum", "Swish",
        "Tan", "Tanh", "ThresholdedRelu", "Where", "Xor",
    }
)  # fmt: skip


@dataclass(slots=True)
class Kernel:
    """Nodes that run together; what passes between them never leaves the chip."""

    fusable: bool
    """Whether pointwise operators can join."""
    idiom: str
    reads: dict[str, Volume] = field(default_factory=dict)
    """Tensors from other kernels and network inputs, each once."""
    weights: dict[str, Volume] = field(default_factory=dict)
    writes: dict[str, Volume] = field(default_factory=dict)
    """Tensors that another kernel reads or that are network outputs."""


def kernels(work: Steps) -> list[Kernel]:
    """The kernels of a network, in an order in which they can run."""
    found: list[Kernel] = []
    home: dict[str, int] = {}  # tensor -> the kernel that computes it
    wanted = set(work.outputs)
    for step in work.steps:
        latest = -1
        for name in step.reads:
            index = home.get(name, -1)
            latest = max(latest, index)
        signature = step.node.signature
        if latest < 0 or not _joins(step, found[latest]):
            latest = len(found)
            found.append(Kernel(signature.op_type in PRODUCTS or signature.op_type in _POINTWISE, signature.idiom))
        kernel = found[latest]
        kernel.weights.update(step.weights)
        for name, size in step.reads.items():
            if name not in kernel.writes:
                kernel.reads[name] = size
                wanted.add(name)
        kernel.writes.update(step.writes)
        for name in step.writes:
            home[name] = latest
    for kernel in found:
        kernel.writes = {name: size for name, size in kernel.writes.items() if name in wanted}
    return found


def _joins(step: Step, latest: Kernel) -> bool:
    """Whether a node can run in the kernel that computes its latest operand."""
    signature = step.node.signature
    if signature.idiom == LAYER_NORM == latest.idiom:
        return True
    if not latest.fusable or signature.op_type not in _POINTWISE:
        return False
    for result in step.writes.values():
        return any(sum(size) == sum(result) for name, size in step.reads.items() if name in latest.writes)
    return False
