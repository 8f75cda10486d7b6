"""What `fix` leaves of networks that driving teams use: export them small, fix each, and say what stays and why.

    pip install torch torchvision timm transformers onnxscript
    python benchmarks/networks.py export FOLDER [NAME ...]
    python benchmarks/networks.py fix FOLDER [--profile ID] [NAME ...]    # needs safecheck only
    python benchmarks/networks.py write FOLDER                            # docs/fix-networks.md

Weights are random: what is left of a network depends on its structure. Every network is exported by both exporters of
PyTorch, some once more as onnxruntime quantises them. An export that is there is not made again, and one that was
fixed is not fixed again unless it is named: `FOLDER/PROFILE.jsonl` has a line for each. What a network computes is
compared by `fix` itself; under 10.x the vendor's own check is asked about every result, too (extra `oracle`).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
EXPORTERS = ("dynamo", "torchscript")
PROFILES = ("tensorrt-8.6-restricted", "tensorrt-10-safety")
PAGE = ROOT / "docs" / "fix-networks.md"
COMPLIANT = "compliant"
_NO_EQUIVALENT = "no-permitted-equivalent"
_MEMORY = ("--limit-memory", "6")

Row = dict[str, Any]
"""What became of one export: name, verdict or what went wrong, seconds, what is left with its reason."""


def export(folder: Path, names: list[str], exporters: Sequence[str]) -> None:
    """Write every network that is not there yet by these exporters; what cannot be exported is said."""
    import torch
    from architectures import birds_eye, detectors, lanes, transformers_of, vision

    folder.mkdir(parents=True, exist_ok=True)
    rooms = (vision, transformers_of, detectors, birds_eye, lanes)
    for name, make in [entry for room in rooms for entry in room.NETWORKS.items()]:
        if names and name not in names:
            continue
        for exporter in exporters:
            _once(folder / f"{name}__{exporter}.onnx", lambda path, make=make: _export(torch, make, path))  # type: ignore[misc]
        if name in lanes.QUANTISED and "torchscript" in exporters:
            plain = folder / f"{name}__torchscript.onnx"
            _once(folder / f"{name}_quantised__torchscript.onnx", lambda path, plain=plain: _quantise(plain, path))  # type: ignore[misc]


def _once(path: Path, make: Callable[[Path], None]) -> None:
    if path.exists():
        return
    try:
        make(path)
        print(path.stem, flush=True)
    except Exception as error:  # exporters raise anything
        path.unlink(missing_ok=True)
        print(f"{path.stem}: not exported: {(str(error) or repr(error)).splitlines()[0][:200]}", flush=True)


def _export(torch: Any, make: Callable[[], tuple[Any, Any]], path: Path) -> None:
    torch.manual_seed(0)
    module, example = make()
    examples = example if isinstance(example, tuple) else (example,)
    if path.stem.endswith("dynamo"):
        torch.onnx.export(module.eval(), examples, str(path), dynamo=True, external_data=False, verbose=False)
    else:
        torch.onnx.export(module.eval(), examples, str(path), dynamo=False, opset_version=17)


def _quantise(plain: Path, path: Path) -> None:
    """Static quantisation with QuantizeLinear and DequantizeLinear around every operator, as onnxruntime does it."""
    import numpy
    import onnxruntime.quantization as quantization

    class Noise(quantization.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            import onnx

            value = onnx.load(plain).graph.input[0]
            shape = [size.dim_value for size in value.type.tensor_type.shape.dim]
            random = numpy.random.default_rng(0)
            self.feeds = iter([{value.name: random.standard_normal(shape, numpy.float32)} for _ in range(4)])

        def get_next(self) -> Any:
            return next(self.feeds, None)

    quantization.quantize_static(
        plain, path, Noise(), quant_format=quantization.QuantFormat.QDQ, per_channel=True,
        activation_type=quantization.QuantType.QInt8, weight_type=quantization.QuantType.QInt8,
        extra_options={"ActivationSymmetric": True, "WeightSymmetric": True},
    )  # fmt: skip


def fix(folder: Path, names: list[str], profile: str, limit: int, options: list[str]) -> None:
    """Fix every export in a process of its own, and write down what is left of each."""
    rows = _rows(folder, profile)
    for path in sorted(folder.glob("*__*.onnx")):
        if path.stem.split("__")[0] not in names if names else path.stem in rows:
            continue
        row = _fixed(path, folder / "fixed" / profile / path.name, profile, limit, options)
        rows[path.stem] = row
        with (folder / f"{profile}.jsonl").open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(row) + "\n")
        words = ", ".join(f"{number} {operator}" for operator, number in _left(row).items())
        print(f"{row['name']:40s} {row['verdict']:14s} {row['seconds']:6.1f} s  {row['vendor']}  {words}", flush=True)
    _summary(list(rows.values()), profile)


def _rows(folder: Path, profile: str) -> dict[str, Row]:
    """The last line of every export that is still there, by its name."""
    file = folder / f"{profile}.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    rows = {row["name"]: row for row in map(json.loads, lines)}
    return {name: row for name, row in sorted(rows.items()) if (folder / f"{name}.onnx").exists()}


def _left(row: Row) -> Counter[str]:
    return Counter(operator for operator, _ in row["left"])


def _summary(rows: list[Row], profile: str) -> None:
    done = sum(row["verdict"] == COMPLIANT for row in rows)
    print(f"\n{done} of {len(rows)} compliant under {profile}\n")
    for reason, named in _grouped(rows):
        print(f"{len(named):4d} files, {reason[:300]}\n        {', '.join(named[:6])}")


def _fixed(path: Path, out: Path, profile: str, limit: int, options: list[str]) -> Row:
    """What `safecheck fix` reports of one export, or what went wrong."""
    out.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    row: Row = {"name": path.stem, "verdict": "failed", "left": [], "vendor": "", "price": None, "difference": None}
    try:
        found = _asked(
            "fix", path, "--profile", profile, "-o", out, "--output", "json", *_MEMORY, *options, limit=limit
        )
    except (subprocess.TimeoutExpired, ValueError) as failure:
        words = f"not finished in {limit} s" if isinstance(failure, subprocess.TimeoutExpired) else str(failure)
        return {**row, "left": [("fix", words)], "seconds": time.monotonic() - start}
    places = [finding["location"] for finding in found["findings"]]
    left = {
        (place["scope"], place["index"]): (str(place["op_type"]) or "network", entry["reason"])
        for place, entry in zip(places, found["left"], strict=True)
    }
    whole = found["whole_model"]
    row |= {
        "verdict": found["verdict"],
        "seconds": time.monotonic() - start,
        "left": list(left.values()),
        "price": found["price"]["ratio"],
        "difference": next((one["max_rel_error"] for one in whole["samples"] if one["kind"] == "normal"), None)
        if whole
        else None,
    }
    if profile != PROFILES[0]:
        row["vendor"] = _vendor(out, profile)
    return row


def _vendor(path: Path, profile: str) -> str:
    """What the vendor's own check says of a file, and whether its network computes the same."""
    try:
        found = _asked("audit", path, "--profile", profile, "--confirm", "--no-cache", "--output", "json", limit=300)
    except (subprocess.TimeoutExpired, ValueError) as failure:
        return f"not asked: {failure}"
    said = found["confirmation"]
    scope = "in scope" if said["in_scope"] else f"refused {said['refusals'][:1]}" if said["checked"] else said["reason"]
    return f"{scope}, {said['translation']['status']}" if said["translation"] else str(scope)


