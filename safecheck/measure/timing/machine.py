"""Where and when something was measured."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from safecheck.errors import UsageError
from safecheck.text import printable


@dataclass(frozen=True, slots=True)
class Machine:
    """The computer that measured."""

    processor: str
    cores: int
    """Logical processors that this process may use."""
    system: str
    python: str
    gpu: str = ""
    """As the backend names it; empty if none took part."""


def this_machine() -> Machine:
    """The computer that runs this."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    return Machine(_processor(), cores, printable(system, 100), platform.python_version())


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    # x86 writes "model name"; ARM boards write "Hardware" or "Model", or nothing at all.
    for key in ("model name", "Hardware", "Model"):
        for line in lines:
            name, _, value = line.partition(":")
            if name.strip() == key and value.strip():
                return printable(value.strip(), 100)
    return printable(platform.processor() or platform.machine() or "unknown", 100)


def today() -> str:
    """The date (UTC) as `2026-01-31`; that of SOURCE_DATE_EPOCH where it is set, for files that can be made again.

    Raises:
        UsageError: SOURCE_DATE_EPOCH is no number of seconds.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is None:
        return datetime.now(UTC).date().isoformat()
    try:
        return datetime.fromtimestamp(int(given), UTC).date().isoformat()
    except (ValueError, OverflowError, OSError) as error:
        what = f"'{printable(given, 40)}' is no number of seconds"
        raise UsageError("SC-CFG-EPOCH", "SOURCE_DATE_EPOCH", what, "unset it, or set seconds since 1970") from error
