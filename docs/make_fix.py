"""Write the generated table of `docs/fix.md`: what takes which operator, by the rules that name it.

Run `python docs/make_fix.py` after a change to `rules/remedies.yaml` or to what a profile has in its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from safecheck.rulebook.load import profile, shipped
from safecheck.rulebook.profile import OF_OPERATOR
from safecheck.rulebook.rule import Rule

PAGE = Path(__file__).parent / "fix.md"
START, END = "<!-- operators: generated -->\n", "<!-- end of operators -->"


def _asks(rule: Rule) -> bool:
    """Whether a rule of the target's own, not one about the parser that all targets share, names them."""
    return OF_OPERATOR in rule.remedies and not rule.id.startswith("mistranslation-")


def operators() -> Iterator[str]:
    """One line for each operator that a rewrite takes under some target, one column for the targets that agree."""
    books = [profile(name) for name in shipped()]
    asking = [book for book in books if book.builds and any(map(_asks, book.rules))]
    columns: dict[str, list[str]] = {}
    tables = {}
    for book in asking:
        table = {operator: ", ".join(f"`{name}`" for name in names) for operator, names in book.remedies.items()}
        key = repr(sorted(table.items()))
        columns.setdefault(key, []).append(f"`{book.id}`")
        tables[key] = table
    yield f"| operator | {' | '.join(', '.join(names) for names in columns.values())} |"
    yield f"|---|{'---|' * len(columns)}"
    every = {operator for table in tables.values() for operator in table}
    for operator in sorted(every, key=str.lower):
        yield f"| {operator} | {' | '.join(tables[key].get(operator, '') for key in columns)} |"


def page(text: str) -> str:
    """The page with the table made anew."""
    head, _, rest = text.partition(START)
    return head + START + "\n".join([*operators(), END]) + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
