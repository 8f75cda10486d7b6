"""What planning and `safecheck fix` cost as models grow, and what they cost beside another checkout of safecheck.

Medians of CPU seconds of whole processes, the sizes or the two sides of a pair taking turns.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import onnx
from fix_speed import filled
from measure import run
from onnx import TensorProto, helper

PROFILES = ("tensorrt-8.6-restricted", "tensorrt-10-safety")
CHAINS = {
    "identity": ("Identity", "Relu"),
    "clip": ("Clip", "Relu"),
    "hardswish": ("HardSwish",),
    "transpose": ("Transpose", "Relu"),
    "mean": ("ReduceMean", "Add", "Sigmoid"),
    "pool": ("GlobalAveragePool", "Add", "Sigmoid"),
}
SIZES = (1000, 2000, 4000)
GROWTH = 2.3
"""Largest ratio of the cost of a chain to that of one of half the length."""
PLANNED = ("cvt_13__legacy13", "cvt_13__dynamo20")
PLAN_LIMIT = 10.0
PLAN = """
import sys
from safecheck.rulebook.load import profile
from safecheck.usecases.audit import audit_model
from safecheck.usecases.planned import plan
report = audit_model(sys.argv[1], profile(sys.argv[2]))
plan(report, report.model)
"""
EXIT_CODES = frozenset({0, 1, 3})


def chain(op_types: tuple[str, ...], length: int) -> onnx.ModelProto:
    """Operators one after the other on a map of 8 channels and 8 x 8 places."""
    names = ["x", *(f"v{number}" for number in range(length))]
    nodes = []
    for number in range(length):
        op_type = op_types[number % len(op_types)]
        given = {"Clip": ["low", "high"], "Add": ["x"]}.get(op_type, [])
        attributes = {"ReduceMean": {"axes": [2, 3]}, "Transpose": {"perm": [0, 1, 3, 2]}}.get(op_type, {})
        nodes.append(helper.make_node(op_type, [names[number], *given], [names[number + 1]], **attributes))
    bounds = [helper.make_tensor(name, TensorProto.FLOAT, [], [value]) for name, value in (("low", 0.0), ("high", 6.0))]
    start = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8, 8, 8])
    end = helper.make_tensor_value_info(names[-1], TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "chain", [start], [end], bounds if "Clip" in op_types else [])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def command(python: str, model: Path, out: Path, profile: str) -> list[str]:
    return [python, "-m", "safecheck", "fix", str(model), "-o", str(out), "--profile", profile]


def medians(commands: list[list[str]], runs: int) -> list[float]:
    """CPU seconds of each command, a first turn not counted; of one turn without a first one."""
    first = int(runs > 1)
    turns = [[run(argv, EXIT_CODES).cpu_s for argv in commands] for _ in range(runs + first)][first:]
    return [statistics.median(column) for column in zip(*turns, strict=True)]


def growth(folder: Path, kinds: list[str], sizes: list[int], runs: int) -> None:
    for kind in kinds:
        models = {size: folder / f"{kind}_{size}.onnx" for size in sizes}
        for size, path in models.items():
            onnx.save(chain(CHAINS[kind], size), path)
        for profile in PROFILES:
            argvs = [command(sys.executable, path, folder / "out.onnx", profile) for path in models.values()]
            spent = medians(argvs, runs)
            ratios = [later / earlier for earlier, later in pairwise(spent)]
            seconds = " ".join(f"{one:7.2f}" for one in spent)
            shown = " ".join(f"{ratio:5.2f}" for ratio in ratios)
            print(f"{kind:<10} {profile:<24} {seconds} s   per doubling {shown}  (limit {GROWTH})", flush=True)


def planning(folder: Path, runs: int) -> None:
    for name in PLANNED:
        model = str(filled(name, folder))
        (spent,) = medians([[sys.executable, "-c", PLAN, model, PROFILES[0]]], runs)
        print(f"plan {name:<18} {spent:6.2f} s  (limit {PLAN_LIMIT:.0f})", flush=True)


def against(folder: Path, python: str, name: str, runs: int) -> None:
    model = filled(name, folder)
    pair = [command(one, model, folder / "out.onnx", PROFILES[0]) for one in (sys.executable, python)]
    ours, others = medians(pair, runs)
    print(f"fix {name}  {ours:.2f} s beside {others:.2f} s   ratio {ours / others:.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--chain", choices=CHAINS, action="append", help="only this chain; may be repeated")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, metavar="NODES", help="each twice the one before"
    )
    parser.add_argument("--no-plan", action="store_true", help="leave out planning")
    parser.add_argument("--against", metavar="PYTHON", help="only compare with the safecheck of this interpreter")
    parser.add_argument(
        "--model", default="csa_tiny_sizes_mean__dynamo18", help="a name in tests/corpus/data, to compare with"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if arguments.against:
            against(Path(name), arguments.against, arguments.model, arguments.runs)
            return
        if not arguments.no_plan:
            planning(Path(name), arguments.runs)
        growth(Path(name), arguments.chain or list(CHAINS), arguments.sizes, arguments.runs)


if __name__ == "__main__":
    main()
