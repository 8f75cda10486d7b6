"""Latency of the reference networks by `safecheck bench`, kept with machine, versions and date in `results/`.

The networks are exported by `safecheck zoo` (extra `zoo`) with seeded weights: latency does not depend on their values.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
NETWORKS = ("csa-tiny", "swin-tiny", "convnext-tiny", "cvt-13")


def exported(folder: Path, batch: int) -> list[Path]:
    paths = [folder / f"{name}.onnx" for name in NETWORKS]
    for path in paths:
        command = [
            sys.executable,
            "-m",
            "safecheck",
            "zoo",
            "export",
            path.stem,
            "-o",
            str(path),
            "--batch",
            str(batch),
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return paths


def table(found: dict[str, object], names: dict[str, str], load: str) -> str:
    """The measurements as Markdown, each network's median also as a ratio to that of the first."""
    machine, settings = found["machine"], found["settings"]
    assert isinstance(machine, dict)
    assert isinstance(settings, dict)
    parts = found["measurements"]
    assert isinstance(parts, list)
    values = {(names[part["model"]], part["precision"], part["batch"], part["metric"]): part["value"] for part in parts}
    lines = [
        f"Machine: {machine['processor']}, {machine['cores']} cores, {machine['system']}, "
        f"GPU: {machine['gpu'] or 'none'}, Python {machine['python']}, {parts[0]['versions']}; {parts[0]['date']}.",
        f"Backend {settings['backend']}, {settings['runs']} runs; load average before and after: {load}.", "",
        "| network | precision | batch | median ms | p95 ms | p99 ms | frames/s | median, ratio to the first |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    first: dict[tuple[str, int], float] = {}
    for name, precision, batch, metric in values:
        if metric != "latency":
            continue
        row = [values.get((name, precision, batch, metric)) for metric in ("latency", "latency-p95", "latency-p99")]
        times = " | ".join("not measured" if value is None else f"{value:.1f}" for value in row)
        median = values[name, precision, batch, "latency"]
        ratio = median / first.setdefault((precision, batch), median)
        frames = values[name, precision, batch, "throughput"]
        lines.append(f"| {name} | {precision} | {batch} | {times} | {frames:.1f} | {ratio:.2f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help="in place of the reference networks")
    parser.add_argument("--batch", type=int, default=1, help="of the exported networks")
    parser.add_argument("--name", default="cpu-onnxruntime", help="of the files in the results folder")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--bench", default="", help="more options of safecheck bench, such as '--backend trtexec'")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(model) for model in arguments.models] or exported(Path(name), arguments.batch)
        names = {sha256(path.read_bytes()).hexdigest(): path.stem for path in paths}
        arguments.results.mkdir(exist_ok=True)
        target = arguments.results / f"{arguments.name}.json"
        command = [sys.executable, "-m", "safecheck", "bench", *map(str, paths), "--batch", str(arguments.batch)]
        before = os.getloadavg()[0]
        subprocess.run([*command, "-o", str(target), *arguments.bench.split()], check=True)
        text = table(json.loads(target.read_text()), names, f"{before:.1f}, {os.getloadavg()[0]:.1f}")
    target.with_suffix(".md").write_text(text)
    print(f"\n{text}", end="")


if __name__ == "__main__":
    main()
