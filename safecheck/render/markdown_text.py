"""Text in Markdown that stays text, whatever it tries to be."""

from __future__ import annotations

import html
import re

ADDRESS = re.compile(r"https://[!#$%&'*+,\-./0-9:;=?@A-Z_a-z~]+\Z")
"""An https address that needs no escaping anywhere."""
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "|": "&#124;"}
_MARKUP = frozenset("\\`*_[]$~")
# A forge makes mentions, references and links of these wherever they stand; a code span around them stops it.
_ACTIVE = re.compile(r"((?:@|#(?=[0-9])|:(?=//)|(?<=www)\.)+)", re.IGNORECASE)
_BLOCK = re.compile(r" *(?:[0-9]+(?=[.)](?: |\Z))|(?=[-+#=:](?![0-9])))")


def inert(text: str) -> str:
    """Text in which nothing is markup: not Markdown, HTML, a table's border, a link, a mention or the start of a block.

    The text must be printable. The result fits into a sentence, a list item and a cell of a table.
    """
    parts = _ACTIVE.split(text)
    escaped = "".join(f"`{part}`" if odd % 2 else _escaped(part) for odd, part in enumerate(parts))
    if (block := _BLOCK.match(escaped)) is not None:
        escaped = f"{block[0]}\\{escaped[block.end() :]}"
    # Four spaces would open a block of code, and the sentence may begin with a space of its own.
    return f"&#32;{escaped[1:]}" if escaped.startswith("   ") or escaped.isspace() else escaped


def inert_in_html(text: str) -> str:
    """The same inside an HTML element such as a summary, where Markdown means nothing."""
    parts = _ACTIVE.split(text)
    return "".join(
        f"<code>{html.escape(part)}</code>" if odd % 2 else html.escape(part) for odd, part in enumerate(parts)
    )


def link(text: str, address: str) -> str:
    """A link, if the address is a plain https address; else the text and the address, both inert."""
    if ADDRESS.match(address):
        return f"[{inert(text)}]({address.replace('&', '&amp;')})"
    return f"{inert(text)} {inert(address)}".rstrip()


def _escaped(text: str) -> str:
    return "".join(_ENTITIES.get(part) or (f"\\{part}" if part in _MARKUP else part) for part in text)
