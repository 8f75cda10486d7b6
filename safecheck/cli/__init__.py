"""The command line: one file per command, each parses, calls a use case, shows the result and returns an exit code."""

from __future__ import annotations

import errno
import gc
import importlib
import os
import platform
import signal
import traceback
from contextlib import suppress

import click

from safecheck import __version__
from safecheck.cli.examples import epilog
from safecheck.cli.group import Group
from safecheck.cli.output import complain, leave_standard_output, make_writable, note
from safecheck.errors import SafecheckError, UsageError
from safecheck.text import printable

BUG = 4
INTERRUPTED = 130
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""What the machine is to blame for, wherever it happens."""
COMMANDS = (
    "audit",
    "baseline",
    "bench",
    "build",
    "compare",
    "completion",
    "config",
    "deviations",
    "diff",
    "fix",
    "graph",
    "hook",
    "probe",
    "profiles",
    "quantize",
    "rules",
    "selftest",
    "zoo",
)
"""Every command is the function of its name in the module of its name."""


class _Commands(Group):
    """A group that imports a command when it is asked for: an audit does not pay for the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(f"safecheck.cli.{cmd_name}"), cmd_name)
        command.epilog = epilog(cmd_name)
        return command


@click.group(
    cls=_Commands, epilog=epilog(""), context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80}
)
@click.version_option(__version__, message="safecheck %(version)s")
def cli() -> None:
    """Would TensorRT's restricted mode build this ONNX model, and if not, why not?

    safecheck reads the model, works out which TensorRT layers its parser would make of every node, and holds each layer
    against an allowlist with sources. It needs no GPU and no TensorRT.

    Exit codes: 0 compliant, 1 non-compliant, 2 usage or rule-file error, 3 inconclusive or unreadable, 4 a bug in
    safecheck, 130 interrupted.
    """


def run(arguments: list[str]) -> int:
    """Run a command and translate whatever happens into the contract's exit codes."""
    with suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, _end)  # what is cleaned up after an interrupt is cleaned up then, too
    gc.set_threshold(200_000)  # a short life of many small values: looking for cycles early costs a tenth of it
    make_writable()
    try:
        code = cli.main(arguments, prog_name="safecheck", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.Abort:
        return INTERRUPTED
    except KeyboardInterrupt:
        return INTERRUPTED
    except click.ClickException as error:
        with suppress(OSError, ValueError):
            error.show()
        return 2
    except SafecheckError as error:
        complain(error)
        return error.exit_code
    except BrokenPipeError:  # of click's own help; whatever else is shown knows its code
        leave_standard_output()
        return 0
    except OSError as error:
        if error.errno not in _NO_ROOM:
            _report_bug(error)
            return BUG
        todo = "make room on the disk, or set TMPDIR to a folder that has some"
        complain(UsageError("SC-ENV-DISK", printable(os.fsdecode(error.filename or "")), str(error.strerror), todo))
        return 2
    except Exception as error:
        _report_bug(error)
        return BUG


def _end(number: int, _: object) -> None:
    raise SystemExit(128 + number)


def _report_bug(error: Exception) -> None:
    note(f"error[SC-BUG]: safecheck failed: {type(error).__name__}; please report what follows")
    note(f"safecheck {__version__}, Python {platform.python_version()}, {platform.system()}\n")
    frames = traceback.extract_tb(error.__traceback__)
    for frame in frames:
        note(f"  {os.path.basename(frame.filename)}:{frame.lineno} {frame.name}")
    for line in getattr(error, "__notes__", ()):  # where it was raised in a process of its own
        note(f"  {printable(line)}")
    note(f"  {type(error).__name__}: {str(error)[:500]!r}")
