"""What rooms keep about a graph beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

_Memo = TypeVar("_Memo")


class Memos:
    """Of every kind of memo the only one; `MutableGraph` is one of these."""

    def __init__(self) -> None:
        self._memos: dict[Callable[[], Any], Any] = {}

    def memo(self, kind: Callable[[], _Memo]) -> _Memo:
        """What a room keeps about this graph: the only one of its kind, made when it is first asked for."""
        if kind not in self._memos:
            self._memos[kind] = kind()
        found: _Memo = self._memos[kind]
        return found

    def adopt(self, kind: Callable[[], _Memo], memo: _Memo) -> None:
        """Go on with what was kept about another graph."""
        self._memos[kind] = memo
