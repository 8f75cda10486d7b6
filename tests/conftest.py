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
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is. The same commit is asked the same examples each time; new
# ones are looked for with --hypothesis-profile=random and by the fuzzing harnesses.
settings.register_profile("random", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("safecheck", settings.get_profile("random"), derandomize=True)
settings.load_profile("safecheck")

sys.path.insert(0, str(Path(__file__).parent))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """The tests of a file run in one process, which makes what they share once."""
    from xdist.scheduler import LoadScopeScheduling

    config.option.loadscopereorder = False  # files with few but long tests would come last, one process would wait
    return LoadScopeScheduling(config, log)


_kept = os.environ["SAFECHECK_CACHE_DIR"] = tempfile.mkdtemp(prefix="safecheck-test-")
atexit.register(shutil.rmtree, _kept, ignore_errors=True)
