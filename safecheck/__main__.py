"""The entry point: `safecheck` and `python -m safecheck`.

The two answers that need no work are given before anything is imported.
The stored help text is held equal to click's by a test.
"""

from __future__ import annotations

import atexit
import os
import sys

TYPE_CHECKING = False  # as type checkers know it
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> None:
    """Run the command line and leave with its exit code."""
    arguments = sys.argv[1:]
    if arguments in (["--help"], ["-h"], []) and "_SAFECHECK_COMPLETE" not in os.environ:  # a shell asks without any
        _say(_help())
        sys.exit(0 if arguments else 2)
    if arguments == ["--version"]:
        from safecheck import __version__

        _say(f"safecheck {__version__}\n")
        sys.exit(0)
    from safecheck.cli import run

    sys.exit(run(arguments))


def entry() -> NoReturn:
    """Run, and leave at once: taking a program apart that has done its work costs a fifth of a small audit."""
    try:
        main()
        code: object = 0
    except SystemExit as end:
        code = 0 if end.code is None else end.code
    except KeyboardInterrupt:  # before or after the command, which answers for itself
        code = 130
    threads = sys.modules.get("threading")
    if not isinstance(code, int) or (threads is not None and threads.active_count() > 1):
        sys.exit(code)  # type: ignore[arg-type]
    atexit._run_exitfuncs()  # whoever asked to be told: pools, temporary files, a measurement of coverage
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):
        sys.exit(code)  # the interpreter says so
    os._exit(code & 0xFF)


def _say(text: str) -> None:
    """Write to standard output, if there is one. A reader that is gone is no error, a full disk is."""
    try:
        if sys.stdout is not None:
            sys.stdout.write(text)
            sys.stdout.flush()
    except OSError as error:
        from safecheck.cli.output import complain, leave_standard_output
        from safecheck.errors import UsageError

        leave_standard_output()
        if not isinstance(error, BrokenPipeError):
            complain(UsageError("SC-OUT-WRITE", "standard output", str(error.strerror), "make room"))
            sys.exit(2)


def _help() -> str:
    import safecheck

    # The loader reads from a folder and from a zipped wheel alike. Importing importlib.resources for that costs more
    # than two bare interpreters.
    loader = vars(safecheck)["__loader__"]
    text: bytes = loader.get_data(os.path.join(os.path.dirname(__file__), "cli", "help.txt"))
    return text.decode("utf-8")


if __name__ == "__main__":
    entry()
