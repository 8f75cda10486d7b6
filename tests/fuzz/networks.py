"""Networks that get past intake: models of the rule cases and random ones, put together and changed as a graph.

A change keeps what every model needs, such as names that are defined once and before they are used, and no shape that
is declared of a value inside; what it makes may be wrong for an operator, which shape inference and rules must find.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import prod
from typing import Any

import fields
from case_files import all_cases
from choices import FLOATS, NAMES, NUMBERS, Choices
from onnx import AttributeProto, ModelProto, TensorProto, defs, helper
from random_networks import random_network

Change = Callable[[Any, Choices], object]
_MOST = 1 << 40
"""Elements of a constant that is changed; only a shape that is none has more."""


@cache
def seeds() -> tuple[bytes, ...]:
    """The models of the rule cases, each once."""
    return tuple(dict.fromkeys(case.proto().SerializeToString() for case in all_cases()[::7]))


def grown(choices: Choices) -> Any:
    """A network with up to seven changes."""
    if choices.number(4):
        model = ModelProto.FromString(choices.one(seeds()))
    else:
        model = random_network(choices.number(1 << 16))[0]
    for _ in range(choices.number(8)):
        choices.one(_CHANGES)(model, choices)
    return model


def _forget(model: Any) -> None:
    """Declare no shape but those of inputs, which say the truth whatever they say."""
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")


def _values(model: Any) -> list[str]:
    graph = model.graph
    made = [name for node in graph.node for name in node.output if name]
    return [*(value.name for value in graph.input), *(tensor.name for tensor in graph.initializer), *made]


def _attribute(model: Any, choices: Choices) -> None:
    """Give an operator some attribute of its own, with a value from the ends."""
    node = choices.one(model.graph.node or [None])
    if node is None or not defs.has(node.op_type, node.domain):
        return
    known = sorted(defs.get_schema(node.op_type, node.domain).attributes.items())
    if not known:
        return
    name, declared = choices.one(known)
    for at, present in reversed(list(enumerate(node.attribute))):
        if present.name == name:
            del node.attribute[at]
    kind = int(declared.type.value)
    values = {
        AttributeProto.INT: lambda: choices.one(NUMBERS),
        AttributeProto.FLOAT: lambda: choices.one(FLOATS),
        AttributeProto.STRING: lambda: choices.one((*NAMES, "SAME_UPPER", "nearest", "ij,jk->ik", "DCR")),
        AttributeProto.INTS: lambda: [choices.one(NUMBERS) for _ in range(choices.number(6))],
        AttributeProto.FLOATS: lambda: [choices.one(FLOATS) for _ in range(choices.number(4))],
    }
    if kind in values and choices.number(6):
        node.attribute.append(helper.make_attribute(name, values[kind](), attr_type=kind))
    _forget(model)


def _constant(model: Any, choices: Choices) -> None:
    """Give a constant another value, or the same number of elements in another shape."""
    tensor = choices.one(model.graph.initializer or [None])
    if tensor is None or min(tensor.dims, default=0) < 0:
        return
    size = prod(tensor.dims)
    if size > _MOST:
        return
    if choices.number(3) == 0:
        tensor.dims[:] = choices.one(([size], [1, size], [size, 1], [1, 1, size, 1], [] if size == 1 else [size]))
    elif size < 64 and tensor.data_type in (TensorProto.INT64, TensorProto.FLOAT):
        options: Any = NUMBERS if tensor.data_type == TensorProto.INT64 else FLOATS
        given = [choices.one(options) for _ in range(size)]
        tensor.CopyFrom(helper.make_tensor(tensor.name, tensor.data_type, tensor.dims, given))
    _forget(model)


def _input(model: Any, choices: Choices) -> None:
    """Give a network input another size or element type."""
    own = {tensor.name for tensor in model.graph.initializer}
    free = [value for value in model.graph.input if value.name not in own]
    if not free:
        return
    tensor = choices.one(free).type.tensor_type
    if choices.number(3) == 0 or not tensor.shape.dim:
        tensor.elem_type = choices.one((1, 10, 11, 6, 7, 3, 9, 16))
    elif choices.number(4) == 0:
        choices.one(tensor.shape.dim).dim_param = choices.one(("n", "batch", "\u202e"))
    else:
        choices.one(tensor.shape.dim).dim_value = choices.one((1, 2, 3, 5, 16, 224, 8192, 2**31, 0))
    _forget(model)


def _join(model: Any, choices: Choices) -> None:
    """Put another network of the rule cases behind or beside this one."""
    other = ModelProto.FromString(choices.one(seeds()))
    versions = [{(one.domain, one.version) for one in half.opset_import} for half in (model, other)]
    if versions[0] != versions[1] or other.functions or not other.graph.input:
        return
    mark = f"j{len(model.graph.node)}_"
    renamed = {name: mark + name for name in _values(other)}
    if made := [output for node in model.graph.node for output in node.output if output]:
        renamed[other.graph.input[0].name] = choices.one(made)
        del other.graph.input[0]
    for node in other.graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
    for kind in ("input", "output", "initializer"):
        for value in getattr(other.graph, kind):
            value.name = renamed.get(value.name, value.name)
        getattr(model.graph, kind).extend(getattr(other.graph, kind))
    model.graph.node.extend(other.graph.node)
    _forget(model)


def _rewire(model: Any, choices: Choices) -> None:
    """Let a node read another value that is there before it, or one operand more or less."""
    nodes = model.graph.node
    if not nodes:
        return
    at = choices.number(len(nodes))
    before = {name for node in nodes[at:] for name in node.output}
    values = [name for name in _values(model) if name not in before] or [""]
    node = nodes[at]
    action = choices.number(4)
    if action == 0 or not node.input:
        node.input.append(choices.one(values))
    elif action == 1:
        del node.input[choices.number(len(node.input))]
    else:
        node.input[choices.number(len(node.input))] = choices.one(values)
    _forget(model)


def _operator(model: Any, choices: Choices) -> None:
    """Make an operator of another one, its operands as they are."""
    if model.graph.node:
        choices.one(model.graph.node).op_type = choices.one(_operators())
        _forget(model)


@cache
def _operators() -> tuple[str, ...]:
    return tuple(sorted({schema.name for schema in defs.get_all_schemas() if schema.domain == ""}))


def _remove(model: Any, choices: Choices) -> None:
    """Take a node out: who read what it made reads what it read."""
    nodes = model.graph.node
    if len(nodes) < 2:
        return
    node = nodes.pop(choices.number(len(nodes)))
    instead = node.input[0] if node.input else ""
    for other in nodes:
        other.input[:] = [instead if name in node.output else name for name in other.input]
    kept = [output for output in model.graph.output if output.name not in node.output]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    _forget(model)


def _nest(model: Any, choices: Choices) -> None:
    """Put a node into both branches of an If."""
    nodes = model.graph.node
    at = choices.number(len(nodes))
    if not nodes or len(nodes[at].output) != 1 or any(value.name == "fuzz_if" for value in model.graph.input):
        return
    node = type(nodes[at])()
    node.CopyFrom(nodes[at])
    branches = {}
    for name in ("then_branch", "else_branch"):
        inner = type(node)()
        inner.CopyFrom(node)
        inner.output[0] = f"{node.output[0]}_{name}"
        value = helper.make_tensor_value_info(inner.output[0], choices.one((1, 1, 1, 10, 7)), None)
        branches[name] = helper.make_graph([inner], name, [], [value])
    nodes[at].CopyFrom(helper.make_node("If", ["fuzz_if"], list(node.output), **branches))
    model.graph.input.append(helper.make_tensor_value_info("fuzz_if", TensorProto.BOOL, []))
    _forget(model)


def _function(model: Any, choices: Choices) -> None:
    """Put a node into a function of the model."""
    nodes = model.graph.node
    at = choices.number(len(nodes))
    if not nodes or nodes[at].domain or any(attribute.HasField("g") for attribute in nodes[at].attribute):
        return
    node = type(nodes[at])()
    node.CopyFrom(nodes[at])
    name = f"f{len(model.functions)}"
    inputs = list(dict.fromkeys(filter(None, node.input)))
    opsets = [one for one in model.opset_import if not one.domain]
    model.functions.append(helper.make_function("fuzz", name, inputs, list(filter(None, node.output)), [node], opsets))
    nodes[at].CopyFrom(helper.make_node(name, inputs, list(filter(None, node.output)), domain="fuzz"))
    if not any(one.domain == "fuzz" for one in model.opset_import):
        model.opset_import.append(helper.make_opsetid("fuzz", 1))
    _forget(model)


def _version(model: Any, choices: Choices) -> None:
    """Ask for another operator set."""
    for one in model.opset_import:
        if not one.domain:
            one.version = 7 + choices.number(20)
    model.ir_version = choices.one((7, 8, 8, 9, 10))


def _name(model: Any, choices: Choices) -> None:
    """Call a node, or a value wherever it is read, by a name that is hostile."""
    name = choices.one(NAMES)
    if choices.number(2) and model.graph.node:
        choices.one(model.graph.node).name = name
        return
    values = _values(model)
    if not values or name in values or not name:
        return
    old = choices.one(values)
    for node in model.graph.node:
        node.input[:] = [name if value == old else value for value in node.input]
        node.output[:] = [name if value == old else value for value in node.output]
    for kind in ("input", "output", "initializer", "value_info"):
        for value in getattr(model.graph, kind):
            if value.name == old:
                value.name = name


def _any_field(model: Any, choices: Choices) -> None:
    """Change any field: of a node or a tensor more often than of the model."""
    graph = model.graph
    parts = [model, graph, *graph.node, *graph.initializer, *graph.input, *graph.output, *model.functions]
    fields.change(choices.one(parts), choices)


_CHANGES: tuple[Change, ...] = (
    _attribute, _attribute, _constant, _constant, _input, _input, _join, _join, _rewire, _operator, _remove, _nest,
    _function, _version, _name, _any_field,
)  # fmt: skip
