"""The vendor's answer about a model, with a child that gives every kind of answer; nothing needs to be installed."""

from __future__ import annotations

import dataclasses
import datetime
import os
import sys
import time
from io import FileIO
from pathlib import Path
from typing import Any

import processes
import pytest
from case_files import model_from_text
from nvidia.scope_check import fake

from safecheck.audit.decisions import Decisions, Deviation
from safecheck.audit.evidence import Confirmation, Sameness
from safecheck.audit.report import Report
from safecheck.errors import UsageError
from safecheck.finding import Location, ModelVerdict
from safecheck.nvidia.scope_check import ask as asking
from safecheck.nvidia.scope_check.confirm import confirm, require_confirmable
from safecheck.render import RENDERERS, plain
from safecheck.rulebook.load import profile
from safecheck.usecases.audit import audit_model

BOOK = profile("tensorrt-10-safety")
FORBIDDEN = "(float[4,8,6,6] x) => (float[4,8,6,6] y) { [s] s = Sigmoid(x) [m] y = LRN<size=5>(s) }"
ALLOWED = "(float[4,8,6,6] x) => (float[4,8,6,6] y) { [s] s = Sigmoid(x) [m] y = Relu(s) }"
BAD_INPUT = "(bfloat16[4,8] x) => (float[4,8] y) { [m] y = Cast<to=1>(x) }"
EVERY_FAILURE = (
    "crash", "answers-then-crashes", "answers-then-fails", "garbage", "cut", "twice", "deep", "huge", "greedy",
    "silent", "failed", "other-version", "no-version", "garbage-shape", "garbage-scope", "garbage-list",
    "garbage-messages", "garbage-positions", "skips", "invalid", "unparsed-plugin",
)  # fmt: skip


def audited(folder: Path, text: str) -> Report:
    file = folder / "model.onnx"
    file.write_bytes(model_from_text(text).SerializeToString())
    report = audit_model(str(file), BOOK)
    assert report.audit is not None, report.error
    return report


def confirmed(report: Report, behaviour: str, **options: Any) -> Report:
    assert report.model is not None
    assert report.audit is not None
    program = (sys.executable, fake.__file__, behaviour)
    comparison = (sys.executable, fake.__file__, options.pop("comparison", "same"))
    answer = confirm(report.model, report.audit, program=program, comparison=comparison, **options)
    return dataclasses.replace(report, confirmation=answer)


def answer_of(report: Report) -> Confirmation:
    assert report.confirmation is not None
    return report.confirmation


def text_of(report: Report) -> str:
    return plain(RENDERERS["audit"]["text"]([report]))


@pytest.mark.parametrize("behaviour", EVERY_FAILURE)
def test_what_is_no_answer_is_never_a_pass(behaviour: str, tmp_path: Path) -> None:
    report = confirmed(audited(tmp_path, ALLOWED), behaviour)
    answer = answer_of(report)
    assert (answer.checked, answer.in_scope) == (False, None)
    assert len(answer.reason) > 20
    assert (report.verdict, report.exit_code) == (ModelVerdict.INCONCLUSIVE, 3)
    assert "NOT CHECKED, which is no pass" in text_of(report)


@pytest.mark.parametrize("behaviour", ["hang", "answers-then-hangs"])
def test_a_child_that_hangs_is_ended(behaviour: str, tmp_path: Path) -> None:
    started = time.monotonic()
    report = confirmed(audited(tmp_path, ALLOWED), behaviour, seconds=1.0)
    assert time.monotonic() - started < 600, "it was left to sleep"
    assert answer_of(report).reason == "the check failed: it did not answer within 1 s"
    assert report.exit_code == 3


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("crash", "it crashed (Segmentation fault)"), ("answers-then-fails", "it ended with code 3"),
        ("huge", "it wrote more than 64 MB"), ("silent", "it did not answer"), ("garbage", "its answer cannot be read"),
        ("failed", "MemoryError"), ("other-version", "version '1.5.0.114' answered instead of 1.4.0.76"),
    ],
)  # fmt: skip
def test_the_reason_says_what_happened(behaviour: str, reason: str, tmp_path: Path) -> None:
    assert reason in answer_of(confirmed(audited(tmp_path, ALLOWED), behaviour)).reason


def test_a_forbidden_model_stays_non_compliant_whatever_the_child_does(tmp_path: Path) -> None:
    for behaviour in ("inside", "crash", "skips", "refuses-second"):
        assert confirmed(audited(tmp_path, FORBIDDEN), behaviour).exit_code == 1


def test_both_say_yes(tmp_path: Path) -> None:
    report = confirmed(audited(tmp_path, ALLOWED), "inside")
    assert (answer_of(report).checked, answer_of(report).in_scope, report.exit_code) == (True, True, 0)
    assert "DISAGREEMENT" not in text_of(report)


