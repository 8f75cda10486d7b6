"""Shipped profiles as they were read before, so that a run does not read a hundred rules to ask for two.

Beside the byte code of the rules, which only those can write who can write the rules. A kept profile counts only if
every rule file it was made from, the folders it was gathered from and the code that read them are the same to the
byte: what is stale or damaged costs time, never truth.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import re
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module

from safecheck.rulebook.profile import Profile
from safecheck.strict.resources import replacing
from safecheck.values import replace

Part = tuple[str, str]
"""What the hash of a profile calls a file, and its path below the folder of the rules."""
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*(@[0-9.]+)?\Z")
_READERS = ("finding.py", "values.py", "ir/signature.py", "strict/yaml.py")


def digest(parts: Sequence[tuple[str, str | bytes]]) -> str:
    """A hash over texts and what they are called, in their order."""
    found = hashlib.sha256()
    for part in parts:
        for piece in (text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass") for text in part):
            found.update(len(piece).to_bytes(8, "big") + piece)
    return found.hexdigest()


def find(name: str) -> Profile | None:
    """The profile that an earlier run kept by this name, if nothing has changed since."""
    folder = _rules()
    if folder is None or not _NAME.match(name):
        return None
    try:
        with open(_file(folder, name), "rb") as file:
            made, parts, folders, book = pickle.load(file)
        texts = [(label, _content(os.path.join(folder, path))) for label, path in parts]
        fresh = made == (_code(), digest(texts)) and all(_yaml(folder, inner) == names for inner, names in folders)
        return book if fresh else None
    except Exception:  # whatever a damaged file makes of itself
        return None


def keep(name: str, book: Profile, texts: str, parts: Sequence[Part], gathered: Sequence[str]) -> None:
    """Keep a profile for the next run.

    `texts` is the digest of what was read from the `parts`, `gathered` are the folders whose every file is one of them.
    """
    folder = _rules()
    if folder is None or not _NAME.match(name):
        return
    table = book.table
    operators = {operator: pickle.dumps(table.operator(operator), 5) for operator in table.operators}
    lean = replace(book, table=replace(table, operators=operators, _read={}))
    folders = tuple((inner, _yaml(folder, inner)) for inner in dict.fromkeys(gathered))
    with suppress(OSError), replacing(_file(folder, name)) as file:
        pickle.dump(((_code(), texts), tuple(parts), folders, lean), file, 5)


def _file(folder: str, name: str) -> str:
    return os.path.join(folder, "__pycache__", f"{name}.profile")


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _yaml(folder: str, inner: str) -> tuple[str, ...]:
    return tuple(sorted(name for name in os.listdir(os.path.join(folder, inner)) if name.endswith(".yaml")))


@cache
def _rules() -> str | None:
    """The folder of the rule files; None inside a zipped wheel."""
    folder = os.path.dirname(str(import_module("safecheck.rules").__file__))
    return folder if os.path.isdir(folder) else None


@cache
def _code() -> str:
    """The code that makes a profile of texts."""
    own = os.path.dirname(os.path.abspath(__file__))
    room = os.path.dirname(own)
    files = [os.path.join(room, *name.split("/")) for name in _READERS]
    for folder in (own, os.path.join(own, "lowering"), os.path.join(own, "facts")):
        files += [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".py")]
    return digest([(os.path.basename(file), _content(file)) for file in files])
