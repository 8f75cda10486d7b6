"""From a network to the bytes of an ONNX file, with either exporter of PyTorch; equal networks give equal bytes."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from safecheck.errors import InputError, UsageError
from safecheck.intake.onnx_library import messages
from safecheck.ir import walk
from safecheck.rewrite.canonicalize.opset import convert_opset
from safecheck.text import printable
from safecheck.zoo.extra import need

if TYPE_CHECKING:
    from torch import nn

WEIGHTS = "safecheck.weights"
"""Key of the entry of metadata that says where the weights are from; a comparison shows it."""
Exporter = Literal["dynamo", "torchscript"]
"""`dynamo` is the torch.export one, PyTorch's default; `torchscript` the older one that traces."""


_WRITTEN = 18
"""What the dynamo exporter writes; it converts to others, but not all that it writes to a lower one."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A finished file. Nothing in the zoo comes near the 2 GB of protobuf, so the weights are always inside."""

    data: bytes
    opset: int
    """What the file says; with the dynamo exporter 18 where that cannot be converted to a lower one."""

    def saying(self, key: str, value: str) -> Exported:
        """The same file with an entry of metadata."""
        model = messages().ModelProto.FromString(self.data)
        model.metadata_props.add(key=key, value=value)
        return Exported(model.SerializeToString(deterministic=True), self.opset)


def to_onnx(network: nn.Module, shape: tuple[int, ...], exporter: Exporter = "dynamo", opset: int = 17) -> Exported:
    """Export a network with one input and one output, called `input` and `output`.

    Args:
        network: in inference mode.
        shape: of the input, batch first; it becomes static.
        exporter: which one of PyTorch's.
        opset: the operator set to ask for.

    Raises:
        UsageError: a library is missing, or the exporter refuses.
    """
    need(("torch", "onnx", "onnxscript") if exporter == "dynamo" else ("torch", "onnx"))
    import torch

    names: dict[str, Any] = {"input_names": ["input"], "output_names": ["output"]}
    try:
        with _quiet(), torch.no_grad():
            if exporter == "dynamo":
                names["opset_version"] = max(opset, _WRITTEN)
                program = torch.onnx.export(network, (torch.zeros(shape),), dynamo=True, verbose=False, **names)
                model = program.model_proto
            else:
                names["opset_version"] = opset
                file = io.BytesIO()
                torch.onnx.export(network, (torch.zeros(shape),), file, dynamo=False, **names)
                model = messages().ModelProto.FromString(file.getvalue())
    except (torch.onnx.errors.OnnxExporterError, ValueError) as error:
        reason = str(error.__cause__ or error).partition("\n")[0]
        raise UsageError(
            "SC-CFG-EXPORT", f"{exporter} exporter", f"refused: {printable(reason)}", "try another opset or exporter"
        ) from error
    _strip(model)
    if opset < walk.opset(model):
        with suppress(InputError):
            model = convert_opset(model, opset, "")
    model.producer_version = torch.__version__.partition("+")[0]
    return Exported(model.SerializeToString(deterministic=True), walk.opset(model))


def _strip(message: Any) -> None:
    """Clear doc strings and metadata everywhere below a protobuf message: they hold stack traces with local paths."""
    for field, value in message.ListFields():
        if field.name in ("doc_string", "metadata_props"):
            message.ClearField(field.name)
        elif field.message_type:
            for child in [value] if hasattr(value, "ListFields") else value:
                _strip(child)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporters' notes to themselves: what matters of them is read from the file."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
