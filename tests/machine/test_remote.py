from __future__ import annotations

import pickle
import signal
from pathlib import Path

import pytest

from safecheck.errors import UsageError
from safecheck.machine import remote
from safecheck.machine.process import Limits
from safecheck.machine.remote import LostCall, call

LIMITS = Limits(60.0, resident=1 << 30)


def test_a_result_comes_back() -> None:
    assert call("math:hypot", 3, 4, limits=LIMITS) == 5


def test_news_come_in_order_before_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "working.py").write_text(
        "def work(steps, tell):\n    for step in steps:\n        tell(step, 'x' * step)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    heard: list[tuple[object, ...]] = []
    steps = [1, 200_000, 3]
    answer = call("working:work", steps, limits=LIMITS, tell=lambda *news: heard.append(news))
    assert (answer, heard) == (None, [(step, "x" * step) for step in steps])


def test_an_error_comes_back_as_it_was_raised() -> None:
    with pytest.raises(UsageError) as found:
        call("safecheck.machine.outputs:refuse", "a\nb", "no", limits=LIMITS)
    assert (found.value.code, found.value.exit_code, found.value.where) == ("SC-OUT-CLASH", 2, "a\\x0ab")
    assert any(note.startswith("outputs.py:") for note in found.value.__notes__)


def test_an_error_that_cannot_be_sent_is_told_in_words() -> None:
    class FussyError(Exception):
        """As libraries have them: it cannot be made again from what it says."""

    error = FussyError("no")
    error.add_note("there.py:1 here")
    returned, found = pickle.loads(remote._raised(error))
    assert (returned, type(found), str(found)) == (False, RuntimeError, "FussyError: no")
    assert found.__notes__ == ["there.py:1 here"]


@pytest.mark.parametrize(
    ("function", "arguments", "limits", "words"),
    [
        ("os:abort", (), LIMITS, "it crashed"),
        ("time:sleep", (1000,), Limits(1.0), "did not answer within 1 s"),
        ("safecheck.cli:run", (["--help"],), Limits(60.0), ""),
        ("builtins:bytearray", (1 << 28,), Limits(60.0, resident=1 << 26), "took more than 64 MB"),
    ],
)
def test_a_call_that_is_lost_says_why(function: str, arguments: tuple[object, ...], limits: Limits, words: str) -> None:
    if not words:  # what is printed is not taken for the answer
        assert call(function, *arguments, limits=limits) == 0
        return
    with pytest.raises(LostCall, match=words) as found:
        call(function, *arguments, limits=limits)
    assert found.value.run.code == (-signal.SIGABRT if function == "os:abort" else -signal.SIGKILL)
