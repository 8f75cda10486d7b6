"""The words of the vendor's check: which layers it refused, and by which limits. Pure functions of its messages.

A limit is told first, the layer it belongs to in the message after it:

    [LayerKernelLimit] [E] At least one of the Dims [19,19] range is not within the range of [1, 18]
    Layer {Convolution} "conv0" failed safety scope validation

Names of layers and tensors stand in the messages as they are, line ends included. They can spoil a text, not a verdict:
whether a network is in scope is told apart from the words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from safecheck.text import printable

_SKIPPED = re.compile(r"safety scope (check|validation) skipped", re.IGNORECASE)
_OWN_LIMIT = re.compile(r"not supported in TensorRT-RTX|No importer registered|Unsupported reduction type")
_CODE = re.compile(r"\AError Code:? \d+: \s*")
_LAYER = re.compile(r'\ALayer \{(\w+)\} "(.*)" failed safety scope validation\Z', re.DOTALL)
_LIMIT = re.compile(r"\[((?:Layer|Network)\w+)\] \[E\] ([^\n]*)")
_TRIED = re.compile(r"\[(?:Layer|Network)\w+\] \[[IE]\]")
_NETWORK = "Network IO tensors are not in safety scope"
_CLOSING = "failed safety scope validation, please check the logs from error recorder"
_DYNAMIC = "Network has dynamic or shape inputs, but no optimization profile has been defined"
_ORIGIN = "[ONNX Layer: "

NETWORK = "network inputs and outputs"


class Refused(NamedTuple):
    """One thing that is out of scope."""

    layer: str
    """Name of the layer, `NETWORK`, or empty where the message names none."""
    limit: str
    """The limits that it breaks, one line; the kind of layer where all layers of the kind are out of scope."""
    position: int = -1
    """Of the node in the main graph, where the parser told it; nodes need no name."""


def is_own_limit(message: str) -> bool:
    """Whether a refusal of the parser is one of the package: it has no plugins, where TensorRT may have one."""
    return bool(_OWN_LIMIT.search(message))


def is_skip(message: str) -> bool:
    """Whether a message says that nothing was validated."""
    return bool(_SKIPPED.search(message))


def is_dynamic(message: str) -> bool:
    """Whether a message calls a network invalid because a dimension of an input is no number."""
    return _DYNAMIC in message


def refused(messages: Iterable[str]) -> tuple[Refused, ...]:
    """Everything that the messages refuse, in their order. A message that is not understood is a refusal of its own."""
    found: list[Refused] = []
    limits: list[str] = []
    for message in messages:
        text = _CODE.sub("", message)
        layer = _LAYER.match(text)
        if layer is not None:
            found.append(Refused(layer[2], _limit(limits) or f"{layer[1]} layer refused"))
        elif text.startswith(_NETWORK):
            found.append(Refused(NETWORK, _limit(limits) or printable(text)))
        elif _TRIED.match(text):
            limits += [": ".join(limit) for limit in _LIMIT.findall(text)]
            continue
        elif _CLOSING not in text:
            found.append(Refused("", printable(text, 300)))
        limits = []
    return tuple(found)


def _limit(limits: list[str]) -> str:
    return printable("; ".join(dict.fromkeys(limits)), 300)


def origin(metadata: str) -> tuple[str, str]:
    """The ONNX node that a layer comes from, from the layer's metadata: name in the main graph, name in a nested one.

    `[ONNX Layer: inner | call (f)]` is the node `inner` inside of `call`, unless a node has all of that as its name. A
    node without a name is called `node_of_` and its first output.
    """
    if not (metadata.startswith(_ORIGIN) and metadata.endswith("]")):
        return "", ""
    whole = metadata[len(_ORIGIN) : -1]
    inner, bar, _ = whole.partition(" | ")
    return whole, inner if bar else ""
