"""Facts about the tensors that enter and leave a layer: rank, type, shape, where they come from."""

from __future__ import annotations

from safecheck.ir.signature import UNKNOWN, FactValue, Layer, Tensor


def _tensors(layer: Layer) -> tuple[Tensor, ...]:
    return (*layer.inputs, *layer.outputs)


def ranks(layer: Layer) -> FactValue:
    """Ranks of all tensors of the layer, inputs first."""
    return tuple(tensor.rank for tensor in _tensors(layer)) or UNKNOWN


def input_ranks(layer: Layer) -> FactValue:
    """Ranks of the layer's inputs."""
    return tuple(tensor.rank for tensor in layer.inputs) or UNKNOWN


def output_ranks(layer: Layer) -> FactValue:
    """Ranks of the layer's outputs."""
    return tuple(tensor.rank for tensor in layer.outputs) or UNKNOWN


def dtypes(layer: Layer) -> FactValue:
    """ONNX element types of all tensors of the layer, inputs first."""
    return tuple(UNKNOWN if tensor.dtype is None else tensor.dtype for tensor in _tensors(layer)) or UNKNOWN


def same_shape(layer: Layer) -> FactValue:
    """Whether all inputs have equal fixed shapes, that is, nothing is broadcast."""
    shapes = [tensor.dims for tensor in layer.inputs]
    ranks_known = {len(tensor.shape) for tensor in layer.inputs if tensor.shape is not None}
    if len(ranks_known) > 1:
        return False
    if not shapes or UNKNOWN in shapes:
        return UNKNOWN
    return len(set(shapes)) == 1


def dynamic(layer: Layer) -> FactValue:
    """Whether a tensor has a symbolic dimension; UNKNOWN where shape inference found no rank or no dimension."""
    answer: FactValue = False
    for tensor in _tensors(layer):
        if tensor.shape is None or None in tensor.shape:
            answer = UNKNOWN
        elif any(isinstance(dim, str) for dim in tensor.shape):
            return True
    return answer


def computes_rank_1(layer: Layer) -> FactValue:
    """Whether a tensor of the layer that is not a constant has one dimension."""
    computed = [tensor.rank for tensor in _tensors(layer) if not tensor.constant]
    return True if 1 in computed else UNKNOWN if UNKNOWN in computed else False


def io_name_bytes(layer: Layer) -> FactValue:
    """Length in bytes of the name of a network input or output."""
    if layer.type != "network:io" or layer.kind is None:
        return UNKNOWN
    return len(layer.kind.encode("utf-8", "surrogatepass"))


def layer_type(layer: Layer) -> FactValue:
    """Interface name of the layer."""
    return layer.type


def role(layer: Layer) -> FactValue:
    """Parser pattern that added the layer, or how a refusal is known; empty for the operator's own layer."""
    return layer.role


def kind(layer: Layer) -> FactValue:
    """Operation, type or mode enumerator of the layer."""
    return UNKNOWN if layer.kind is None else layer.kind


def graph_output(layer: Layer) -> FactValue:
    """Whether the layer's node produces an output of the main graph."""
    return layer.node.is_output


def constant_input(layer: Layer) -> FactValue:
    """Whether one of the layer's inputs is a constant."""
    return any(tensor.constant for tensor in layer.inputs)
