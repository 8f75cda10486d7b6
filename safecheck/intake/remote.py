"""Models that are elsewhere: found, and copied here with their weights, through whatever file system fsspec knows.

What fsspec raises is never shown: it can hold the credentials that it was given.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit, urlunsplit

from safecheck.errors import InputError, UsageError, pip_install
from safecheck.intake.external import path_fault
from safecheck.intake.locations import scanned
from safecheck.intake.source import SIZE_LIMIT, open_model, too_large
from safecheck.limits import limit_bytes
from safecheck.machine.folder import working_folder
from safecheck.text import printable

T = TypeVar("T")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_CHUNK = 4 << 20
_STATES = ("ETag", "etag", "generation", "md5Hash", "content_md5", "LastModified", "last_modified", "mtime", "updated")
"""What file systems call the things that change with the content of a file."""


def is_url(path: str) -> bool:
    """Whether a model is named by an address and not by a path."""
    return _URL.match(path) is not None


def shown(url: str) -> str:
    """An address without what may be a secret in it: user, password and query."""
    if not is_url(url):
        return url
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def models_below(url: str) -> list[str]:
    """The address itself if it is that of a file, else of every `*.onnx` below it, in a fixed order.

    Raises:
        InputError: there is none, or it cannot be looked at.
    """
    files, path = _file_system(url)

    def look() -> list[str]:
        if files.isfile(path):
            return [url]
        return sorted(files.unstrip_protocol(name) for name in files.find(path) if name.lower().endswith(".onnx"))

    found = _asked(url, look)
    if not found:
        what = "there is no *.onnx file below this address"
        raise InputError("SC-IO-NOMODEL", printable(shown(url)), what, "give the address of a model or of a folder")
    return found


def state_of(url: str) -> str | None:
    """What changes when the file at an address does; None where the file system does not tell, or nothing is there."""
    files, path = _file_system(url)
    try:
        return _state(_asked(url, lambda: files.info(path)))
    except InputError:
        return None


def beside(url: str, location: str) -> str:
    """The address of external data."""
    return f"{url.rpartition('/')[0]}/{location}"


class Fetched(NamedTuple):
    """A copy of a model."""

    local: str
    """Its path."""
    states: Mapping[str, str | None]
    """What `state_of` said of what was copied: the model under its address, weights under the address of each."""


@contextmanager
def fetched(url: str) -> Iterator[Fetched]:
    """A copy of a model, with the weights it names beside it; it is gone afterwards.

    Weights that are not there, or whose location is none, are left to whoever reads the model.

    Raises:
        InputError: it cannot be read, it is too large, or anything of it changed meanwhile.
    """
    files, path = _file_system(url)
    with working_folder() as folder:
        local = os.path.join(folder, os.path.basename(path) or "model.onnx")
        info = _asked(url, lambda: files.info(path))
        if (info.get("size") or 0) > SIZE_LIMIT:
            raise too_large(printable(shown(url)), f"{info['size']} bytes, more than {SIZE_LIMIT}")
        _copy(url, files, path, local, SIZE_LIMIT)
        sources, states = {url: path}, {url: _state(info)}
        left = limit_bytes("external")
        for location in _locations(local):
            address, source, place = beside(url, location), beside(path, location), os.path.join(folder, location)
            if place != local and _asked(url, partial(files.isfile, source)):
                sources[address], states[address] = source, _state(_asked(url, partial(files.info, source)))
                left -= _copy(address, files, source, place, left)
        files.invalidate_cache()
        for address, source in sources.items():
            if states[address] != _state(_asked(address, partial(files.info, source))):
                what = "the file changed while it was read"
                raise InputError(
                    "SC-IO-CHANGED", printable(shown(address)), what, "run again when nothing writes to it"
                )
        yield Fetched(local, states)


def _locations(local: str) -> list[str]:
    """Where the model says that its weights are, as far as these are plain paths; none where it is no model."""
    try:
        with open_model(local) as source:
            return [location for location in scanned(source.buffer, "") if path_fault(location) is None]
    except InputError:
        return []


def _copy(url: str, files: Any, path: str, local: str, limit: int) -> int:
    """Copy a file of at most `limit` bytes, and say how many it has."""

    def copy() -> int:
        size = 0
        os.makedirs(os.path.dirname(local), exist_ok=True)
        with files.open(path, "rb") as source, open(local, "xb") as target:
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                if size > limit:
                    what = f"more than {limit} bytes are left to read"
                    raise InputError("SC-LIM-SIZE", printable(shown(url)), what, "audit a smaller model")
                target.write(chunk)
        return size

    return _asked(url, copy)


def _file_system(url: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        what = "models at an address are read through fsspec, which is not installed"
        raise UsageError("SC-CFG-REMOTE", printable(shown(url)), what, pip_install("fleet")) from None
    try:
        files, path = url_to_fs(url)
    except ImportError:
        what = "the file system of this address needs a library that is not installed"
        raise UsageError("SC-CFG-REMOTE", printable(shown(url)), what, "install it, such as s3fs or gcsfs") from None
    except Exception as error:
        what = f"this address cannot be used ({type(error).__name__})"
        raise UsageError("SC-CFG-REMOTE", printable(shown(url)), what, "give an address that fsspec knows") from None
    return files, str(path)


def _asked(url: str, question: Callable[[], T]) -> T:
    """The answer of a file system; whatever goes wrong there is one line without its words."""
    where, todo = printable(shown(url)), "check the address and the credentials"
    try:
        return question()
    except InputError:
        raise
    except Exception as error:
        reason: BaseException = error
        if isinstance(error, FileNotFoundError):
            cause = error.__cause__  # fsspec says so, too, where nobody answers
            if not isinstance(cause, OSError) or isinstance(cause, FileNotFoundError):
                raise InputError("SC-IO-MISSING", where, "there is no such file", todo) from None
            reason = cause
        raise InputError("SC-IO-READ", where, f"it cannot be read ({type(reason).__name__})", todo) from None


def _state(info: dict[str, Any]) -> str | None:
    told = [(name, str(info[name])) for name in _STATES if info.get(name)]
    return hashlib.sha256(repr((info.get("size"), told)).encode()).hexdigest() if told else None
