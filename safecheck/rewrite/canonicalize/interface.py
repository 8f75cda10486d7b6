"""Changes to what a network takes: a fixed batch, and functions written out."""

from __future__ import annotations

from typing import Any

from safecheck.errors import InputError, UsageError
from safecheck.ir import walk
from safecheck.ir.walk import domain_of
from safecheck.machine.single_run import single_run
from safecheck.text import printable


def inline_functions(proto: Any) -> tuple[Any, int]:
    """The model with its local functions written out, and how many there were.

    The library forgets the defaults of their attributes, so every call states them first.

    Raises:
        InputError: the library refuses a call, such as one with more operands than the function has.
    """
    count = len(proto.functions)
    if not count:
        return proto, 0
    from onnx import inliner

    defaults = {(domain_of(one), one.name, one.overload): one.attribute_proto for one in proto.functions}
    for graph in (found for part in (proto.graph, *proto.functions) for found in walk.every_graph(part)):
        for node in graph.node:
            given = {part.name for part in node.attribute}
            for default in defaults.get((domain_of(node), node.op_type, node.overload), ()):
                if default.name not in given:
                    node.attribute.append(default)
    try:
        with single_run():
            return inliner.inline_local_functions(proto), count
    except RuntimeError as error:
        what = f"the onnx library cannot write out its functions ({printable(str(error), 120)})"
        raise InputError("SC-ONNX-FUNC", "", what, "mend the calls, or export the model without functions") from error


def fix_batch(proto: Any, batch: int) -> int:
    """Give every input whose first dimension is open this batch; returns how many inputs that were.

    Inputs with another first dimension, such as a camera matrix beside an image, stay as they are.

    Raises:
        UsageError: no batch is open and one is fixed at another number, which is part of the weights of many models.
    """
    initializers = {tensor.name for tensor in proto.graph.initializer}
    given = [value for value in proto.graph.input if value.name not in initializers]
    firsts = {value.name: value.type.tensor_type.shape.dim[0] for value in given if value.type.tensor_type.shape.dim}
    changed = 0
    names: set[str] = set()
    for dim in (dim for dim in firsts.values() if dim.dim_value <= 0):
        names.update([dim.dim_param] if dim.dim_param else [])
        dim.ClearField("dim_param")
        dim.dim_value = batch
        changed += 1
    fixed = next((name for name, dim in firsts.items() if dim.dim_value != batch), None)
    if not changed and fixed is not None:
        what = f"the batch of input {printable(fixed, 60)} is fixed at {firsts[fixed].dim_value}"
        raise UsageError("SC-CFG-BATCH", "--batch", what, "export the model with a dynamic batch, or leave --batch out")
    for value in [*proto.graph.input, *proto.graph.output, *proto.graph.value_info]:
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in names:
                dim.ClearField("dim_param")
                dim.dim_value = batch
    if changed:
        for output in proto.graph.output:  # what follows from the batch has another name, or none
            for dim in (dim for dim in output.type.tensor_type.shape.dim if dim.dim_value <= 0):
                dim.Clear()
    return changed
