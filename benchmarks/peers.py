"""safecheck beside the tools people use on the same generated files: CPU seconds, peak memory and growth, in one run.

    python benchmarks/peers.py --peers VENV/bin/python        # a Python with polygraphy, onnxsim, onnxslim, onnx-tool
    python benchmarks/peers.py --peers VENV/bin/python --json benchmarks/results/peers.json
    python docs/make_peers.py                                 # draws the chart and the table of that file

The tools do different work: this says what a step of a pipeline costs, not which tool is better. F is `import onnx`,
loading the file and hashing it. Every command is a whole process; commands take turns on each file, one round of all
comes first and is not counted, and a ratio is the median of the ratios of the rounds.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from audit_speed import FLOOR, SAFECHECK, python
from confirm_cost import processor
from measure import Cost, RunError, run

from safecheck import __version__

VERSIONS = ("onnx", "onnxruntime", "polygraphy", "onnxsim", "onnxslim", "onnx-tool")
ASK = (
    "import json, sys; from importlib.metadata import version, PackageNotFoundError\n"
    "found = {}\n"
    "for name in sys.argv[1:]:\n"
    "    try: found[name] = version(name)\n"
    "    except PackageNotFoundError: pass\n"
    "print(json.dumps(found))"
)
CODES = frozenset({0, 1, 3})
"""An audit that forbids, and a lint that finds something, have done their work."""


def alike(nodes: int, path: Path) -> None:
    """Residual blocks of Conv and Relu, all of one shape."""
    from network import Network  # numpy, which the process that measures must not hold

    network, x = Network((1, 8, 16, 16)), "input"
    for _ in range(nodes // 3):
        y = network.node("Conv", x, network.weight(8, 8, 1, 1), network.weight(8), kernel_shape=[1, 1])
        x = network.node("Add", x, network.node("Relu", y))
    network.write(path, (1, 8, 16, 16))


def different(nodes: int, path: Path) -> None:
    """Conv and Relu, where every pair has another size: maps grow in one direction by a row or shrink by a column."""
    from network import Network

    height = width = 16
    network, x, down = Network((1, 4, height, width)), "input", False
    for _ in range(nodes // 2):
        pads, kernel = [0, 0, 0, 1], [1, 1]
        if down:
            pads, kernel = [0, 0, 0, 0], [1, 2]
        if (not down and width == 300) or (down and width == 8):
            pads, kernel, down, height = [0, 0, 1, 0], [1, 1], not down, height + 1
        else:
            width += -1 if down else 1
        weights = network.weight(4, 4, *kernel), network.weight(4)
        x = network.node("Relu", network.node("Conv", x, *weights, kernel_shape=kernel, pads=pads))
    network.write(path, (1, 4, height, width))


FAMILIES = {"alike": alike, "different": different}


def tools(peers: str, model: str, folder: str) -> dict[str, tuple[str, ...]]:
    """The command of every tool on one file."""
    out = str(Path(folder, "out.onnx"))
    session = "import sys, onnxruntime; onnxruntime.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider'])"
    profiler = "import sys, onnx_tool; m = onnx_tool.Model(sys.argv[1]); m.graph.shape_infer(); m.graph.profile()"
    run_of = "from {0} import main; import sys; sys.argv[0] = '{1}'; sys.exit(main())"
    polygraphy = run_of.format("polygraphy.tools", "polygraphy")
    return {
        "F": python(FLOOR, model),
        "import onnx": python("import onnx"),
        "safecheck audit": (SAFECHECK, "audit", "--no-cache", model),
        "onnx.checker": python("import sys, onnx; onnx.checker.check_model(sys.argv[1])", model),
        "onnxruntime session": (peers, "-c", session, model),
        "polygraphy inspect": (peers, "-c", polygraphy, "inspect", "model", model),
        "polygraphy lint": (peers, "-c", polygraphy, "check", "lint", model),
        "onnx-tool": (peers, "-c", profiler, model),
        "onnxslim": (peers, "-c", run_of.format("onnxslim", "onnxslim"), model, out),
        "onnxsim": (peers, "-c", run_of.format("onnxsim", "onnxsim"), model, out),
    }


def measured(commands: dict[str, tuple[str, ...]], rounds: int, most_s: int) -> dict[str, list[Cost]]:
    """What each command took, round by round; a tool that fails on the file, or takes too long, is left out."""
    found: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name in list(found):
            try:
                cost = run(commands[name], CODES, most_s)
            except RunError as error:
                print(f"  {name}: left out: {str(error)[-120:]}", file=sys.stderr)
                del found[name]
                continue
            if number:
                found[name].append(cost)
    return found


def row(name: str, costs: list[Cost], base: list[Cost]) -> dict[str, object]:
    ratios = [cost.cpu_s / other.cpu_s for cost, other in zip(costs, base, strict=True)]
    return {
        "tool": name,
        "cpu_s": round(statistics.median(cost.cpu_s for cost in costs), 3),
        "of_F": round(statistics.median(ratios), 2),
        "peak_mb": round(max(cost.rss_mb for cost in costs)),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", default=sys.executable, help="the Python that has the other tools")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 1000, 10000, 50000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--most", type=int, default=600, help="CPU seconds after which a tool is left out (600)")
    parser.add_argument("--tools", nargs="+", help="only these, beside F")
    parser.add_argument("--json", type=Path, help="write the table here, too")
    parser.add_argument("--make", nargs=3, metavar=("FAMILY", "NODES", "FILE"), help="only make one file")
    chosen = parser.parse_args()
    if chosen.make:
        family, nodes, file = chosen.make
        FAMILIES[family](int(nodes), Path(file))
        return 0
    versions = json.loads(subprocess.run([chosen.peers, "-c", ASK, *VERSIONS], capture_output=True, check=True).stdout)
    about = {
        "date": str(datetime.date.today()),
        "machine": f"{processor()}, {os.cpu_count()} processors, {platform.system()}",
        "load": round(os.getloadavg()[0], 1),
        "rounds": chosen.rounds,
        "python": platform.python_version(),
        "safecheck": __version__,
        **versions,
    }
    print(json.dumps(about))
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for family in chosen.families:
            for size in chosen.sizes:
                model = Path(folder, f"{family}-{size}.onnx")
                maker = (sys.executable, __file__, "--make", family, str(max(size, 3)), str(model))
                subprocess.run(maker, check=True)
                commands = tools(chosen.peers, str(model), folder)
                kept = {
                    name: argv for name, argv in commands.items() if not chosen.tools or name in ("F", *chosen.tools)
                }
                costs = measured(kept, chosen.rounds, chosen.most)
                for name, each in costs.items():
                    line = {"family": family, "nodes": size, **row(name, each, costs["F"])}
                    rows.append(line)
                    print("{family:<10} {nodes:>6} {tool:<20} {cpu_s:>8} s {of_F:>7} F {peak_mb:>6} MB".format(**line))
                if chosen.json:
                    found = json.dumps({"about": about, "rows": rows}, indent=1)
                    chosen.json.write_text(found + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
