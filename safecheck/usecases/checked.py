"""The full check of what is about to be written. Failing it is a bug here, unless the original fails it as well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from safecheck.errors import InputError
from safecheck.intake.onnx_library import library
from safecheck.ir import schemas
from safecheck.ir.model import Model
from safecheck.ir.walk import every_graph, is_standard, opset
from safecheck.machine.single_run import single_run
from safecheck.rewrite.files import fits, read_whole
from safecheck.text import printable

_UNKNOWN = "safecheck.unknown"
"""A domain that the checker knows nothing about: it takes nodes of it as they are."""


def check(result: Model, original: Model) -> None:
    """Refuse a rewritten model that ONNX does not allow.

    Plugins in the domain of ONNX itself are left out of it. What the original file already has is not ours to refuse.

    Raises:
        InputError: something is wrong that is not wrong with the original.
    """
    problem = _problem(result)
    if problem and problem != _problem(original):
        what = f"the rewritten model is not valid ONNX: {printable(problem, 300)}"
        raise InputError(
            "SC-FIX-CHECK", printable(original.path), what,
            "nothing was written; if the original passes onnx.checker, please report it",
        )  # fmt: skip


def _problem(model: Model) -> str:
    """What the checker says; nothing about a model with plugins that is too large for one message."""
    content: bytes | None = model.content
    if any(True for _ in _strange(model.proto)):
        proto = read_whole(model)
        proto.opset_import.add(domain=_UNKNOWN, version=1)
        for node in _strange(proto):
            node.domain = _UNKNOWN
        if not fits(proto):
            return ""
        content = proto.SerializeToString()
    checker = library().checker
    try:
        with single_run():
            if content is None:
                checker.check_model_path(model.path, True, False, False)
            else:
                checker.check_model(bytes(content), True, False, False)
    except (checker.ValidationError, library().shape_inference.InferenceError, RuntimeError) as error:
        return str(error)
    return ""


def _strange(proto: Any) -> Iterator[Any]:
    """Nodes that claim to be ONNX and are not."""
    version = opset(proto)
    for graph in every_graph(proto.graph):
        for node in graph.node:
            if is_standard(node) and not schemas.known(node.op_type, "", version):
                yield node
