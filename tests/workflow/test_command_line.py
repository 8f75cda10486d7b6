"""What makes the command line pleasant: quiet and verbose, colours for people, several processes, completion."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from workflow_repo import ALLOWED, ENVIRONMENT, FORBIDDEN, UNPROVEN, Repository

from safecheck.cli import bar as bar_room
from safecheck.cli import progress as progress_room
from safecheck.cli.interrupt import keeping
from safecheck.cli.progress import progress
from safecheck.usecases.audit import audit_all

PROFILE = "tensorrt-8.6-restricted"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository")
    for number, text in enumerate((ALLOWED, FORBIDDEN, ALLOWED, UNPROVEN)):
        made.model(f"models/{number}.onnx", text)
    return made


def test_quiet_shows_what_does_not_pass_and_the_counts(repository: Repository) -> None:
    full, quiet = (repository.safecheck("audit", "models", *extra).stdout for extra in ((), ("-q",)))
    assert quiet.splitlines()[-3:] == [
        "NON-COMPLIANT  models/1.onnx", "INCONCLUSIVE  models/3.onnx",
        "4 models: 2 compliant, 1 inconclusive, 1 non-compliant",
    ]  # fmt: skip
    assert "models/0.onnx" not in quiet
    assert "models/0.onnx" in full
    assert "reduce-mean" in quiet
    assert repository.safecheck("audit", "models/0.onnx", "-q").stdout == "1 model: 1 compliant\n"


def test_quiet_hides_no_error(repository: Repository) -> None:
    done = repository.safecheck("audit", "models/0.onnx", "no.onnx", "-q")
    assert done.returncode == 3
    assert "SC-IO-MISSING" in done.stderr
    assert done.stdout.endswith("INCONCLUSIVE  no.onnx\n2 models: 1 compliant, 1 inconclusive\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    "format_", ["text", pytest.param("json", marks=pytest.mark.slow), pytest.param("html", marks=pytest.mark.slow)]
)
def test_several_processes_say_the_same(repository: Repository, format_: str) -> None:
    repository.write("models/broken.onnx", b"")
    one, two = (
        repository.safecheck("audit", "models", "--no-cache", "--jobs", jobs, "--output", format_) for jobs in "13"
    )
    assert (one.returncode, one.stdout, one.stderr) == (two.returncode, two.stdout, two.stderr)
    assert one.returncode == 1
    assert "SC-IO-EMPTY" in one.stderr


def test_a_process_that_dies_is_no_pass(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(path: str, book: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr("safecheck.usecases.audit.audit_model", die)  # the workers are forks of this process
    tasks = [(str(repository.path / "models" / f"{number}.onnx"), PROFILE) for number in range(4)]
    reports = list(audit_all(tasks, jobs=2))
    assert [report.exit_code for report in reports] == [3] * 4
    assert {report.error.code for report in reports if report.error is not None} == {"SC-ENV-WORKER"}


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_process_that_lives_on_sees_changed_rules(repository: Repository, jobs: int) -> None:
    overlay = 'id: ours\ntitle: Ours\nversion: "1"\nextends: tensorrt-8.6-restricted\n'
    name = str(repository.write("ours.yaml", overlay))
    tasks = [(str(repository.path / "models" / f"{number}.onnx"), name) for number in (0, 2)]
    assert [report.exit_code for report in audit_all(tasks, jobs)] == [0, 0]
    repository.write("ours.yaml", f"{overlay}evidence: {{allow: [documented], extrapolated: false}}\n")
    assert [report.exit_code for report in audit_all(tasks, jobs)] == [3, 3]


@pytest.mark.parametrize("jobs", ["0", "-1", "x"])
def test_a_wrong_number_of_processes(repository: Repository, jobs: str) -> None:
    assert repository.safecheck("audit", "models", "--jobs", jobs).returncode == 2


def test_verbose_says_which_configuration_holds(repository: Repository) -> None:
    repository.write(".safecheck.yaml", "paths: [models/0.onnx]\n")
    done = repository.safecheck("audit", "-v")
    assert done.stderr == "configuration: .safecheck.yaml\n0 of 1 verdicts are from earlier runs\n"


# --- terminals ------------------------------------------------------------------------------------------------------


def on_terminal(repository: Repository, *arguments: str, **environment: str) -> str:
    """What is written to a terminal that is both standard output and standard error."""
    leader, follower = pty.openpty()
    base = {name: value for name, value in ENVIRONMENT.items() if name not in ("NO_COLOR", "FORCE_COLOR", "TERM")}
    process = subprocess.Popen(
        [sys.executable, "-m", "safecheck", *arguments], cwd=repository.path, stdin=subprocess.DEVNULL,
        stdout=follower, stderr=follower,
        env={**base, "TERM": "xterm", "SAFECHECK_CACHE_DIR": str(repository.kept), **environment},
    )  # fmt: skip
    os.close(follower)
    pieces = []
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(leader)
    process.wait(timeout=600)
    return b"".join(pieces).decode()


def test_colours_are_for_terminals(repository: Repository) -> None:
    assert "\x1b[" in on_terminal(repository, "audit", "models/1.onnx")
    assert "\x1b[" in on_terminal(repository, "audit", "models/1.onnx"), "also from an earlier run"
    assert "\x1b[" not in on_terminal(repository, "audit", "models/1.onnx", TERM="dumb")
    plain = on_terminal(repository, "audit", "models/1.onnx", NO_COLOR="1")
    assert "\x1b[3" not in plain
    assert "NON-COMPLIANT" in plain


def test_colours_can_be_forced(repository: Repository) -> None:
    assert "\x1b[" not in repository.safecheck("audit", "models/1.onnx").stdout
    assert "\x1b[" in repository.safecheck("audit", "models/1.onnx", FORCE_COLOR="1").stdout
    assert "\x1b[" not in repository.safecheck("audit", "models/1.onnx", FORCE_COLOR="").stdout


@pytest.mark.parametrize(
    ("patience", "is_terminal", "term", "is_quiet", "is_shown"),
    [
        (0.0, True, "xterm", False, True),
        (60.0, True, "xterm", False, False),
        (0.0, False, "xterm", False, False),
        (0.0, True, "dumb", False, False),
        (0.0, True, "xterm", True, False),
    ],
)
def test_progress_is_for_people_who_wait(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, patience: float, is_terminal: bool, term: str, is_quiet: bool,
    is_shown: bool,
) -> None:  # fmt: skip
    ours, theirs = pty.openpty() if is_terminal else (-1, os.open(tmp_path / "log", os.O_CREAT | os.O_WRONLY))
    with open(theirs, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setattr(progress_room, "_PATIENCE", patience - 1e-9)
        monkeypatch.setenv("TERM", term)
        assert list(progress(iter([1, 2]), ["a\x1b[0m", "b"], is_quiet)) == [1, 2]
        os.write(theirs, b"end")
    text = "" if is_terminal else (tmp_path / "log").read_text()
    while not text.endswith("end"):
        text += os.read(ours, 4096).decode()
    if is_shown:
        assert "0 of 2 done, now a\\x1b[0m, " in text
        assert "1 of 2 done, now b, " in text
        assert text.endswith("\r\x1b[Kend")  # gone when the result comes
    else:
        assert text == "end"


def test_a_run_over_many_models_is_drawn_by_the_same_line(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    with open(theirs, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setattr(progress_room, "_PATIENCE", -1e-9)
        monkeypatch.setattr(bar_room, "_PAUSE", -1.0)
        monkeypatch.setenv("TERM", "xterm")
        with bar_room.Bar(4) as bar:
            bar.step(2)
        os.write(theirs, b"end")
    text = ""
    while not text.endswith("end"):
        text += os.read(ours, 4096).decode()
    assert "[#####-----] 2 of 4 models, " in text
    assert text.endswith("\r\x1b[Kend")


def test_an_interrupt_says_which_files_are_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done, open_ = tmp_path / "done.json", tmp_path / "open.html"
    open_.write_text("of yesterday")

    def interrupted(paths: list[str | None], *, write: bool) -> None:
        with keeping(paths):
            if write:
                done.write_text("{}")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted([str(done), str(open_), None], write=True)
    said = capsys.readouterr().err
    assert said == f"interrupted; written and complete: {done}, what was there is as it was\n"
    with pytest.raises(KeyboardInterrupt):
        interrupted([str(open_)], write=False)
    assert capsys.readouterr().err == "interrupted; no file was written, what was there is as it was\n"


def test_a_file_is_named_with_its_verdict(repository: Repository) -> None:
    done = repository.safecheck("audit", "models/1.onnx", "--output", "json=r.json", "--output", "sarif=r.sarif")
    assert (done.stdout, done.stderr) == ("", "wrote r.json, r.sarif: non-compliant\n")
    several = repository.safecheck("audit", "models", "--output", "json=r.json")
    assert several.stderr == "wrote r.json: 2 compliant, 1 inconclusive, 1 non-compliant\n"


def test_exit_zero_lets_verdicts_pass_and_nothing_else(repository: Repository) -> None:
    assert repository.safecheck("audit", "models", "--exit-zero").returncode == 0
    assert repository.safecheck("audit", "models", "no.onnx", "--exit-zero").returncode == 3
    assert repository.safecheck("audit", "models", "--exit-zero", "--release").returncode == 2


def test_a_mistyped_path_is_one_line(repository: Repository) -> None:
    done = repository.safecheck("audit", "modls/1.onnx")
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "SC-IO-MISSING" in done.stderr


def test_several_profiles_judge_every_model(repository: Repository) -> None:
    named = ("--profile", "tensorrt-8.6", "--profile", "tensorrt-10")
    done = repository.safecheck("audit", "models/0.onnx", "models/1.onnx", *named)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-4:] == [
        "COMPLIANT  models/0.onnx  (tensorrt-8.6-restricted)",
        "COMPLIANT  models/0.onnx  (tensorrt-10-safety)",
        "NON-COMPLIANT  models/1.onnx  (tensorrt-8.6-restricted)",
        "COMPLIANT  models/1.onnx  (tensorrt-10-safety)",
    ]
    assert repository.safecheck("audit", "-", *named).returncode == 2


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("audti", "x"), "safecheck: no command 'audti' (did you mean 'audit'?)"),
        (("rules", "lst"), "safecheck rules: no command 'lst' (did you mean 'list'?)"),
        (("zoo", "export", "cvt13", "-o", "x.onnx"), "NAME: no model 'cvt13'"),
    ],
)
def test_a_mistyped_name_is_one_line_with_what_was_meant(
    repository: Repository, words: tuple[str, ...], meant: str
) -> None:
    done = repository.safecheck(*words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error[SC-CFG-NAME]: {meant}")
    assert done.stderr.count("\n") == 1


# --- completion -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shell", "part"), [("bash", "complete -o"), ("zsh", "#compdef"), ("fish", "complete ")])
def test_completion_scripts(repository: Repository, shell: str, part: str) -> None:
    done = repository.safecheck("completion", shell)
    assert done.returncode == 0
    assert part in done.stdout
    assert "_SAFECHECK_COMPLETE" in done.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("safecheck au", "plain,audit"),
        ("safecheck audit --no-c", "plain,--no-cache"),
        ("safecheck ", "plain,audit"),
    ],
)
def test_the_shell_gets_its_answers(repository: Repository, words: str, expected: str) -> None:
    count = str(len(words.split(" ")) - 1)
    done = repository.safecheck(_SAFECHECK_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=count)
    assert expected in done.stdout.splitlines()
    assert "hook" not in done.stdout
