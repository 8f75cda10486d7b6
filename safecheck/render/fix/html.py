"""What `fix` did, as the page of the model it wrote, with the rewrites."""

from __future__ import annotations

from safecheck.render.audit.html import page
from safecheck.usecases.fix import Fixed


def document(fixed: Fixed) -> str:
    """The whole file."""
    return page([fixed.after], fixed)
