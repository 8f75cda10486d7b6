"""All problems of a profile or overlay file, not only the first."""

from __future__ import annotations

from collections.abc import Iterator

from safecheck.errors import RuleFileError, SafecheckError
from safecheck.rulebook.load import profile
from safecheck.rulebook.own_file import read_text
from safecheck.rulebook.rule import rule_from_yaml
from safecheck.strict.yaml import load


def problems(file: str) -> Iterator[SafecheckError]:
    """Every refusal of the loader: of each inline rule on its own, then of the file as a whole."""
    seen: set[str] = set()
    try:
        root = load(read_text(file), file)
        inline = root.items().get("rules")
    except SafecheckError as error:
        yield error
        return
    if inline is not None and inline.is_sequence and "extends" in root.items():
        for entry in inline.sequence():
            try:
                rule_from_yaml(entry, (), None)
            except RuleFileError as error:
                seen.add(str(error))
                yield error
    try:
        profile(file)
    except SafecheckError as error:
        if str(error) not in seen:
            yield error
