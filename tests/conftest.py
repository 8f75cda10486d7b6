"""Make the helper modules in this folder importable (`--import-mode=importlib` leaves sys.path alone).

Verdicts of test runs are kept in a folder of their own.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
_kept = os.environ["SAFECHECK_CACHE_DIR"] = tempfile.mkdtemp(prefix="safecheck-test-")
atexit.register(shutil.rmtree, _kept, ignore_errors=True)
