"""The network of one node that asks about its form: same operator, attributes, types, shapes and small constants.

What enters the node from other nodes becomes a network input, what it computes a network output. Weights become zeros:
no check looks at them.
"""

from __future__ import annotations

from typing import Any

from safecheck.intake.dtypes import dtype_number
from safecheck.intake.onnx_library import messages
from safecheck.intake.tensors import byte_size
from safecheck.ir.protos import proto_from_tensor, value_info, writable
from safecheck.ir.signature import UNKNOWN, Signature, Tensor
from safecheck.ir.signatures import Occurrence
from safecheck.ir.walk import holds_graphs, is_standard

NODE = "probed"
"""Name of the node in its network."""
_WEIGHTS_LIMIT = 256 << 20


class CannotAskError(Exception):
    """No network can stand for the node; the text says why."""


def network(occurrence: Occurrence) -> Any:
    """The ModelProto of the network.

    Raises:
        CannotAskError: a type or shape is not known, or the node depends on more than its operands.
    """
    signature, node = occurrence.signature, occurrence.node.proto
    _check(signature, node)
    model = messages().ModelProto(ir_version=8 if signature.opset < 19 else 9 if signature.opset < 21 else 10)
    model.producer_name = "safecheck probe"
    model.opset_import.add(domain="", version=signature.opset)
    model.graph.name = NODE
    one = model.graph.node.add()
    one.CopyFrom(node)
    for field in ("input", "output", "name", "doc_string", "metadata_props"):
        one.ClearField(field)
    one.name = NODE
    names: dict[str, str] = {}
    for name, tensor, known in zip(node.input, signature.inputs, occurrence.operands, strict=True):
        if tensor is not None and name not in names:
            names[name] = f"x{len(names)}"
            if known is not None and tensor.constant:
                model.graph.initializer.append(_constant(names[name], known))
            else:
                model.graph.input.append(value_info(names[name], tensor))
        one.input.append(names[name] if tensor is not None else "")
    for position, tensor in enumerate(signature.outputs):
        one.output.append(f"y{position}" if tensor is not None else "")
        if tensor is not None:
            model.graph.output.append(value_info(f"y{position}", tensor._replace(constant=False)))
    return model


def _check(signature: Signature, node: Any) -> None:
    tensors = [tensor for tensor in (*signature.inputs, *signature.outputs) if tensor is not None]
    if not is_standard(signature) or not signature.opset:
        raise CannotAskError("it is no operator of ai.onnx")
    if holds_graphs(node):
        raise CannotAskError("it holds graphs of its own")
    if any(tensor.dtype is None or tensor.dims is UNKNOWN for tensor in tensors):
        raise CannotAskError("a type or a shape is not known")
    if signature.static_shapes_only:
        raise CannotAskError("it is arithmetic on a fixed shape, which a network of its own is not")
    if any(tensor.computed for tensor in signature.inputs if tensor is not None):
        raise CannotAskError("other nodes compute one of its operands from constants")
    values = [value for _, value in signature.attributes]
    if UNKNOWN in values or any(attribute.ref_attr_name for attribute in node.attribute):
        raise CannotAskError("an attribute is not known")
    if all(tensor is None or tensor.constant for tensor in signature.inputs):
        raise CannotAskError("nothing enters it")


def _constant(name: str, tensor: Tensor) -> Any:
    if writable(tensor):
        return proto_from_tensor(name, tensor)
    proto = messages().TensorProto(name=name, data_type=dtype_number(tensor.dtype), dims=tensor.shape or ())
    size = byte_size(name, proto)
    if size is None or size > _WEIGHTS_LIMIT:
        raise CannotAskError("its weights have no fixed size" if size is None else "its weights are too large")
    proto.raw_data = bytes(size)
    return proto
