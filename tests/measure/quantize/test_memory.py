from __future__ import annotations

import pytest
from benchmark import keeps_its_limits


@pytest.mark.slow
def test_memory_does_not_grow_with_the_images() -> None:
    """CSA-tiny at full size on a few images; all 500 take a minute and a half (`benchmarks/README.md`)."""
    keeps_its_limits("calibration_memory.py", "--count", "40")