def test_a_refusal_is_mapped_to_node_and_rule(tmp_path: Path) -> None:
    report = confirmed(audited(tmp_path, FORBIDDEN), "refuses-second")
    (refusal,) = answer_of(report).refusals
    assert refusal.layer == "m_0"
    assert refusal.limit == "LayerKernelLimit: [19,19] is not within [1, 18]"
    assert refusal.location == Location("", 1, "m", "LRN", "", ("y",))
    assert refusal.rules == ("scope10-lrn",)
    assert "our rule: scope10-lrn" in text_of(report)
    assert "DISAGREEMENT" not in text_of(report)


def test_a_refusal_of_what_we_allow_is_a_loud_disagreement(tmp_path: Path) -> None:
    report = confirmed(audited(tmp_path, ALLOWED), "refuses-first")
    (refusal,) = answer_of(report).refusals
    assert refusal.location is not None
    assert (refusal.location.node, refusal.rules) == ("s", ())
    assert report.exit_code == 1
    assert "THE VENDOR REFUSES WHAT THIS AUDIT ALLOWS" in text_of(report)
    assert "ours    [0] s  Sigmoid: allowed as IActivationLayer:kSIGMOID" in text_of(report)


def test_a_pass_of_what_we_forbid_is_a_disagreement(tmp_path: Path) -> None:
    report = confirmed(audited(tmp_path, FORBIDDEN), "inside")
    assert report.exit_code == 1
    assert "THIS AUDIT FORBIDS WHAT THE VENDOR'S CHECK LETS PASS" in text_of(report)


@pytest.mark.parametrize("behaviour", ["refuses-nothing-known", "refuses-in-other-words", "refuses-without-words"])
def test_a_refusal_that_cannot_be_mapped_is_shown(behaviour: str, tmp_path: Path) -> None:
    report = confirmed(audited(tmp_path, ALLOWED), behaviour)
    (refusal,) = answer_of(report).refusals
    assert (refusal.location, refusal.rules, report.exit_code) == (None, (), 1)
    assert refusal.limit in text_of(report)


def test_a_refused_network_input(tmp_path: Path) -> None:
    refusal = answer_of(confirmed(audited(tmp_path, BAD_INPUT), "refuses-io")).refusals[0]
    assert refusal.location == Location("", None, "", "", "", ("x",))
    assert refusal.rules != ()


def test_nodes_of_one_name_are_not_told_apart(tmp_path: Path) -> None:
    lrn = FORBIDDEN.replace("[s] s = Sigmoid(x)", "[m] s = LRN<size=3>(x)")
    (refusal,) = answer_of(confirmed(audited(tmp_path, lrn), "refuses-second")).refusals
    assert (refusal.location, refusal.rules) == (None, ("scope10-lrn",))
    half = FORBIDDEN.replace("[s]", "[m]")
    (refusal,) = answer_of(confirmed(audited(tmp_path, half), "refuses-second")).refusals
    assert (refusal.location, refusal.rules) == (None, ())


def test_the_node_of_a_parser_refusal(tmp_path: Path) -> None:
    for behaviour, text in (("unparsed", ALLOWED), ("unparsed-unnamed", ALLOWED.replace("[m]", ""))):
        (refusal,) = answer_of(confirmed(audited(tmp_path, text), behaviour)).refusals
        assert refusal.location is not None
        assert (refusal.location.index, refusal.limit) == (1, "Det: false")
    (refusal,) = answer_of(confirmed(audited(tmp_path, ALLOWED), "unparsed-nowhere")).refusals
    assert refusal.location is None


@pytest.mark.parametrize("behaviour", ["unparsed", "unparsed-unnamed", "unparsed-nowhere"])
def test_what_the_parser_refuses_is_never_built(behaviour: str, tmp_path: Path) -> None:
    report = confirmed(audited(tmp_path, ALLOWED), behaviour)
    answer = answer_of(report)
    assert (answer.checked, answer.in_scope, answer.parsed) == (False, None, False)
    assert (report.verdict, report.exit_code) == (ModelVerdict.NON_COMPLIANT, 1)
    assert "REFUSED BY THE PARSER" in text_of(report)


def test_what_this_package_alone_lacks_refuses_nothing(tmp_path: Path) -> None:
    answer = answer_of(confirmed(audited(tmp_path, ALLOWED), "unparsed-plugin"))
    assert (answer.checked, answer.parsed) == (False, None)


def test_a_network_that_computes_the_same_changes_nothing(tmp_path: Path) -> None:
    report = confirmed(audited(tmp_path, ALLOWED), "inside", comparison="same")
    found = answer_of(report).translation
    assert found is not None
    assert (found.status, found.outputs, report.exit_code) == (Sameness.SAME, (("y", 0.5),), 0)
    assert "COMPUTES THE SAME" in text_of(report)


@pytest.mark.parametrize("behaviour", ["inside", "skips", "invalid"])
def test_a_network_that_computes_something_else_is_a_misreading(behaviour: str, tmp_path: Path) -> None:
    report = confirmed(audited(tmp_path, ALLOWED), behaviour, comparison="different")
    found = answer_of(report).translation
    assert found is not None
    (one,) = found.differences
    assert one.location is not None
    assert (one.location.node, one.rules, report.exit_code) == ("m", (), 1)
    text = text_of(report)
    assert "file    1.0 at [0]" in text
    assert "theirs  2.0 at [0], on zeros inputs" in text
    for name in ("sarif", "junit", "gitlab"):
        assert "REDUCE axes=0b1100" in RENDERERS["audit"][name]([report]), name


