"""Write the generated tables of `docs/fix.md`: what takes which operator, and what becomes of whole networks.

Run `python docs/make_fix.py` after a change to `rules/remedies.yaml` or to what a profile has in its place, and after
`python benchmarks/fix_reference.py`, whose figures the second table shows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from safecheck.rulebook.load import profile, shipped
from safecheck.rulebook.profile import OF_OPERATOR
from safecheck.rulebook.rule import Rule

PAGE = Path(__file__).parent / "fix.md"
RESULTS = Path(__file__).parents[1] / "benchmarks" / "results" / "fix_reference.json"
TITLES = {
    "csa_tiny_sizes_mean": "CSA-tiny with Resize by sizes and ReduceMean",
    "convnext_tiny": "ConvNeXt-tiny",
    "swin_tiny": "Swin-tiny",
    "cvt_13": "CvT-13",
}
"""Network of the corpus -> what it is called."""


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


def networks() -> Iterator[str]:
    """One line for each network that was planned."""
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    yield "| network | exporter and opset | before | after | price |"
    yield "|---|---|---|---|--:|"
    for network, title in TITLES.items():
        (name,) = [name for name in found if name.partition("__")[0] == network]
        row = found[name]
        after = f"{_sum(row['after'])}, {row['verdict']}"
        yield f"| {title} | {name.partition('__')[2]} | {_sum(row['before'])} | {after} | x{row['price']} |"


def _sum(counts: list[int]) -> str:
    return " + ".join(map(str, counts))


TABLES: dict[str, Callable[[], Iterator[str]]] = {"networks": networks, "operators": operators}
"""Name of each generated block of the page -> its lines."""


def page(text: str) -> str:
    """The page with the tables made anew."""
    for name, lines in TABLES.items():
        head, start, rest = text.partition(f"<!-- {name}: generated -->\n")
        _, end, tail = rest.partition(f"<!-- end of {name} -->")
        text = head + start + "".join(f"{line}\n" for line in lines()) + end + tail
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
