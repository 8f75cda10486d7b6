"""The ids and titles of shipped profiles belong to them: no file of one's own is taken for one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from safecheck.strict.lookalike import alike
from safecheck.strict.yaml import Entry

_WORD = re.compile(r"[^\s@:;,/()\[\]]+")


def refuse_shipped_names(root: Entry, names: Iterable[tuple[str, str]]) -> None:
    """Refuse a profile of one's own whose id or title can be taken for one of `names`, the pairs of the shipped ones.

    Raises:
        RuleFileError: SC-CFG-RULE, with file, line and key.
    """
    written = root.items()
    reserved = [name for pair in names for name in pair]
    for key in ("id", "title"):
        if key not in written:
            continue  # whoever reads the rest says so
        text = written[key].text()
        # an id that is followed by a version or a word is still that id; a title may speak of one
        parts = (text, *_WORD.findall(text)) if key == "id" else (text,)
        taken = next((name for name in reserved if any(alike(part, name) for part in parts)), None)
        if taken is not None:
            how = "is taken by" if taken in parts else "looks like that of"
            written[key].fail(f"the {key} {how} a shipped profile, {taken}", f"choose another {key}")
