"""Ctrl-C and SIGTERM stop a command where it is, also where a library would swallow that.

Python raises an exception wherever it is when the signal comes. In the middle of an import a library may end as
missing, or crash; a temporary folder that is being made belongs to nobody yet; in the callback of a weak reference
the exception is thrown away. So an import or such a folder is let come to its end, within limits, and what has been
raised is raised again as long as nobody is on the way out.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_AGAIN = 0.05
"""Seconds after which one looks whether the command is on its way out."""
_WORKING, _WAITING = 0.7, 5.0
"""Seconds of processor time, and by the clock, that an import may take to its end."""
_WHOLE = ("<frozen importlib", os.path.join(os.path.dirname(os.__file__), "tempfile.py"))
"""How the names of files begin whose work is not stopped in the middle."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Let signals end what is done inside, by KeyboardInterrupt or SystemExit and by nothing else.

    What another error is made of them by a library is no error. Interrupts that a shell has switched off stay so.
    """
    stop = _Stop()
    numbers = [signal.SIGTERM, signal.SIGALRM]
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        numbers.append(signal.SIGINT)
    try:
        before = {number: signal.signal(number, stop) for number in numbers}
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    except Exception as error:
        if stop.number:
            raise stop.exception() from error
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


class _Stop:
    """The handler of the signals, and of the alarm that asks again."""

    number = 0
    """The first signal; 0 before."""
    _working = _waiting = 0.0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not self.number:
            self.number, self._working, self._waiting = number, time.process_time(), time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)
        if not _leaving() and not (self._is_patient() and _in_one_piece(frame)):
            raise self.exception()

    def exception(self) -> BaseException:
        """What ends the command."""
        return KeyboardInterrupt() if self.number == signal.SIGINT else SystemExit(128 + self.number)

    def _is_patient(self) -> bool:
        return time.process_time() - self._working < _WORKING and time.monotonic() - self._waiting < _WAITING


def _leaving() -> bool:
    """Whether what was raised is being handled: whoever tidies up is not disturbed."""
    error = sys.exception()
    while error is not None and not isinstance(error, (KeyboardInterrupt, SystemExit)):
        error = error.__context__
    return error is not None


def _in_one_piece(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith(_WHOLE):
            return True
        frame = frame.f_back
    return False
