"""The command line: one file per command, each parses, calls a use case, shows the result and returns an exit code."""

from __future__ import annotations

import errno
import gc
import os

from safecheck import __version__
from safecheck.cli.output import complain, leave_standard_output, make_writable, note
from safecheck.cli.stopping import stoppable
from safecheck.errors import SafecheckError, UsageError
from safecheck.limits import set_limits
from safecheck.text import printable

BUG = 4
INTERRUPTED = 130
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""What the machine is to blame for, wherever it happens."""
COMMANDS = (
    "attest",
    "audit",
    "baseline",
    "bench",
    "build",
    "compare",
    "completion",
    "config",
    "deviations",
    "diff",
    "evidence",
    "explain",
    "fix",
    "fleet",
    "graph",
    "help",
    "hook",
    "ledger",
    "probe",
    "profiles",
    "quantize",
    "rules",
    "selftest",
    "verify",
    "zoo",
)
"""Every command is the function of its name in the module of its name."""


def run(arguments: list[str]) -> int:
    """Run a command and translate whatever happens into the contract's exit codes."""
    gc.set_threshold(1_000_000)  # a short life of many small values: looking for cycles early costs a tenth of it
    make_writable()
    set_limits({})
    try:
        with stoppable():
            return _answer(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except SafecheckError as error:
        complain(error)
        return error.exit_code
    except BrokenPipeError:  # of click's own help; whatever else is shown knows its code
        leave_standard_output()
        return 0
    except OSError as error:
        if error.errno not in _NO_ROOM and not _has_nowhere_to_work(error):
            _report_bug(error)
            return BUG
        todo = "make room on the disk, or set TMPDIR to a folder that has some"
        complain(UsageError("SC-ENV-DISK", printable(os.fsdecode(error.filename or "")), str(error.strerror), todo))
        return 2
    except Exception as error:
        _report_bug(error)
        return BUG


def _has_nowhere_to_work(error: OSError) -> bool:
    """Whether `tempfile` found no folder that can be written to, as in a container whose /tmp is read-only, too."""
    return error.filename is None and str(error.strerror).startswith("No usable temporary directory")


def _answer(arguments: list[str]) -> int:
    """The exit code of a command. An audit with plain options does without click, which costs as much as a network."""
    if arguments[:1] == ["audit"] and "_SAFECHECK_COMPLETE" not in os.environ:
        from safecheck.cli.plain import options_of

        options = options_of(arguments[1:])
        if options is not None:
            from safecheck.cli.auditing import audit

            return audit(**options)
    from safecheck.cli.root import main

    return main(arguments)


def _report_bug(error: Exception) -> None:
    import platform
    import traceback

    note(f"error[SC-BUG]: safecheck failed: {type(error).__name__}; please report what follows")
    note(f"safecheck {__version__}, Python {platform.python_version()}, {platform.system()}\n")
    frames = traceback.extract_tb(error.__traceback__)
    for frame in frames:
        note(f"  {os.path.basename(frame.filename)}:{frame.lineno} {frame.name}")
    for line in getattr(error, "__notes__", ()):  # where it was raised in a process of its own
        note(f"  {printable(line)}")
    note(f"  {type(error).__name__}: {str(error)[:500]!r}")
