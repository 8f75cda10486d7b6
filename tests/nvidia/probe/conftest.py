"""Make the helper modules of `tests/oracle` importable: they know how to fill an export without weights."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "oracle"))
