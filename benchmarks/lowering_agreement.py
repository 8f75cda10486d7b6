"""`python benchmarks/lowering_agreement.py [TABLE]`: how far a lowering table agrees with NVIDIA's parser.

Needs the test dependencies and the package `tensorrt_rtx_cu13_bindings==1.4.0.76` (no GPU). Prints a Markdown table by
operator. "agree" compares layer types, kinds and numbers as the test does, "exact" also the number of constants and of
layers that the table gives with a count; "cut" are cases in which the network itself refused a layer, which end the
parser's list and are not counted.
"""

from __future__ import annotations

import collections
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests"))

from rulebook.lowering import oracle


def main() -> None:
    """Print the table for the release named on the command line, by default the measured one."""
    name = sys.argv[1] if len(sys.argv) > 1 else "onnx-tensorrt-10.15"
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for outcome in oracle.compare(oracle.table(name), oracle.parser()):
        count = counts[outcome.case.op_type]
        count["cases"] += 1
        count["cut"] += outcome.agrees is None
        count["agree"] += outcome.agrees is True
        count["exact"] += outcome.agrees is True and outcome.exact
    print(f"| operator ({name}) | cases | cut | agree | exact |\n| --- | --- | --- | --- | --- |")
    for operator in sorted(counts):
        print(_row(operator, counts[operator]))
    print(_row("all", sum(counts.values(), collections.Counter())))


def _row(name: str, count: collections.Counter[str]) -> str:
    decided = count["cases"] - count["cut"]
    share = [f"{100 * count[key] / decided:.0f} %" if decided else "-" for key in ("agree", "exact")]
    return f"| {name} | {count['cases']} | {count['cut']} | {' | '.join(share)} |"


if __name__ == "__main__":
    main()
