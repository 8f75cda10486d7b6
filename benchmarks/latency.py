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
from typing import Any

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


def table(rounds: list[dict[str, Any]], names: dict[str, str], load: str) -> str:
    """The least disturbed round as Markdown, with the medians of all of them and the ratio to the first network."""
    best = quietest(rounds)
    machine, settings, parts = best["machine"], best["settings"], best["measurements"]
    lines = [
        f"Machine: {machine['processor']}, {machine['cores']} cores, {machine['system']}, "
        f"GPU: {machine['gpu'] or 'none'}, Python {machine['python']}, {parts[0]['versions']}; {parts[0]['date']}.",
        f"Backend {settings['backend']}, {settings['runs']} runs, the round with the smallest sum of medians of "
        f"{len(rounds)} rounds; load average before and after: {load}. Other work only ever makes a round slower.", "",
        "| network | precision | batch | median ms | p95 ms | p99 ms | frames/s | median, ratio to the first "
        "| medians of all rounds, ms |",
        "|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    every = [_values(found, names) for found in rounds]
    values = _values(best, names)
    first: dict[tuple[str, int], float] = {}
    for name, precision, batch, metric in values:
        if metric != "latency":
            continue
        row = [values.get((name, precision, batch, metric)) for metric in ("latency", "latency-p95", "latency-p99")]
        times = " | ".join("not measured" if value is None else f"{value:.1f}" for value in row)
        median = values[name, precision, batch, "latency"]
        ratio = median / first.setdefault((precision, batch), median)
        frames = values[name, precision, batch, "throughput"]
        medians = ", ".join(f"{one[name, precision, batch, 'latency']:.1f}" for one in every)
        lines.append(f"| {name} | {precision} | {batch} | {times} | {frames:.1f} | {ratio:.2f} | {medians} |")
    return "\n".join(lines) + "\n"


def quietest(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """The round with the smallest sum of medians."""
    return min(
        rounds, key=lambda found: sum(part["value"] for part in found["measurements"] if part["metric"] == "latency")
    )


def _values(found: dict[str, Any], names: dict[str, str]) -> dict[tuple[str, str, int, str], float]:
    return {
        (names[part["model"]], part["precision"], part["batch"], part["metric"]): part["value"]
        for part in found["measurements"]
        if part["metric"] != "top-1"
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help="in place of the reference networks")
    parser.add_argument("--batch", type=int, default=1, help="of the exported networks")
    parser.add_argument("--rounds", type=int, default=5, help="over all networks; the least disturbed one is kept")
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
        texts = []
        for _ in range(arguments.rounds):
            subprocess.run([*command, "-o", str(target), *arguments.bench.split()], check=True)
            texts.append(target.read_text())
        rounds = [json.loads(text) for text in texts]
        target.write_text(texts[rounds.index(quietest(rounds))])
        text = table(rounds, names, f"{before:.1f}, {os.getloadavg()[0]:.1f}")
    target.with_suffix(".md").write_text(text)
    print(f"\n{text}", end="")


if __name__ == "__main__":
    main()
