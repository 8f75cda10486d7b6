"""The line that nothing named in a configuration may cross."""

from __future__ import annotations

import os


def is_inside(path: str, root: str) -> bool:
    """Whether a path, all its links followed, is in the folder `root` and not in the administration of Git."""
    real, top = os.path.realpath(path), os.path.realpath(root)
    if real != top and not real.startswith(os.path.join(top, "")):
        return False
    return ".git" not in (part.lower() for part in os.path.relpath(real, top).split(os.sep))
