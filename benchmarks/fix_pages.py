"""Whether `safecheck fix --output html=` ever fails: over the examples, ONNX's own node models and files of one's own.

    python benchmarks/fix_pages.py FOLDER [MODEL ...]      # three targets, results/fix_pages.json

Models are fixed and their pages written in copies of this process, so that a crash of native code is counted, too.
`FOLDER/fix_pages.jsonl` gets a line for each model and target; what has one is not run again. An interrupted run keeps
the figures of what it has run; of the node models one of each kind comes first.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import onnx
from onnx.backend.test.case.node import collect_testcases

import safecheck
from safecheck.errors import SafecheckError
from safecheck.machine.fork import StoppedError, in_copy
from safecheck.render import RENDERERS
from safecheck.usecases.fix import Request, fix

ROOT = Path(__file__).parents[1]
TARGETS = ("tensorrt-8.6-restricted", "tensorrt-10-safety", "drive-orin-dla-8.5")
IN_A_COPY = 60
"""So many in one copy: what a first model loads and compiles, the next ones have."""
SECONDS = 3000.0
MEMORY = 6 << 30
WARM = "test_attention_4d_expanded.onnx"
"""It is folded, rewritten and proved in most ways there are."""


class _End(HTMLParser):
    """Whether a page is whole: it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.ends = False

    def handle_endtag(self, tag: str) -> None:
        """Note the end of the page."""
        self.ends = tag == "html"


def models(folder: Path, own: list[str]) -> Iterator[Path]:
    """Every file to fix; the node models are generated into the folder, once."""
    yield from map(Path, own)
    yield from sorted((ROOT / "examples").glob("*.onnx"))
    nodes = folder / "nodes"
    if not nodes.is_dir():
        nodes.mkdir(parents=True)
        for case in collect_testcases(None):
            if case.model is not None:
                Path(nodes, f"{case.name}.onnx").write_bytes(case.model.SerializeToString())
    seen: Counter[tuple[str, ...]] = Counter()
    order = []
    for file in sorted(nodes.glob("*.onnx")):
        operators = tuple(node.op_type for node in onnx.load(file, load_external_data=False).graph.node)
        order.append((seen[operators], file))
        seen[operators] += 1
    yield from (file for _, file in sorted(order))  # one of each kind first: a run that is stopped has seen the most


def one(file: Path, target: str, folder: Path) -> dict[str, Any]:
    """Fix a model, write its page, and say what is in it."""
    fixed = fix(str(file), str(folder / "fixed.onnx"), safecheck.load_profile(target), Request(illustrate=True))
    document = RENDERERS["fix"]["html"](fixed)
    page = document if isinstance(document, str) else ""
    reader = _End()
    reader.feed(page)
    found = fixed.before.audit.findings if fixed.before.audit is not None else ()
    stays = fixed.after.audit.findings if fixed.after.audit is not None else ()
    return {
        "outcome": "page" if reader.ends else "a page without an end",
        "bytes": len(page.encode("utf-8")),
        "before": str(fixed.before.verdict),
        "after": str(fixed.after.verdict),
        "rules": {finding.rule: list(finding.remedies) for finding in found},
        "applied": sorted({name for step in fixed.applied for name in (step.name, *step.remedies)}),
        "left": sorted({finding.rule for finding in stays}),
    }


def asked(file: Path, target: str, folder: Path) -> dict[str, Any]:
    """What became of a model under a target, whatever happened, short of the end of the process."""
    begun = time.process_time()
    try:
        found = one(file, target, folder)
    except SafecheckError as error:
        found = {"outcome": "refused", "why": error.code}
    except Exception as error:  # whatever it is, this is what is looked for
        found = {"outcome": "crash", "why": f"{type(error).__name__}: {error}"[:300]}
    return {"model": file.name, "target": target, "seconds": round(time.process_time() - begun, 2), **found}


def noted(wanted: Sequence[tuple[Path, str]], folder: Path, kept: Path) -> None:
    """Ask one after the other, and write down each before the next begins."""
    with kept.open("a", encoding="utf-8") as journal:
        for file, target in wanted:
            print(json.dumps(asked(file, target, folder)), file=journal, flush=True)


def rows(kept: Path) -> list[dict[str, Any]]:
    """What was asked until now."""
    return [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()] if kept.exists() else []


def run(wanted: list[tuple[Path, str]], folder: Path, kept: Path) -> None:
    """Ask all, many in one copy of this process; where one ends its copy, that is what became of it."""
    while wanted:
        part, before = wanted[:IN_A_COPY], len(rows(kept))
        try:
            in_copy(partial(noted, part, folder, kept), SECONDS, MEMORY)
        except StoppedError as error:
            part = part[: len(rows(kept)) - before + 1]
            file, target = part[-1]
            with kept.open("a", encoding="utf-8") as journal:
                row = {"model": file.name, "target": target, "seconds": 0, "outcome": "crash", "why": str(error)}
                print(json.dumps(row), file=journal, flush=True)
        wanted = wanted[len(part) :]


def summary(asked_for: list[dict[str, Any]], known: int) -> dict[str, Any]:
    """The figures that are kept, one block for each target."""
    blocks = {}
    for target in TARGETS:
        here = [row for row in asked_for if row["target"] == target]
        pages = [row for row in here if row["outcome"] == "page"]
        blocks[target] = {
            "models": known,
            "run": len(here),
            "pages": len(pages),
            "with findings that remain": sum(bool(row["left"]) for row in pages),
            "compliant before": sum(row["before"] == "compliant" for row in pages),
            "compliant after": sum(row["after"] == "compliant" for row in pages),
            "largest page in bytes": max((row["bytes"] for row in pages), default=0),
            "refused": dict(Counter(row["why"] for row in here if row["outcome"] == "refused").most_common()),
            "crashes": [f"{row['model']}: {row.get('why', row['outcome'])}" for row in here if row not in pages
                        and row["outcome"] != "refused"],
        }  # fmt: skip
    return {"tool": f"safecheck {safecheck.__version__}", "targets": blocks}


def main() -> int:
    """Run what was not run, keep the figures, and end with 1 if anything crashed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("models", nargs="*", metavar="MODEL")
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    kept = options.folder / "fix_pages.jsonl"
    known = {(row["model"], row["target"]) for row in rows(kept)}
    files = list(models(options.folder, options.models))
    for target in TARGETS:  # what is loaded and compiled here need not be in every copy
        for file in (ROOT / "examples" / "csa-block-refused.onnx", options.folder / "nodes" / WARM):
            one(file, target, options.folder)
    with suppress(KeyboardInterrupt):  # what there is by then is kept
        every = [(file, target) for file in files for target in TARGETS]
        run([pair for pair in every if (pair[0].name, pair[1]) not in known], options.folder, kept)
    names = {file.name for file in files}
    figures = summary([row for row in rows(kept) if row["model"] in names], len(files))
    text = json.dumps(figures, indent=2) + "\n"
    (ROOT / "benchmarks" / "results" / "fix_pages.json").write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return int(any(block["crashes"] for block in figures["targets"].values()))


if __name__ == "__main__":
    raise SystemExit(main())
