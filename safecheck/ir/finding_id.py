"""Stable names for findings, which baselines and deviations refer to.

A fingerprint is a hash of the rule and of what the node computes: the operator, its arguments in one spelling, and
types and shapes of its tensors. Names, positions and values of weights do not enter, nor does how an exporter happens
to write the same thing: axes as an attribute or as an input, a default written out or left out, the target of a
Reshape as a constant or computed. Kernel, stride, padding, axes, permutation, type and shape do.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator

from safecheck.ir.schemas import default
from safecheck.ir.signature import UNKNOWN, FactValue, Signature, Tensor
from safecheck.ir.walk import domain_of

LENGTH = 32
"""Hexadecimal digits of a fingerprint."""

_AXES = {1: "axes"}
# Inputs that say how, not what: operands in a late opset, attributes in an early one (ONNX Changelog).
_ARGUMENTS: dict[str, dict[int, str]] = {
    **{f"Reduce{kind}": _AXES for kind in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum")},
    "ReduceSumSquare": _AXES,
    "Squeeze": _AXES,
    "Unsqueeze": _AXES,
    "Clip": {1: "min", 2: "max"},
    "ConstantOfShape": {0: "shape"},
    "CumSum": {1: "axis"},
    "Dropout": {1: "ratio"},
    "Expand": {1: "shape"},
    "OneHot": {1: "depth"},
    "Pad": {1: "pads", 2: "value", 3: "axes"},
    "Reshape": {1: "shape"},
    "Resize": {1: "roi", 2: "scales", 3: "sizes"},
    "Slice": {1: "starts", 2: "ends", 3: "axes", 4: "steps"},
    "Split": {1: "split"},
    "Tile": {1: "repeats"},
    "TopK": {1: "k"},
    "Upsample": {1: "scales"},
}
# Arguments that the shape of the result tells: where it is known, how they are spelled is no structure.
_TOLD_BY_RESULT = {"Expand": {"shape"}, "Reshape": {"shape", "allowzero"}, "Resize": {"sizes"}}
# Attributes that may be left out, and the element that all of a written one then consists of.
_IMPLIED: dict[str, float] = {"dilations": 1, "strides": 1, "pads": 0, "output_padding": 0}
_WITH_WEIGHTS = frozenset({"Conv", "ConvInteger", "ConvTranspose", "QLinearConv"})
_COMMUTATIVE = frozenset(
    {"Add", "And", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Equal", "Max", "Mean", "Min", "Mul", "Or", "Sum", "Xor"}
)


class Fingerprints:
    """Gives out the fingerprints of one audit.

    Findings of one rule about equal structures are told apart by a count, so their order in the file does not matter
    and one more of them is one new fingerprint.
    """

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()
        self._forms: dict[Signature, str] = {}

    def of(self, rule: str, signature: Signature) -> str:
        """The fingerprint of a finding about a node."""
        text = self._forms.get(signature)
        if text is None:
            text = self._forms[signature] = canonical(signature)
        return self._next(f"{rule}\n{text}")

    def of_tensor(self, rule: str, tensor: Tensor) -> str:
        """The fingerprint of a finding about a network input or output."""
        return self._next(f"{rule}\n{_described(tensor)}")

    def _next(self, text: str) -> str:
        self._seen[text] += 1
        return hashlib.sha256(f"{text}\n{self._seen[text]}".encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]


def canonical(signature: Signature) -> str:
    """What a node computes, in one spelling, a line for each part."""
    arguments = _ARGUMENTS.get(signature.op_type, {})
    inputs = [_described(tensor) for position, tensor in enumerate(signature.inputs) if position not in arguments]
    while inputs and inputs[-1] == "-":
        inputs.pop()
    if signature.op_type in _COMMUTATIVE:
        inputs.sort()
    said = sorted(f"{name}={value}" for name, value in _said(signature, arguments))
    return "\n".join(
        [
            domain_of(signature),
            signature.op_type,
            *said,
            *inputs,
            "=>",
            *(_described(tensor) for tensor in signature.outputs),
        ]
    )


def _said(signature: Signature, arguments: dict[int, str]) -> Iterator[tuple[str, str]]:
    """Every argument that is not its default, with its value."""
    result = signature.outputs[0] if signature.outputs else None
    told = result is not None and result.dims is not UNKNOWN
    skipped = _TOLD_BY_RESULT.get(signature.op_type, set()) if told else set()
    for name, value in signature.attributes:
        if name not in skipped and not _implied(signature, name, value):
            yield name, _shown(signature, name, value)
    for position, name in arguments.items():
        tensor = signature.inputs[position] if position < len(signature.inputs) else None
        if tensor is None or tensor.shape == (0,):
            continue
        if name in skipped:
            yield name, "as the result"
        elif tensor.values is None:
            yield name, "computed"
        else:
            scalar = name in ("axis", "depth", "k", "max", "min", "ratio", "value") and len(tensor.values) == 1
            yield name, _shown(signature, name, tensor.values[0] if scalar else tensor.values)


def _implied(signature: Signature, name: str, value: FactValue) -> bool:
    if name == "kernel_shape" and signature.op_type in _WITH_WEIGHTS:
        return True
    if isinstance(value, tuple) and name in _IMPLIED:
        return all(part == _IMPLIED[name] for part in value)
    return value is not UNKNOWN and value == default(signature.op_type, signature.domain, signature.opset, name)


def _shown(signature: Signature, name: str, value: FactValue) -> str:
    """A value as text; axes are counted from the front where the rank is known."""
    if name in ("axes", "axis"):
        counted = signature.outputs if signature.op_type == "Unsqueeze" else signature.inputs
        rank = counted[0].rank if counted and counted[0] is not None else UNKNOWN
        if isinstance(rank, int) and rank:
            if isinstance(value, int):
                return str(value % rank)
            if isinstance(value, tuple) and all(isinstance(part, int) for part in value):
                turned = [part % rank for part in value if isinstance(part, int)]
                # For a slice or a padding the order of the axes is that of its other arguments.
                return repr(turned if signature.op_type in ("Pad", "Slice") else sorted(turned))
    return repr(list(value)) if isinstance(value, tuple) else repr(value)


def _described(tensor: Tensor | None) -> str:
    """Type and shape; what a symbolic dimension is called does not matter."""
    if tensor is None:
        return "-"
    dims = None if tensor.shape is None else ["?" if type(dim) is not int else dim for dim in tensor.shape]
    return f"{tensor.dtype} {dims} {'constant' if tensor.constant else 'value'}"
