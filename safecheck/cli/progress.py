"""How far a long run is: on a terminal only, after a second, and gone when the result comes."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from safecheck.text import printable

T = TypeVar("T")
_PATIENCE = 1.0
_CLEAR = "\r\x1b[K"


def progress(results: Iterable[T], names: Sequence[str], is_quiet: bool = False) -> Iterator[T]:
    """The results as they come; while one is waited for, a line on standard error says which of `names` it is."""
    stream = sys.stderr
    if is_quiet or stream is None or not stream.isatty() or os.environ.get("TERM") == "dumb":
        yield from results
        return
    started, coming = time.monotonic(), iter(results)
    for number, name in enumerate(names):
        late = time.monotonic() - started > _PATIENCE
        if late:
            stream.write(f"{_CLEAR}{number} of {len(names)} done, now {printable(name, 60)}")
            stream.flush()
        try:
            result = next(coming)
        finally:
            if late:
                stream.write(_CLEAR)
                stream.flush()
        yield result
