"""The pieces for CI: well-formed, pinned, nothing interpolated into a shell, and the step of the action as it runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from workflow_repo import ALLOWED, ENVIRONMENT, FORBIDDEN, Repository

from safecheck.render import RENDERERS
from safecheck.strict.yaml import LIST, MAPPING, Tree, parse

ROOT = Path(__file__).parents[2]
ACTION, GITLAB, STEP = ROOT / "action.yml", ROOT / "ci" / "safecheck.gitlab-ci.yml", ROOT / "ci" / "audit.sh"
NEEDS_SARIF = pytest.mark.skipif("sarif" not in RENDERERS["audit"], reason="there is no SARIF report yet")


def plain(tree: Tree) -> Any:
    """A YAML tree as dictionaries, lists and texts."""
    if tree[0] == MAPPING:
        return {key: plain(value) for key, _, _, value in tree[2]}
    return [plain(value) for value in tree[2]] if tree[0] == LIST else tree[2]


def read(file: Path) -> Any:
    return plain(parse(file.read_text(encoding="utf-8"), file.name))


def scripts(value: Any) -> Iterator[str]:
    """Everything that a shell gets to see."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("run", "script", "before_script"):
                yield from [inner] if isinstance(inner, str) else inner
            else:
                yield from scripts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from scripts(inner)


# --- the action -----------------------------------------------------------------------------------------------------


def test_the_action_is_composite_and_pinned() -> None:
    action = read(ACTION)
    assert action["runs"]["using"] == "composite"
    steps = action["runs"]["steps"]
    used = [step["uses"] for step in steps if "uses" in step]
    assert used
    for name in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name), name
    assert all(step["shell"] == "bash" for step in steps if "run" in step)


def test_no_input_reaches_a_shell_as_text() -> None:
    found = list(scripts(read(ACTION)["runs"]))
    assert len(found) == 3
    for script in found:
        assert "${{" not in script, script


def test_the_inputs_are_described_and_used() -> None:
    action, text = read(ACTION), ACTION.read_text(encoding="utf-8")
    for name, part in action["inputs"].items():
        assert part["description"]
        assert f"inputs.{name}" in text
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(action["inputs"])


def test_the_report_is_uploaded_whatever_the_verdict_and_then_the_code_is_raised() -> None:
    install, audit, upload, verdict = read(ACTION)["runs"]["steps"][2:]
    assert "install" in install["run"]
    assert audit["id"] == "audit"
    assert upload["if"].startswith("always() && ")
    assert upload["if"].endswith(" && !github.event.pull_request.head.repo.fork"), "a fork has no right to upload"
    assert "security-events: write" in ACTION.read_text(encoding="utf-8")
    assert verdict["if"] == "always()"
    assert verdict["run"] == 'exit "${EXIT_CODE:-4}"', "a step that left no code is a bug"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository")
    made.model("good models/a.onnx", ALLOWED)
    made.model("bad.onnx", FORBIDDEN)
    return made


def step(repository: Repository, **inputs: str) -> tuple[dict[str, str], str]:
    """Run the audit step as the action does: its outputs, and what it printed."""
    outputs = repository.write("../outputs", b"")
    tools = repository.path.parent / "temp" / "safecheck" / "bin"
    tools.mkdir(parents=True, exist_ok=True)
    if not (tools / "safecheck").exists():
        (tools / "safecheck").symlink_to(Path(sys.executable).parent / "safecheck")
    environment = {
        **ENVIRONMENT, "GITHUB_OUTPUT": str(outputs), "RUNNER_TEMP": str(repository.path.parent / "temp"),
        "SAFECHECK_CACHE_DIR": str(repository.kept), "SARIF": "report.sarif", **inputs,
    }  # fmt: skip
    done = subprocess.run(["bash", STEP], cwd=repository.path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, "the last step raises the code"
    lines = outputs.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines), done.stdout + done.stderr


@NEEDS_SARIF
@pytest.mark.parametrize(
    ("models", "code"), [("good models", "0"), ("bad.onnx\ngood models\n", "1"), ("no.onnx", "3"), ("", "2")]
)
def test_the_step_leaves_the_exit_code(repository: Repository, models: str, code: str) -> None:
    outputs, said = step(repository, MODELS=models)
    assert outputs["exit-code"] == code, said
    words = {"0": "compliant", "1": "non-compliant", "3": "inconclusive"}
    assert outputs["verdict"] == words.get(code, "none")
    if code in "01":
        assert outputs["sarif"] == "report.sarif"
        assert json.loads((repository.path / "report.sarif").read_text(encoding="utf-8"))["version"] == "2.1.0"


@NEEDS_SARIF
def test_the_step_runs_nothing_from_its_inputs(repository: Repository) -> None:
    hostile = "$(touch taken)`touch taken`; touch taken\n--help\n'\"*"
    for name in ("MODELS", "PROFILE", "ARGUMENTS"):
        outputs, _ = step(repository, **{"MODELS": "bad.onnx", name: hostile})
        assert outputs["exit-code"] in ("2", "3"), name
        assert not (repository.path / "taken").exists()


