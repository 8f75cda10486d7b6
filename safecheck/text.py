"""Names in models, files and rules are hostile input: make them visible, never active."""

from __future__ import annotations

import unicodedata

_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: str | bytes, limit: int = 200) -> str:
    r"""One line of visible characters.

    Control characters, bidirectional controls, lone surrogates and unassigned code points become `\x..`, `\u....` or
    `\U........` escapes, and a backslash is doubled so that an escape cannot be imitated. Longer texts are cut to
    `limit` characters and end in an ellipsis.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    cut = text[: limit + 1]
    if cut.isascii() and cut.isprintable() and "\\" not in cut:
        visible = cut
    else:
        visible = "".join(_visible(character) for character in cut)
    return visible if len(visible) <= limit else visible[: limit - 1] + "…"


def hides(text: str) -> bool:
    """Whether something in a text of several lines is not visible, and might act on whoever shows it."""
    plain = text.replace("\n", "")
    return not plain.isprintable() and any(unicodedata.category(part) in _HIDDEN_CATEGORIES for part in plain)


def inert(text: str, limit: int = 2000) -> str:
    """A sentence of our own in which names stand: as it is, but for what is not visible, and no longer than `limit`.

    Names belong into it by `printable`; this holds where one was forgotten. Done twice, it changes nothing.
    """
    shown = text[: limit + 1]
    if not shown.isprintable():
        shown = "".join(character if character == "\\" else _visible(character) for character in shown)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _visible(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if character == " " or (character.isprintable() and unicodedata.category(character) not in _HIDDEN_CATEGORIES):
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, kept by surrogateescape
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
