"""Facts about a run: when, where and by whom. They stand in a file beside the evidence, which has none of them."""

from __future__ import annotations

import datetime
import getpass
import hashlib
import os
import platform
import sys
from typing import Any

from safecheck.text import printable


def run_facts(name: str, made: bytes) -> dict[str, Any]:
    """What this run is, and the SHA-256 of what it made. Times are in UTC."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that nobody has
        user = str(os.getuid())
    return {
        "schema": "safecheck/run/1",
        "made": {"name": printable(name), "sha256": hashlib.sha256(made).hexdigest()},
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "host": platform.node(),
        "user": printable(user),
        "command": [printable(word, 4096) for word in sys.argv],
        "folder": printable(os.getcwd(), 4096),
        "platform": platform.platform(),
    }
