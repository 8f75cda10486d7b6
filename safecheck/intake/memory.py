"""A model that is no file: bytes in the hands of a caller, read with the checks and limits of a file."""

from __future__ import annotations

import hashlib
from types import TracebackType
from typing import Self

from safecheck.intake import sniff
from safecheck.intake.source import check_head
from safecheck.text import printable
from safecheck.values import dataclass

ORIGIN = "memory"
"""Where such a model comes from, in words."""


@dataclass(frozen=True, slots=True)
class InMemory:
    """A serialised model, to be used in a `with` statement like a `Source`; there is nothing to close."""

    data: bytes
    path: str = "<memory>"
    """What the model is called in reports; no file."""

    folder = None
    """External data have nowhere to be."""
    file_id = None

    @property
    def size_bytes(self) -> int:
        """Size of the model."""
        return len(self.data)

    @property
    def buffer(self) -> memoryview:
        """The bytes of the model."""
        return memoryview(self.data)

    def __enter__(self) -> Self:
        """Check what is checked of a file when it is opened.

        Raises:
            InputError: SC-IO-EMPTY, SC-IO-LFS, SC-IO-NOTONNX or SC-LIM-SIZE.
        """
        check_head(self.data[: sniff.SAMPLE_BYTES], len(self.data), printable(self.path), None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Nothing was opened."""

    def sha256(self) -> str:
        """The hexadecimal SHA-256 of the bytes."""
        return hashlib.sha256(self.data).hexdigest()
