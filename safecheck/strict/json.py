"""JSON that somebody hands over: every key once in its object, and no number that JSON does not know."""

from __future__ import annotations

import json
from typing import Any

from safecheck.strict.content import UnreadableError
from safecheck.text import printable


def parsed(data: bytes | str) -> Any:
    """What a JSON text in UTF-8 says.

    Raises:
        UnreadableError: it is none, nested too deeply, or an object has a key twice.
    """
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise UnreadableError("not UTF-8 text") from error
    except RecursionError as error:
        raise UnreadableError("nested too deeply") from error
    except json.JSONDecodeError as error:
        raise UnreadableError(f"not JSON (line {error.lineno}: {error.msg})") from error
    except ValueError as error:  # a number of more digits than Python reads
        raise UnreadableError(f"not JSON ({printable(str(error), 100)})") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in names if names.count(name) > 1)
        raise UnreadableError(f"key '{printable(doubled, 60)}' is given twice in one object")
    return found


def _refuse(name: str) -> None:
    raise UnreadableError(f"not JSON ({name} is no number there)")