@NEEDS_SARIF
def test_profile_and_arguments_arrive(repository: Repository) -> None:
    outputs, _ = step(
        repository, MODELS="bad.onnx", PROFILE="tensorrt-10-safety", ARGUMENTS="--no-cache\n--output\njson=out.json"
    )
    assert outputs["exit-code"] in ("0", "1", "3")
    report = json.loads((repository.path / "out.json").read_text(encoding="utf-8"))
    assert report["profile"]["id"] == "tensorrt-10-safety"
    assert not repository.kept.exists()


@NEEDS_SARIF
def test_the_step_runs_below_the_checkout(repository: Repository) -> None:
    outputs = repository.path.parent / "outputs"
    found, said = step(repository, MODELS="good models/a.onnx")
    assert found["sarif"] == "report.sarif", said
    environment = {
        **ENVIRONMENT, "GITHUB_OUTPUT": str(outputs), "RUNNER_TEMP": str(repository.path.parent / "temp"),
        "SAFECHECK_CACHE_DIR": str(repository.kept), "SARIF": "report.sarif", "MODELS": "a.onnx",
        "BELOW": "good models",
    }  # fmt: skip
    outputs.write_text("", encoding="utf-8")
    subprocess.run(
        ["bash", STEP], cwd=repository.path / "good models", env=environment, capture_output=True, check=True
    )
    lines = dict(line.split("=", 1) for line in outputs.read_text(encoding="utf-8").splitlines())
    assert lines == {"exit-code": "0", "verdict": "compliant", "sarif": "good models/report.sarif"}
    assert (repository.path / lines["sarif"]).is_file()


def test_the_outputs_are_what_the_step_leaves() -> None:
    outputs = read(ACTION)["outputs"]
    assert set(outputs) == {"exit-code", "verdict", "sarif"}
    assert all(part["description"] for part in outputs.values())
    for name, part in outputs.items():
        assert part["value"] == f"${{{{ steps.audit.outputs.{name} }}}}"


# --- GitLab ---------------------------------------------------------------------------------------------------------


def test_the_gitlab_template() -> None:
    template = read(GITLAB)
    job = template["safecheck"]
    assert job["image"] == "python:3.11", "the slim image has no git, which pip and --release need"
    assert job["allow_failure"] == "false"
    assert job["artifacts"]["when"] == "always"
    (command,) = (line for line in job["script"] if " audit " in line)
    formats = re.findall(r"--output (\w+)=(\S+)", command)
    assert dict(formats) == {"gitlab": "gl-code-quality-report.json", "junit": "safecheck.xml"}
    assert {path for _, path in formats} == set(job["artifacts"]["paths"])
    assert set(job["artifacts"]["reports"].values()) == set(job["artifacts"]["paths"])
    assert {name for name, _ in formats} <= set(RENDERERS["audit"])


@pytest.mark.parametrize(("package", "code"), [("", 2), ("safecheck-trt @ git+https://forge/safecheck@v1", 0)])
def test_the_gitlab_job_must_be_told_what_to_install(package: str, code: int) -> None:
    template = read(GITLAB)
    assert template["variables"]["SAFECHECK_PACKAGE"] == ""
    guard, create, install, _ = template["safecheck"]["script"]
    assert "venv" in create
    assert install.endswith('install --quiet "$SAFECHECK_PACKAGE"')
    done = subprocess.run(["sh", "-c", guard], env={"SAFECHECK_PACKAGE": package}, capture_output=True, text=True)
    assert done.returncode == code
    assert ("SAFECHECK_PACKAGE is not set" in done.stderr) is bool(code)


# --- the job summary ------------------------------------------------------------------------------------------------


def summary(repository: Repository, *arguments: str, **environment: str) -> tuple[int, str]:
    file = repository.write("../summary.md", b"before\n")
    done = repository.safecheck("audit", "bad.onnx", *arguments, GITHUB_STEP_SUMMARY=str(file), **environment)
    return done.returncode, file.read_text(encoding="utf-8")


@pytest.mark.skipif("markdown" not in RENDERERS["audit"], reason="there is no Markdown report yet")
def test_the_job_summary_is_written_in_github_actions(repository: Repository) -> None:
    for _ in range(2):
        code, text = summary(repository, GITHUB_ACTIONS="true")
        assert code == 1
        assert text.startswith("before\n# safecheck")
        assert "reduce-mean" in text
    assert summary(repository)[1] == "before\n", "elsewhere the variable means nothing"
    assert summary(repository, "--no-summary", GITHUB_ACTIONS="true")[1] == "before\n"
    assert summary(repository, "--summary")[1] != "before\n"


def test_a_wanted_summary_needs_a_place(repository: Repository) -> None:
    done = repository.safecheck("audit", "bad.onnx", "--summary")
    assert done.returncode == 2
    assert "GITHUB_STEP_SUMMARY is not set" in done.stderr
    assert os.linesep not in done.stderr.rstrip()
