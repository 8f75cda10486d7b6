"""The optional libraries of the zoo: one clear line where one is missing."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from safecheck.errors import UsageError, pip_install
from safecheck.text import printable

INSTALL = f"run: pip install torch==2.13.0 && {pip_install('zoo')}"


def need(libraries: Iterable[str]) -> None:
    """Load optional libraries.

    Raises:
        UsageError: one is not installed, or is and cannot be loaded.
    """
    for library in libraries:
        try:
            import_module(library)
        except ModuleNotFoundError as error:
            what = f"needs {printable(error.name or library, 60)}, which is not installed"
            raise UsageError("SC-ENV-EXTRA", "safecheck zoo", what, INSTALL) from error
        except (ImportError, OSError) as error:  # OSError: a shared library of it is missing
            what = f"{library} cannot be loaded: {printable(str(error))}"
            raise UsageError("SC-ENV-EXTRA", "safecheck zoo", what, INSTALL) from error
