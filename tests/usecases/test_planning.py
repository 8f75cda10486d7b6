"""Planning that loops, crashes or fills memory costs the plan, and one line says so; the audit stands."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from safecheck.errors import InputError
from safecheck.limits import set_limits
from safecheck.render import RENDERERS, plain
from safecheck.rulebook.load import profile
from safecheck.usecases import planned, planning, suggestions
from safecheck.usecases.audit import Extras, audit_models

REFUSED = str(Path(__file__).parents[2] / "examples" / "csa-block-refused.onnx")
BOOK = "tensorrt-8.6-restricted"


def _spin(*_: Any) -> Any:
    while True:
        pass


def _grow(*_: Any) -> Any:
    held = []
    while True:
        held.append(bytearray(16 << 20))


def _crash(*_: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


FAULTS = [(_spin, "SC-LIM-TIME", "1 s of"), (_grow, "SC-LIM-MEMORY", "0.25 GiB"), (_crash, "SC-FIX-CRASH", "SIGKILL")]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(planning, "SECONDS", 1.0)
    set_limits({"memory": 0.25, "time": 1.0})
    yield
    set_limits({})


@pytest.mark.parametrize(("fault", "code", "words"), FAULTS)
def test_only_the_plan_is_lost(
    fault: Callable[..., Any], code: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planned, "plan", fault)
    (without,) = audit_models([REFUSED], profile(BOOK))
    (report,) = audit_models([REFUSED], profile(BOOK), Extras(plan=True))
    assert report.plan is not None
    assert words in report.plan.problem
    assert report.exit_code == without.exit_code == 1
    text = plain(RENDERERS["audit"]["text"]([report]))
    (line,) = {line for line in text.splitlines() if "planning its rewrites was stopped" in line}  # at both ends
    assert words in line
    content = json.loads(plain(RENDERERS["audit"]["json"]([report])))
    assert content["plan"]["problem"] == report.plan.problem
    with pytest.raises(planning.LostPlanError) as lost:
        planning.limited(fault, REFUSED)
    assert lost.value.code == code


@pytest.mark.parametrize(("fault", "code", "words"), FAULTS)
def test_only_the_alternatives_are_lost(
    fault: Callable[..., Any], code: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suggestions, "alternatives", fault)
    (report,) = audit_models([REFUSED], profile(BOOK), Extras(pictures=True))
    assert report.illustration is not None
    assert words in report.illustration.problem
    assert report.illustration.drawn
    page = plain(RENDERERS["audit"]["html"]([report]))
    assert page.count("planning its rewrites was stopped") == 1
    assert words in page


def test_a_plan_is_the_same_as_one_that_is_made_here(monkeypatch: pytest.MonkeyPatch) -> None:
    set_limits({})
    monkeypatch.setattr(planning, "SECONDS", 600.0)
    extras = Extras(pictures=True, plan=True)
    (apart,) = audit_models([REFUSED], profile(BOOK), extras)
    for room in (planned, suggestions):
        monkeypatch.setattr(room, "limited", lambda work, path: work())
    (here,) = audit_models([REFUSED], profile(BOOK), extras)
    assert (apart.plan, apart.illustration) == (here.plan, here.illustration)
    assert apart.plan is not None
    assert not apart.plan.problem
    assert apart.illustration is not None
    assert apart.illustration.alternatives


def test_what_is_raised_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def changed(*_: Any) -> Any:
        raise InputError("SC-INT-CHANGED", "model.onnx", "it changed", "audit it again")

    monkeypatch.setattr(suggestions, "alternatives", changed)
    with pytest.raises(InputError, match="it changed"):
        list(audit_models([REFUSED], profile(BOOK), Extras(pictures=True)))
