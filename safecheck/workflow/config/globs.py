"""Patterns for paths: `*` and `?` stay within a part of the path, `**` stands for any number of whole parts.

    models/*.onnx     files in models
    models/**         everything below models
    **/draft-*        whatever is so named, anywhere

There is no regular expression, and the time is at most (parts of the path) x (parts of the pattern).
"""

from __future__ import annotations

from fnmatch import fnmatchcase


def matches(pattern: str, path: str) -> bool:
    """Whether a relative path with `/` between its parts is one of those that the pattern means."""
    parts = path.split("/")
    # reached[i]: the pattern so far can end before parts[i]
    reached = [True] + [False] * len(parts)
    for piece in pattern.split("/"):
        if piece == "**":
            first = reached.index(True) if True in reached else len(reached)
            reached = [index >= first for index in range(len(reached))]
        else:
            reached = [False] + [
                before and fnmatchcase(part, piece) for before, part in zip(reached, parts, strict=False)
            ]
    return reached[-1]
