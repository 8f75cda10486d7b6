"""Classes of images: a CSV file of `file,class` lines."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from io import StringIO
from typing import NoReturn

from safecheck.errors import UsageError
from safecheck.measure.images.folder import Image
from safecheck.strict.content import UnreadableError, text
from safecheck.text import printable

_MAX_BYTES = 64 << 20
_CLASS = re.compile(r"[0-9]{1,7}\Z", re.ASCII)


def read_labels(path: str, images: Iterable[Image]) -> dict[str, int]:
    """Image name -> class, counted from 0 as the network's outputs are. A first line `file,class` is a header.

    Raises:
        UsageError: a line is not as documented, names a file that is not among the images, or one twice.
    """
    known = {image.name for image in images}
    found: dict[str, int] = {}
    for line, row in enumerate(_rows(path), 1):
        where = f"{path}: line {line}"
        if not row or (line == 1 and row == ["file", "class"]):
            continue
        if len(row) != 2:
            _refuse(where, f"{len(row)} values where file,class is expected", "write one file and its class a line")
        name, number = row[0], row[1].strip()
        if not _CLASS.match(number):
            _refuse(where, f"class '{printable(number, 40)}' is no number from 0", "write the index of the output")
        if name not in known:
            _refuse(where, f"'{printable(name, 100)}' is not among the images", "name files relative to --images")
        if name in found:
            _refuse(where, f"'{printable(name, 100)}' has a class already", "keep one line for it")
        found[name] = int(number)
    if not found:
        _refuse(path, "no image has a class", "write lines of file,class")
    return found


def _rows(path: str) -> list[list[str]]:
    try:
        found = text(path, _MAX_BYTES, f"{_MAX_BYTES >> 20} MiB").removeprefix("\ufeff")
        return list(csv.reader(StringIO(found), strict=True))
    except (UnreadableError, csv.Error) as error:
        reason = str(error) if isinstance(error, UnreadableError) else "it cannot be read as CSV"
        _refuse(path, reason, "give a readable file of file,class lines")


def _refuse(where: str, what: str, todo: str) -> NoReturn:
    raise UsageError("SC-CFG-LABELS", printable(where, 400), what, todo)
