"""`safecheck help`: topics and commands, and none of them stale."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from safecheck.cli import COMMANDS, run
from safecheck.cli.of_one import OF_ONE
from safecheck.cli.root import cli
from safecheck.render import RENDERERS


def said(*arguments: str, capfd: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = run(["help", *arguments])
    out, err = capfd.readouterr()
    return code, out, err


def test_every_topic_is_listed_and_fits(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capfd=capfd)
    assert code == 0
    assert all(len(line) <= 80 for line in out.splitlines())
    topics = [line.split()[0] for line in out.split("\n\n")[0].splitlines() if not line.startswith(" ")]
    assert {"verdicts", "grades", "exit-codes", "targets", "outputs", "decisions", "configuration"} == set(topics)
    for topic in topics:
        code, out, _ = said(topic, capfd=capfd)
        assert code == 0
        assert all(len(line) <= 80 for line in out.splitlines())


def test_the_formats_and_the_codes_are_those_that_there_are(capfd: pytest.CaptureFixture[str]) -> None:
    found = set(re.findall(r"^  ([a-z]+)  ", said("outputs", capfd=capfd)[1], re.MULTILINE))
    assert found == {*RENDERERS["audit"], *OF_ONE}, "say in safecheck/cli/topics.txt what they are"
    codes = re.findall(r"^  (\d+) ", said("exit-codes", capfd=capfd)[1], re.MULTILINE)
    assert codes == ["0", "1", "2", "3", "4", "130"]


def test_a_command_says_what_its_help_says(capfd: pytest.CaptureFixture[str]) -> None:
    runner = CliRunner()
    for name in ("audit", "deviations", "deviations new"):
        expected = runner.invoke(cli, [*name.split(), "--help"], prog_name="safecheck").output
        words = said(*name.split(), capfd=capfd)[1].split()
        assert words == expected.split()
    assert "hook" not in said(capfd=capfd)[1].split("every command:")[1]
    assert "help" in COMMANDS


def test_what_there_is_not_is_one_line_with_a_suggestion(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = said("verdict\x1b[31m", capfd=capfd)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "\x1b" not in err
    assert "did you mean 'verdicts'?" in said("verdict", capfd=capfd)[2]
    assert "no topic 'deviations gnu'" in said("deviations", "gnu", capfd=capfd)[2]
    assert "no topic 'audit new'" in said("audit", "new", capfd=capfd)[2]