FAILED_COMPARISONS = (
    "undecided", "crash", "garbage", "cut", "silent", "deep", "garbage-list", "different-in-nothing",
    "same-and-different", "inside",
)  # fmt: skip


@pytest.mark.parametrize("comparison", FAILED_COMPARISONS)
def test_what_is_not_compared_is_never_the_same(comparison: str, tmp_path: Path) -> None:
    report = confirmed(audited(tmp_path, ALLOWED), "inside", comparison=comparison)
    found = answer_of(report).translation
    assert found is not None
    assert found.status is Sameness.UNDECIDED
    assert len(found.reason) > 10
    assert "NOT DECIDED whether it computes the same" in text_of(report)
    assert "COMPUTES THE SAME" not in text_of(report)


def deviated(report: Report) -> Report:
    assert report.audit is not None
    day = datetime.date(2026, 1, 1)
    record = Deviation("D1", "scope10-lrn", "", (), "r", "r", "m", "a", "b", day, day, "T", 1)
    return dataclasses.replace(
        report, decisions=Decisions({finding.fingerprint: record for finding in report.audit.findings}, as_of=day)
    )


def test_a_refusal_of_what_is_deviated_changes_nothing(tmp_path: Path) -> None:
    report = deviated(audited(tmp_path, FORBIDDEN))
    assert report.verdict is ModelVerdict.COMPLIANT_WITH_DEVIATIONS
    assert confirmed(report, "refuses-second").verdict is ModelVerdict.COMPLIANT_WITH_DEVIATIONS
    for behaviour in ("refuses-both", "refuses-first", "refuses-nothing-known", "refuses-without-words"):
        assert confirmed(report, behaviour).verdict is ModelVerdict.NON_COMPLIANT, behaviour
    assert confirmed(report, "skips").verdict is ModelVerdict.INCONCLUSIVE


def test_a_model_that_changed_in_between_is_not_checked(tmp_path: Path) -> None:
    report = audited(tmp_path, ALLOWED)
    audited(tmp_path, FORBIDDEN)
    answer = answer_of(confirmed(report, "inside"))
    assert not answer.checked
    assert answer.reason.startswith("the file changed between the audit and the check")
    os.unlink(report.path)
    assert not answer_of(confirmed(report, "inside")).checked


def test_standard_input_that_is_not_the_audited_model(tmp_path: Path) -> None:
    report = audited(tmp_path, ALLOWED)
    with FileIO(report.path) as same:
        assert answer_of(confirmed(report, "inside", stdin=same)).checked
    other = tmp_path / "other"
    other.write_bytes(b"other")
    with FileIO(str(other)) as changed:
        assert not answer_of(confirmed(report, "inside", stdin=changed)).checked


def test_layers_of_both_sides(tmp_path: Path) -> None:
    report = confirmed(audited(tmp_path, FORBIDDEN), "refuses-second", layers=True)
    assert answer_of(report).layers == (
        ("s", "IActivationLayer:kSIGMOID", "s"), ("m_0", "IReduceLayer:kAVG", "m"),
    )  # fmt: skip
    text = text_of(report)
    assert "ours    ILRNLayer" in text
    assert "theirs  IReduceLayer:kAVG" in text
    assert answer_of(confirmed(report, "refuses-second")).layers == ()


@pytest.mark.parametrize("name", ["tensorrt-8.6-restricted", "tensorrt-11-safety", "drive-orin-dla-8.6"])
def test_another_target_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="use --profile tensorrt-10-safety"):
        require_confirmable(profile(name))


def test_a_missing_extra_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PACKAGE", "a-package-that-nobody-has-installed")
    with pytest.raises(UsageError, match=r"pip install '.\[oracle\]'"):
        require_confirmable(BOOK)


def test_a_program_that_cannot_be_started(tmp_path: Path) -> None:
    report = audited(tmp_path, ALLOWED)
    assert report.model is not None
    assert report.audit is not None
    answer = confirm(report.model, report.audit, program=(str(tmp_path / "nothing"),))
    assert (answer.checked, "could not be started" in answer.reason) == (False, True)


def run(*arguments: str) -> tuple[int, str]:
    done = processes.safecheck_text("audit", *arguments)
    return done.returncode, done.stderr


def test_the_command_refuses_in_one_line(tmp_path: Path) -> None:
    path = audited(tmp_path, ALLOWED).path
    for options, expected in (
        (("--confirm",), "use --profile tensorrt-10-safety"),
        (("--show-layers", "--profile", "tensorrt-10-safety"), "add --confirm"),
    ):
        code, text = run(path, *options)
        assert code == 2
        assert text.count("\n") == 1
        assert expected in text
