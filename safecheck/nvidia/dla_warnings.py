"""What a log says in warnings about layers that cannot run on DLA.

Where the GPU may take over, and before a stand-alone build fails for it, the library names such layers in warnings,
often twice: why, then that the layer goes. What depends on flags of the build and not on the network, as the
precision, is left out. As everything in a log these lines are hostile input.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MAX_LAYERS = 2000
_MAX_TEXT = 4000
_NAME = r"(?P<layer>.{1,1000}?)"
_TAKEN_OFF = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\ALayer '{_NAME}' \(\w{{1,60}}\): Unsupported on DLA",
        rf"\AValidation failed for DLA layer: {_NAME}\. Switching",
        rf"\AInput tensor has less than 4 dimensions for {_NAME}\. At least one shuffle layer will be inserted",
        rf"\ADefault DLA is enabled but layer {_NAME} is not supported on DLA",
        rf"\A(?:DLA Layer )?{_NAME}:? does not support dynamic shapes in any dimension",
        rf"\A(?!Splitting DLA |DLA (?:does|only|requests) |This version ){_NAME}: (?=.{{0,200}}\bDLA\b)",
    )
)
_WHY = re.compile(r"This version of DLA does not support ")
"""Said of the layer that the next warning names."""
ALL_ON_DLA = re.compile(
    r"should only have one graph for the whole network|not all layers are running on DLA|forceToUseNvmIO"
)
"""The errors that say no more than that a layer is not on DLA."""


@dataclass(slots=True)
class Warnings:
    """The warnings of one log, taken in one by one."""

    layers: dict[str, str]
    """Layers that are taken off DLA, as the warnings name them, each with all that they say about it."""
    _why: str = ""

    def take(self, text: str) -> None:
        """Take in one warning of the library."""
        if _WHY.match(text):
            self._why = text
            return
        taken = next((match for pattern in _TAKEN_OFF if (match := pattern.search(text)) is not None), None)
        if taken is None:
            return
        said = self.layers.get(taken["layer"], "")
        if said or len(self.layers) < _MAX_LAYERS:
            new = [part for part in (self._why, text) if part and part not in said]
            self.layers[taken["layer"]] = " ".join([said, *new]).strip()[:_MAX_TEXT]
        self._why = ""
