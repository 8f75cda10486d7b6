"""Facts that importers and the network ask before they accept a node, measured with the parser of a late TensorRT 10.

All are about the node as the file has it; what is not known of it is UNKNOWN.
"""

from __future__ import annotations

from safecheck.ir.signature import UNKNOWN, FactValue, Signature, Tensor
from safecheck.rulebook.facts.node import attribute, present, written

_ACTIVATIONS = {"LSTM": 3, "GRU": 2, "RNN": 1}
"""Activation functions of one direction."""


def _input(node: Signature, position: int) -> Tensor | None:
    return node.inputs[position] if position < len(node.inputs) else None


def reads_unset(node: Signature) -> FactValue:
    """Whether the node reads the iteration number or the condition of a Loop that is given none of it."""
    return any(tensor is not None and tensor.unset for tensor in node.inputs)


def axis_from_end(node: Signature, name: str) -> FactValue:
    """Which dimension of the first input the named attribute means, counted from the last, which is 1."""
    axis, data = attribute(node, name), _input(node, 0)
    rank = 0 if data is None or data.shape is None else len(data.shape)
    if type(axis) is not int or not -rank <= axis < rank:
        return UNKNOWN
    return rank - axis % rank


def axis_outside(node: Signature) -> FactValue:
    """Whether `axis` is no dimension of the first input and does not stand just behind the last, either."""
    axis, data = attribute(node, "axis"), _input(node, 0)
    if type(axis) is not int or data is None or data.shape is None:
        return UNKNOWN
    return not -len(data.shape) <= axis <= len(data.shape)


def axes_outside(node: Signature) -> FactValue:
    """Whether one of `axes` is no dimension of the first input."""
    axes, data = attribute(node, "axes"), _input(node, 0)
    if not isinstance(axes, tuple) or data is None or data.shape is None:
        return UNKNOWN
    rank = len(data.shape)
    return any(type(axis) is int and not -rank <= axis < rank for axis in axes)


def axes_repeat(node: Signature) -> FactValue:
    """Whether axes, written or constant, name a dimension of the first input twice."""
    data, given = _input(node, 0), _input(node, 1)
    axes = attribute(node, "axes") if given is None else given.values
    if axes is None or axes is UNKNOWN:
        return False if given is None else UNKNOWN
    if not isinstance(axes, tuple) or data is None or not data.shape:
        return UNKNOWN
    found = [axis % len(data.shape) for axis in axes if type(axis) is int]
    return len(set(found)) < len(found)


def reflects_beyond_data(node: Signature) -> FactValue:
    """Whether a Pad mirrors more elements than there are beside the rim."""
    data, given = _input(node, 0), _input(node, 1)
    if node.op_type != "Pad" or attribute(node, "mode") != "reflect":
        return False
    pads = attribute(node, "pads") if given is None else given.values
    if data is None or data.dims is UNKNOWN or not isinstance(pads, tuple) or present(node, (3,)) is not False:
        return UNKNOWN
    rims = [size - 1 for size in data.dims] * 2
    return any(type(pad) is int and pad > rim for pad, rim in zip(pads, rims, strict=False))


def activations_missing(node: Signature) -> FactValue:
    """Whether a recurrent operator names fewer activations than one direction has."""
    named = attribute(node, "activations") if written(node, "activations") else None
    if named is None or node.op_type not in _ACTIVATIONS:
        return False
    return len(named) < _ACTIVATIONS[node.op_type] if isinstance(named, tuple) else UNKNOWN


def directions_differ(node: Signature) -> FactValue:
    """Whether the two directions of a recurrent operator have other activations, or other parameters of them."""
    size = _ACTIVATIONS.get(node.op_type)
    direction = attribute(node, "direction") if written(node, "direction") else "forward"
    if size is None or direction not in ("bidirectional", UNKNOWN):
        return False
    answer: FactValue = False if direction == "bidirectional" else UNKNOWN
    for name in ("activations", "activation_alpha", "activation_beta"):
        value = attribute(node, name) if written(node, name) else ()
        if not isinstance(value, tuple) or (name != "activations" and len(value) not in (0, 2 * size)):
            answer = UNKNOWN  # what is not written has a default for each activation
        elif value[:size] != value[size : 2 * size]:
            return True if direction == "bidirectional" else UNKNOWN
    return answer


def upper_case_equation(node: Signature) -> FactValue:
    """Whether the equation of an Einsum has capital letters."""
    equation = attribute(node, "equation")
    return equation != equation.lower() if isinstance(equation, str) else UNKNOWN


def bounds_cover_data(node: Signature) -> FactValue:
    """Whether a Slice without axes has a start for every dimension."""
    data, starts = _input(node, 0), _input(node, 1)
    if data is None or data.shape is None or starts is None or starts.dims is UNKNOWN:
        return UNKNOWN
    return starts.dims == (len(data.shape),)


def indices_beyond_data(node: Signature) -> FactValue:
    """Whether the indices of a scatter or gather of elements are longer than the data in some dimension."""
    data, indices = _input(node, 0), _input(node, 1)
    if data is None or indices is None or data.dims is UNKNOWN or indices.dims is UNKNOWN:
        return UNKNOWN
    return any(index > size for index, size in zip(indices.dims, data.dims, strict=False))
