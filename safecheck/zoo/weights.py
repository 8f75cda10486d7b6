"""Weights from a file: safetensors, or a PyTorch checkpoint read without running anything in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safecheck.errors import InputError, UsageError
from safecheck.text import printable
from safecheck.zoo.extra import need

if TYPE_CHECKING:
    from torch import nn

_NAMED = 3
_WRAPPERS = ("state_dict", "model")  # where training scripts keep the weights beside the optimiser's state


def load_weights(network: nn.Module, path: str) -> None:
    """Fill a network, or say what does not fit and change nothing.

    BatchNorm's count of batches may be missing: only training uses it.

    Raises:
        UsageError: the suffix is unknown, or names or shapes differ from the network's.
        InputError: the file cannot be read.
    """
    found = _read(path)
    wanted = network.state_dict()
    missing = [name for name in wanted if name not in found and not name.endswith("num_batches_tracked")]
    unknown = [name for name in found if name not in wanted]
    shapes = [
        f"{name} {_dims(found[name])} instead of {_dims(tensor)}"
        for name, tensor in wanted.items()
        if name in found and found[name].shape != tensor.shape
    ]
    problems = [
        f"{len(names)} {kind} ({_first(names)})"
        for kind, names in (("missing", missing), ("unknown", unknown), ("of another shape", shapes))
        if names
    ]
    if problems:
        what = f"not the weights of this network: {'; '.join(problems)}"
        raise UsageError("SC-CFG-WEIGHTS", printable(path), what, "give the state of the same architecture")
    network.load_state_dict(found, strict=False)


def _read(path: str) -> Mapping[str, Any]:
    """Name -> tensor, on the CPU."""
    suffix = Path(path).suffix.lower()
    if suffix not in (".safetensors", ".pth", ".pt"):
        raise UsageError("SC-CFG-WEIGHTS", printable(path), "unknown kind of file", "give a .safetensors or .pth file")
    if suffix == ".safetensors":
        need(["safetensors"])
    import torch

    try:
        if suffix == ".safetensors":
            from safetensors.torch import load_file

            state: object = load_file(path, device="cpu")
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        what = error.strerror or "cannot be read"
        raise InputError("SC-IO-WEIGHTS", printable(path), what, "give a readable file") from error
    except Exception as error:  # whatever a broken or hostile file makes the two libraries raise
        what = f"cannot be read as weights: {printable(str(error).partition(chr(10))[0], 120)}"
        raise InputError("SC-IO-WEIGHTS", printable(path), what, "save it again as safetensors") from error
    for key in _WRAPPERS:
        if isinstance(state, dict) and isinstance(state.get(key), Mapping):
            state = state[key]
    if not isinstance(state, Mapping) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise InputError("SC-IO-WEIGHTS", printable(path), "not a table of tensors", "save a state_dict")
    return {str(name): tensor for name, tensor in state.items()}


def _dims(tensor: Any) -> str:
    return "x".join(str(dim) for dim in tensor.shape) or "scalar"


def _first(names: list[str]) -> str:
    more = ", ..." if len(names) > _NAMED else ""
    return ", ".join(printable(name, 80) for name in names[:_NAMED]) + more