def write(folder: Path) -> None:
    """Make the page of what is written down about both profiles."""
    PAGE.write_text(
        "\n".join(_page({profile: _rows(folder, profile) for profile in PROFILES})) + "\n", encoding="utf-8"
    )


_OPENING = """\
# `fix` on the networks of driving teams

{exports} exports of {networks} networks with random weights at batch 1 and small inputs, depths cut to one or two
blocks of each kind (`benchmarks/architectures`), by one or both exporters of PyTorch (and `_quantised` by onnxruntime).
This page is generated by `python benchmarks/networks.py write FOLDER` from what `safecheck fix --io 4d` reported.

*Difference* is the largest of any output on normal inputs, relative to the largest of its channel, between the bytes of
the original and of the result; of a vector, every element is a channel. So RepVGG's is that of a score of 1.8e-5 beside
others up to 0.13: held against double precision, that result is off by 1.8e-4 of a score at most, the original by
5.3e-4. *Price* is the estimate of the result over that of the original. *Vendor* is what
NVIDIA's own 10.x check says of the result, and whether its network computes the same as the file. An export that was
not run under a profile has no verdict there, and counts nowhere. A row stays until its export is run again, so not all
are of the same version. Where something has no equivalent, the nodes around it are left as well, without a reason of
their own below.
"""


