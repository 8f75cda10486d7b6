"""What follows from an installation alone, worked out by the first run that asks and kept for the others.

Asking the package costs a fifth of a small audit: its library makes all schemas when it is asked for one. What is kept
lies with the byte code beside the installation, not in it: pip would leave its folder behind, and an empty package
hides the next one. It counts only if it belongs to whom the code belongs to, and if the package and the code that asked
are the same as then; what is stale, damaged or somebody else's costs time, never truth.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from typing import TypeVar

from safecheck.strict.resources import replacing

T = TypeVar("T")
_FOLDER = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_READ = ("version.py", "onnx_ml_pb2.py", "onnx_cpp2py_export.")
"""Files of the package that answers come from, or how their names begin."""


def once(name: str, code: str, make: Callable[[], T], read: Iterable[str] = ()) -> T | None:
    """What `make` gives, which must depend on the onnx package and the files `read` alone.

    `code` is the file of the code that makes it.

    None where it is not kept and cannot be: then it may be cheaper to ask for a part.
    """
    stamp = _stamp()
    if not stamp:
        return None
    file, made = os.path.join(_FOLDER, "__pycache__", f"safecheck-{name}.kept"), (*stamp, *map(_mark, (code, *read)))
    with suppress(Exception), open(file, "rb") as kept:  # whatever a missing or damaged file makes of itself
        if os.fstat(kept.fileno()).st_uid == os.stat(code).st_uid:
            before, content = pickle.load(kept)
            if before == made:
                found: T = content
                return found
    try:
        with replacing(file) as target:
            pickle.dump((made, content := make()), target, 5)
    except OSError:
        return None
    return content


@cache
def _stamp() -> tuple[tuple[str, int, int], ...]:
    """Which onnx package it is; empty where it lies in no folder, or the code does not."""
    spec = importlib.util.find_spec("onnx")
    folder = os.path.dirname(spec.origin) if spec is not None and spec.origin else ""
    if not os.path.isdir(folder) or not os.path.isdir(_FOLDER):
        return ()
    return tuple([_mark(os.path.join(folder, name)) for name in sorted(os.listdir(folder)) if name.startswith(_READ)])


def _mark(file: str) -> tuple[str, int, int]:
    """A file as Python itself tells whether its byte code is stale: by its size and its time."""
    found = os.stat(file)
    return file, found.st_size, found.st_mtime_ns
