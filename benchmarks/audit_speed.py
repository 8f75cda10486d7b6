"""What an audit costs beside the least that any tool must do: load the model with onnx and hash the file."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

from measure import Argv, Cost, RunError, paired

FLOOR = """
import hashlib, sys
import onnx
onnx.load(sys.argv[1])
with open(sys.argv[1], "rb") as file:
    hashlib.file_digest(file, "sha256").hexdigest()
"""
RULES = "from safecheck.rulebook.load import profile"
LOAD_RULES = f"{RULES}; profile('tensorrt-8.6-restricted')"
SAFECHECK = str(Path(sys.executable).with_name("safecheck"))
ROW = "{:<18} {:>8} {:>11} {:>8} {:>8} {:>8} {:>8}  {}"


@dataclass(frozen=True, slots=True)
class Case:
    """One comparison."""

    name: str
    model: bool = True
    """Whether `safecheck audit` of the model of this name is measured."""
    ours: tuple[str, ...] = ()
    """The command, if not an audit."""
    reference: tuple[str, ...] | None = None
    """The command to compare with, `MODEL` standing for the file; None for none."""
    ratio: float | None = None
    """Limit of our CPU time in units of the reference."""
    extra_ms: float | None = None
    """Limit of our CPU time beyond the reference, in milliseconds."""
    rss_mb: float | None = None
    disk_gb: float = 0.2
    """Room the model takes while the case runs."""


def python(code: str, *arguments: str) -> tuple[str, ...]:
    # -P: the installed package, not the sources that may lie in the current folder
    return (sys.executable, "-P", "-c", code, *arguments)


ON_MODEL = python(FLOOR, "MODEL")
CASES = (
    Case("csa-tiny", reference=ON_MODEL, ratio=1.0),
    Case("inline-1.5gb", reference=ON_MODEL, ratio=0.5, rss_mb=300, disk_gb=1.6),
    Case("external-4gb", rss_mb=300),
    Case("nodes-100", reference=python("import onnx"), ratio=1.6),
    Case("nodes-10000", reference=ON_MODEL, ratio=3.0),
    Case("nodes-10000-narrow", reference=ON_MODEL, ratio=3.0),
    Case("help", False, (SAFECHECK, "--help"), python("pass"), ratio=3.0),
    Case("import", False, python("import safecheck"), python("pass"), ratio=1.1),
    Case("rules", False, python(LOAD_RULES), python(RULES), extra_ms=60),
)


def commands(case: Case, model: Path) -> tuple[Argv, Argv | None]:
    ours = (SAFECHECK, "audit", "--no-cache", str(model)) if case.model else case.ours
    if case.reference is None:
        return ours, None
    return ours, [str(model) if word == "MODEL" else word for word in case.reference]


@contextmanager
def made(case: Case, keep: Path | None) -> Iterator[Path]:
    """The model of a case, in a folder that is gone afterwards unless it is to be kept."""
    with tempfile.TemporaryDirectory(prefix="safecheck-benchmark-", dir=keep) as temporary:
        path = Path(temporary, f"{case.name}.onnx")
        kept = keep / path.name if keep else path
        if case.model and not kept.exists():
            if shutil.disk_usage(temporary).free < case.disk_gb * 1e9:
                raise RunError(f"{case.name} needs {case.disk_gb} GB of disk; point TMPDIR or --keep at a larger one")
            maker = Path(__file__).with_name("models.py")
            subprocess.run([sys.executable, str(maker), case.name, str(path)], check=True)
            if keep:
                for file in sorted(Path(temporary).iterdir()):  # the data before the model
                    file.rename(keep / file.name)
        yield kept


def row(case: Case, ours: Cost, reference: Cost | None) -> tuple[str, bool]:
    """One line of the table, and whether a limit is exceeded."""
    over = case.rss_mb is not None and ours.rss_mb > case.rss_mb
    measured = limit = "-"
    if reference is not None and case.ratio is not None:
        ratio = ours.cpu_s / reference.cpu_s
        over, measured, limit = over or ratio > case.ratio, f"{ratio:.2f}", f"{case.ratio:.2f}"
    elif reference is not None and case.extra_ms is not None:
        extra = 1000 * (ours.cpu_s - reference.cpu_s)
        over, measured, limit = over or extra > case.extra_ms, f"+{extra:.0f} ms", f"+{case.extra_ms:.0f} ms"
    times = f"{ours.cpu_s:.3f}", "-" if reference is None else f"{reference.cpu_s:.3f}"
    memory = f"{ours.rss_mb:.0f}", "-" if case.rss_mb is None else f"{case.rss_mb:.0f}"
    return ROW.format(case.name, *times, measured, limit, *memory, "over" if over else "ok"), over


def is_editable() -> bool:
    origin = distribution("safecheck-trt").read_text("direct_url.json")
    return origin is not None and bool(json.loads(origin).get("dir_info", {}).get("editable"))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="pairs of runs per case (default: 7)")
    parser.add_argument("--only", choices=[case.name for case in CASES], help="run one case")
    parser.add_argument("--model", type=Path, metavar="FILE", help="use this file as the model of csa-tiny")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make the models here, keep and reuse them")
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a limit is exceeded")
    chosen = parser.parse_args()
    if chosen.runs < 1:
        parser.error("--runs must be at least 1")
    if chosen.model and not chosen.model.is_file():
        parser.error(f"there is no file {chosen.model}")
    return chosen


def main() -> int:
    chosen = arguments()
    if chosen.keep:
        chosen.keep.mkdir(parents=True, exist_ok=True)
    print(ROW.format("case", "ours s", "reference s", "ratio", "limit", "peak MB", "limit", ""), flush=True)
    failed = False
    for case in CASES:
        if chosen.only not in (None, case.name):
            continue
        given = chosen.model if case.name == "csa-tiny" else None
        exit_codes = frozenset({0, 1} if given else {0})
        with made(case, chosen.keep) if given is None else nullcontext(given) as model:
            line, over = row(case, *paired(*commands(case, model), chosen.runs, exit_codes))
        print(line, flush=True)
        failed |= over
    if is_editable():
        print("note: the import hook of this editable install slows every Python start, which flatters `help`")
    return 1 if failed and chosen.strict else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RunError as error:
        sys.exit(f"audit_speed: {error}")