def _page(found: dict[str, dict[str, Row]]) -> Iterator[str]:
    names = sorted({name for rows in found.values() for name in rows})
    yield _OPENING.format(
        exports=len(names), networks=len({name.split("__")[0].removesuffix("_quantised") for name in names})
    )
    for profile, rows in found.items():
        yield f"- `{profile}`: {sum(row['verdict'] == COMPLIANT for row in rows.values())} of {len(rows)} end compliant"
    restricted, safety = found.values()
    yield "\n| export | 8.6-restricted | difference | price | 10-safety | vendor |\n|---|---|--:|--:|---|---|"
    for name in names:
        first, second = restricted.get(name), safety.get(name)
        yield f"| {name} | {' | '.join((*_cells(first), _verdict(second), second['vendor'] if second else ''))} |"
    yield "\n## What is left, and why"
    for profile, rows in found.items():
        yield f"\n### {profile}\n"
        for reason, files in _grouped(list(rows.values())):
            yield f"- {reason} ({len(files)}: {', '.join(files)})"
        if all(row["verdict"] == COMPLIANT for row in rows.values()):
            yield "Nothing."


def _cells(row: Row | None) -> tuple[str, str, str]:
    if row is None:
        return "", "", ""
    difference = "" if row["difference"] is None else f"{row['difference']:.1e}"
    return _verdict(row), difference, "" if row["price"] is None else f"x{row['price']:.1f}"


def _verdict(row: Row | None) -> str:
    if row is None:
        return ""
    words = ", ".join(f"{number} {operator}" for operator, number in _left(row).items())
    return COMPLIANT if row["verdict"] == COMPLIANT else f"{row['verdict']}: {words}"


def _grouped(rows: list[Row]) -> list[tuple[str, list[str]]]:
    """Reasons with the exports that have them, those of most exports first.

    Where something has no equivalent, what lies around it is left for that, and has no line of its own.
    """
    files: dict[str, dict[str, None]] = {}
    for row in rows:
        hard = [entry for entry in row["left"] if entry[1].startswith(_NO_EQUIVALENT)]
        for operator, reason in hard or row["left"]:
            files.setdefault(f"{operator}: {reason}", {})[row["name"]] = None
    return sorted(((reason, list(named)) for reason, named in files.items()), key=lambda entry: -len(entry[1]))


def _asked(command: str, path: Path, *options: Any, limit: int) -> Any:
    """The JSON report of a command; ValueError with its first line of words if there is none."""
    call = [sys.executable, "-m", "safecheck", command, str(path), *map(str, options)]
    done = subprocess.run(call, capture_output=True, text=True, timeout=limit, check=False)
    if not done.stdout:
        raise ValueError(done.stderr.strip().splitlines()[0].replace(str(path), path.name)[:300])
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["export", "fix", "write"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--profile", default=PROFILES[0], choices=PROFILES)
    parser.add_argument("--exporter", choices=EXPORTERS, help="this one only")
    parser.add_argument("--limit", type=int, default=300, metavar="SECONDS", help="of each network")
    parser.add_argument("--keep-interface", action="store_true", help="fix without --io 4d")
    given = parser.parse_intermixed_args()
    if given.what == "export":
        export(given.folder, given.names, [given.exporter] if given.exporter else EXPORTERS)
    elif given.what == "fix":
        fix(given.folder, given.names, given.profile, given.limit, [] if given.keep_interface else ["--io", "4d"])
    else:
        write(given.folder)


if __name__ == "__main__":
    main()
