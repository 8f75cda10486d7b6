"""Feed the harnesses: `python tests/fuzz/run.py [HARNESS...] --seconds 300 --seed 7 --crashers FOLDER`.

With Atheris (extra `fuzz`) inputs are grown by coverage. Without it, or with `--plain`, they come from a seeded
generator: the same seed gives the same inputs on every machine, which is what the continuous integration runs, by
`--runs`. What a harness raises is written to the folder, one file for each place it is raised at, and the run goes on.
The exit code is 1 if there was anything: an error, a crash, a hang, more than 60 s or 2 GiB.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import random
import resource
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "fuzz")]

NAMES = ("intake", "audit", "fix", "rules", "deviations", "configurations", "reports", "logs", "writers")
UNGUIDED = ("fix",)
"""What does its work in another process, of which nothing is covered here."""
MOST_SECONDS = 60
MOST_BYTES = 2 << 30
ADDRESS_SPACE = 8 << 30


class Keeper:
    """Runs inputs, counts them, and keeps what is raised."""

    def __init__(self, name: str, harness: Callable[[bytes], bool], folder: Path) -> None:
        self.name, self.harness, self.folder = name, harness, folder
        self.runs, self.accepted, self.slowest = 0, 0, 0.0
        self.began = _processor_time()
        self.found: set[str] = set()

    def __call__(self, data: bytes) -> None:
        """One input."""
        self.runs += 1
        before = _processor_time()
        try:
            self.accepted += self.harness(data)
        except Exception as error:
            self.keep(data, error)
        self.slowest = max(self.slowest, _processor_time() - before)

    def keep(self, data: bytes, error: Exception) -> None:
        """Write an input that raises at a new place."""
        frames = traceback.extract_tb(error.__traceback__)
        place = next((frame for frame in reversed(frames) if "safecheck" in frame.filename), frames[-1])
        where = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
        if where in self.found:
            return
        self.found.add(where)
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{self.name}-{hashlib.sha256(data).hexdigest()[:12]}"
        file.write_bytes(data)
        file.with_suffix(".txt").write_text(
            "".join(traceback.format_exception(error)), encoding="utf-8", errors="replace"
        )
        print(f"{self.name}: {where}: {file}", flush=True)

    def report(self) -> bool:
        """One line with the figures; whether all went well."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(
            f"{self.name}: {self.runs} inputs, {self.accepted} accepted, {len(self.found)} crashers, "
            f"{_processor_time() - self.began:.0f} s, slowest {self.slowest:.1f} s, peak {peak >> 20} MiB", flush=True,
        )  # fmt: skip
        return not self.found and self.slowest <= MOST_SECONDS and peak <= MOST_BYTES


def _processor_time() -> float:
    """Seconds of this process and of those that it waited for: how busy the machine is does not count."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in used)


def plain(keeper: Keeper, seed: int, seconds: float, runs: int) -> None:
    """Inputs from a seeded generator, each of up to 200 bytes; of intake, spoilt models."""
    from networks import seeds

    numbers = random.Random(f"{keeper.name} {seed}")
    end = time.monotonic() + seconds
    while keeper.runs < runs and time.monotonic() < end:
        data = bytearray(numbers.randbytes(numbers.randrange(200)))
        if keeper.name == "intake":
            data = bytearray(numbers.choice(seeds()))
            for _ in range(numbers.randrange(1, 6)):
                at = numbers.randrange(len(data))
                data[at : at + numbers.randrange(3)] = numbers.randbytes(numbers.randrange(4))
        keeper(bytes(data))


def guided(keeper: Keeper, seed: int, seconds: float, runs: int) -> None:
    """Inputs by coverage; the library ends the process, so the figures are told before."""
    import atheris
    from networks import seeds

    end = time.monotonic() + seconds
    corpus = keeper.folder / f"corpus-{keeper.name}"
    corpus.mkdir(parents=True, exist_ok=True)
    numbers = random.Random(f"{keeper.name} {seed}")
    decided = (numbers.randbytes(numbers.randrange(200)) for _ in range(200))  # alone it would begin with no change
    for content in seeds()[:200] if keeper.name == "intake" else decided:
        (corpus / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)

    def once(data: bytes) -> None:
        keeper(data)
        if keeper.runs >= runs or time.monotonic() >= end:
            os._exit(0 if keeper.report() else 1)  # an exception would be told as a crash

    options = [
        f"-seed={seed}",
        "-timeout=120",
        "-rss_limit_mb=4096",
        "-verbosity=0",
        "-close_fd_mask=0",
        f"-artifact_prefix={keeper.folder}/native-",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], once, enable_python_coverage=True)
    atheris.Fuzz()


def one(name: str, arguments: argparse.Namespace) -> None:
    """One harness in this process."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    use = None if arguments.plain or name in UNGUIDED else _atheris()
    if use is not None:
        with use.instrument_imports(include=["safecheck"]):
            from harnesses import HARNESSES
    else:
        from harnesses import HARNESSES
    keeper = Keeper(name, HARNESSES[name], Path(arguments.crashers))
    (plain if use is None else guided)(keeper, arguments.seed, arguments.seconds, arguments.runs)
    raise SystemExit(0 if keeper.report() else 1)


def _atheris() -> object | None:
    try:
        import atheris
    except ImportError:
        print("Atheris is not installed (extra 'fuzz'): inputs come from a seeded generator", file=sys.stderr)
        return None
    return atheris


def main() -> int:
    """All harnesses that are named, one after the other, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("harness", nargs="*", help=", ".join(NAMES))
    parser.add_argument("--seconds", type=float, default=300, help="for each harness")
    parser.add_argument("--runs", type=int, default=sys.maxsize, help="inputs for each harness")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--crashers", default="crashers", metavar="FOLDER")
    parser.add_argument("--plain", action="store_true", help="without Atheris")
    arguments = parser.parse_args()
    if unknown := set(arguments.harness) - set(NAMES):
        parser.error(f"no such harness: {', '.join(sorted(unknown))}")
    failed = False
    for name in arguments.harness or NAMES:
        process = multiprocessing.get_context("spawn").Process(target=one, args=(name, arguments))
        process.start()
        process.join(arguments.seconds + 300)
        if process.exitcode is None:
            process.kill()
            print(f"{name}: hangs", flush=True)
        failed |= process.exitcode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
