"""Have a plan carried out, and believe only what has really been built.

A builder writes into a folder of its own beside the engine; what is complete is moved into place in one step.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from safecheck.errors import BuildError, UsageError, pip_install
from safecheck.machine.process import LOG_LIMIT, Limits, Run, run
from safecheck.nvidia import engine, log
from safecheck.nvidia.plan import BuildPlan
from safecheck.text import printable

HOW = (
    f"install TensorRT ({pip_install('tensorrt')}) on a machine with an NVIDIA GPU, or give --trtexec PATH; "
    "--plan prints the trtexec line for another machine, and --import LOG ENGINE takes what it made"
)


@dataclass(frozen=True, slots=True)
class Places:
    """Where things go."""

    engine: Path

    @property
    def log(self) -> Path:
        """The whole log of a builder that built or refused."""
        return self.engine.with_name(self.engine.name + ".log")

    @property
    def failed_log(self) -> Path:
        """The log of a builder that gave no answer: what was built before keeps its own."""
        return self.engine.with_name(self.engine.name + ".failed.log")

    @property
    def layers(self) -> Path:
        """Layer information of the engine."""
        return self.engine.with_name(self.engine.name + ".layers.json")


class Job(NamedTuple):
    """What is started for a plan."""

    command: Sequence[str]
    given: bytes
    """Its standard input."""
    shown: str
    """The same as a line for a shell, with the places where things will be; empty if there is none."""


class Builder(Protocol):
    """Who builds: a trtexec, or the package of an interpreter."""

    @property
    def name(self) -> str:
        """`tensorrt` or `trtexec`."""

    @property
    def release(self) -> str:
        """What it says it is; empty if it does not say."""

    def job(self, plan: BuildPlan, model: str, made: Places, kept: Places) -> Job:
        """What builds into the places `made`, from where it is moved to `kept`."""


@dataclass(frozen=True, slots=True)
class Built:
    """What a builder did: an engine, or a refusal."""

    plan: BuildPlan
    command: str
    summary: log.Summary
    seconds: float
    succeeded: bool


def carry_out(plan: BuildPlan, builder: Builder, model: str, places: Places, timeout: float) -> Built:
    """Build; afterwards the log is in its place, and so are engine and layer information if it succeeded.

    Raises:
        BuildError: the builder said neither yes nor no; there is no engine then.
        UsageError: the folder of the engine cannot be written.
    """
    with _workshop(places.engine) as folder:
        made = Places(folder / "engine")
        job = builder.job(plan, model, made, places)
        with made.log.open("wb") as file:
            done = run(job.command, file, Limits(timeout), job.given)
        summary = log.read(made.log)
        try:
            succeeded = _answer(done, summary, made.engine, places.failed_log)
        except BuildError:
            os.replace(made.log, places.failed_log)
            raise
        os.replace(made.log, places.log)
        if succeeded:
            os.chmod(made.engine, 0o666 & ~_umask())
            places.layers.unlink(missing_ok=True)  # those of an earlier engine
            if made.layers.is_file():
                os.replace(made.layers, places.layers)
            os.replace(made.engine, places.engine)
    return Built(plan, job.shown, summary, done.seconds, succeeded)


@contextmanager
def _workshop(target: Path) -> Iterator[Path]:
    try:
        folder = tempfile.mkdtemp(dir=target.absolute().parent, prefix=".safecheck-build-")
    except OSError as error:
        what = f"nothing can be written here: {error.strerror}"
        raise UsageError("SC-OUT-PATH", printable(str(target)), what, "write somewhere else") from None
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _answer(done: Run, summary: log.Summary, made: Path, kept: Path) -> bool:
    """Whether it built; anything between yes and no is an error."""
    look = f"read {printable(str(kept))}"
    if done.flooded:
        _fail("SC-BUILD-LOG", f"the builder wrote more than {LOG_LIMIT >> 20} MiB of log and was stopped", look)
    if done.timed_out:
        what = f"the builder did not end within {done.seconds:.0f} s and was stopped"
        _fail("SC-BUILD-TIMEOUT", what, f"allow more with --timeout, or {look}")
    if done.crash:
        _fail("SC-BUILD-CRASH", f"the builder crashed ({done.crash})", look)
    if done.code == engine.NO_GPU or (summary.no_gpu and not summary.passed):
        _fail("SC-BUILD-NOGPU", f"nothing was built: the builder finds no GPU ({_short(summary.no_gpu)})", HOW)
    if summary.passed is None:
        _fail("SC-BUILD-GARBAGE", "the log has no closing mark of a build, so nothing it says is believed", look)
    if done.code == 0 and summary.passed:
        _check_engine(made, summary, look)
        return True
    if done.code == 0 or summary.passed:
        _fail("SC-BUILD-GARBAGE", f"exit code {done.code} and the log contradict each other", look)
    if not summary.errors and not summary.no_safety:
        _fail("SC-BUILD-FAILED", f"the builder failed with exit code {done.code} and gave no reason", look)
    return False


def _check_engine(made: Path, summary: log.Summary, look: str) -> None:
    size = made.stat().st_size if made.is_file() else 0
    if not size:
        _fail("SC-BUILD-NOENGINE", "the builder reports success, but there is no engine", look)
    said = summary.size_mib
    if said is not None and abs(size / (1 << 20) - said) > max(1e-4 * said, 1e-5):
        what = f"the engine has {size} bytes, the builder speaks of {said:g} MiB: it is not complete"
        _fail("SC-BUILD-HALF", what, look)


def _short(text: str) -> str:
    return printable(text, 120) or "no reason given"


def _fail(code: str, what: str, todo: str) -> None:
    raise BuildError(code, "", what, todo)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
