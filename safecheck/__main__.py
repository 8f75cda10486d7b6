"""The entry point: `safecheck` and `python -m safecheck`.

The two answers that need no work are given before click is imported, which alone costs three times a bare interpreter.
The stored help text is held equal to click's by a test.
"""

from __future__ import annotations

import os
import sys


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
    main()
