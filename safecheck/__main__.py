"""The entry point: `safecheck` and `python -m safecheck`.

The two answers that need no work are given before click is imported, which alone costs three times a bare interpreter.
The stored help text is held equal to click's by a test.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    arguments = sys.argv[1:]
    if arguments in (["--help"], ["-h"], []):
        from importlib.resources import files

        sys.stdout.write((files("safecheck") / "cli" / "help.txt").read_text(encoding="utf-8"))
        sys.exit(0 if arguments else 2)
    if arguments == ["--version"]:
        from safecheck import __version__

        sys.stdout.write(f"safecheck {__version__}\n")
        sys.exit(0)
    from safecheck.cli import run

    sys.exit(run(arguments))


if __name__ == "__main__":
    main()
