"""Another operator set: what the onnx library converts, and the few operators that it has no adapter for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from safecheck.errors import InputError
from safecheck.ir import walk
from safecheck.machine.single_run import single_run
from safecheck.rewrite.graph import MutableGraph
from safecheck.text import printable

_RESIZE_BY_COORDINATES = 11
_NEW_OPERANDS = 18
"""Pad has axes from here on, Split a number of outputs, and a reduction says what no axes mean."""
_OPERANDS = 13
"""Pads and sizes are operands at least from here on."""
_ASIDE = "safecheck.aside"
"""A domain that the converter passes by."""


def convert_opset(proto: Any, opset: int, where: str) -> Any:
    """The model in another version of ai.onnx; the one that is given computes what it did.

    Raises:
        InputError: onnx has no conversion for one of its operators.
    """
    current = walk.opset(proto)
    if current == opset:
        return proto
    from onnx import version_converter

    older = opset < _NEW_OPERANDS <= current and all(entry.domain != _ASIDE for entry in proto.opset_import)
    if older:
        proto = _said_as_before(proto, opset)
    try:
        with single_run():
            converted = version_converter.convert_version(proto, opset)
    except Exception as error:  # bare RuntimeErrors of the C++ library
        what = f"opset {current} cannot be converted to {opset}: {printable(str(error), 200)}"
        raise InputError("SC-FIX-OPSET", where, what, "export the model with that opset") from error
    finally:
        if older:
            _bring_back(proto)
    if older:
        _bring_back(converted)
    if current < _RESIZE_BY_COORDINATES <= opset:
        _state_coordinates(converted)
    return converted


def _nodes(proto: Any, domain: str = "") -> Iterator[Any]:
    for graph in walk.every_graph(proto.graph):
        yield from (node for node in graph.node if walk.domain_of(node) == domain)


def _said_as_before(proto: Any, opset: int) -> Any:
    """What changed in 18, in words of the older set where it has them; the library refuses every Pad and Split.

    What it has no words for is left to the library, which says so.
    """
    proto = _state_sizes(proto)
    for node in _nodes(proto):
        given = {part.name: part for part in node.attribute}
        if node.op_type.startswith("Reduce"):
            said = given.get("noop_with_empty_axes")
            if said is not None and not said.i:
                node.attribute.remove(said)
        elif opset >= _OPERANDS and _is_as_before(node, given):
            node.domain = _ASIDE
    proto.opset_import.add(domain=_ASIDE, version=1)
    return proto


def _bring_back(proto: Any) -> None:
    for entry in [entry for entry in proto.opset_import if entry.domain == _ASIDE]:
        proto.opset_import.remove(entry)
    for node in _nodes(proto, _ASIDE):
        node.ClearField("domain")


def _is_as_before(node: Any, given: dict[str, Any]) -> bool:
    """Whether a Pad or Split means the same from operator set 13 on."""
    if node.op_type == "Pad":
        return not any(node.input[3:]) and ("mode" not in given or given["mode"].s != b"wrap")
    return node.op_type == "Split" and len(node.input) > 1 and bool(node.input[1]) and "num_outputs" not in given


def _state_sizes(proto: Any) -> Any:
    """The model with sizes for every Split of the network itself that has a number of outputs instead."""
    if not any(node.op_type == "Split" and len(node.input) == 1 for node in proto.graph.node):
        return proto
    import numpy as np

    copy = type(proto)()
    copy.CopyFrom(proto)
    graph = MutableGraph(copy)  # it takes what it is given
    for node in [node.proto for node in graph.nodes if node.op_type == "Split"]:
        given = {part.name: part for part in node.attribute}
        dims, axis = graph.dims(node.input[0]), given["axis"].i if "axis" in given else 0
        if "num_outputs" in given and dims is not None and -len(dims) <= axis < len(dims):
            count = len(node.output)
            size = -(-dims[axis] // count)
            last = dims[axis] - size * (count - 1)
            if last >= 0 and count == given["num_outputs"].i:
                node.input.append(graph.store("sizes", np.array([size] * (count - 1) + [last], np.int64)))
                node.attribute.remove(given["num_outputs"])
    return graph.model()


def _state_coordinates(proto: Any) -> None:
    """Say what Upsample and Resize did before there were words for it; the library leaves defaults, which differ."""
    from onnx import helper

    for node in (node for node in _nodes(proto) if node.op_type == "Resize"):
        given = {part.name for part in node.attribute}
        stated = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        node.attribute.extend(helper.make_attribute(*item) for item in stated.items() if item[0] not in given)
