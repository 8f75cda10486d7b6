"""The configuration of a repository: found, checked, and held inside the repository."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from workflow_repo import ALLOWED, ENVIRONMENT, FORBIDDEN, UNPROVEN, Repository, one_error

from safecheck.strict.toml import tree_of
from safecheck.strict.yaml import Entry
from safecheck.workflow.config.globs import matches

OVERLAY = 'id: ours\ntitle: Ours\nversion: "1"\nextends: tensorrt-8.6-restricted\n'


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository")
    made.model("models/good.onnx", ALLOWED)
    made.model("models/open.onnx", UNPROVEN)
    made.model("old/bad.onnx", FORBIDDEN)
    return made


def paths_of(text: str) -> list[str]:
    found = json.loads(text)
    return [part["model"]["path"] for part in found.get("reports", [found])]


# --- where it is found ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (".safecheck.yaml", "paths: [models]\noutput: json\n"),
        ("pyproject.toml", '[project]\nname = "x"\n[tool.safecheck]\npaths = ["models"]\noutput = "json"\n'),
    ],
)
def test_paths_are_relative_to_the_file(repository: Repository, name: str, content: str) -> None:
    repository.write(name, content)
    assert paths_of(repository.safecheck("audit").stdout) == ["models/good.onnx", "models/open.onnx"]
    assert paths_of(repository.safecheck("audit", folder="old").stdout) == [
        "../models/good.onnx", "../models/open.onnx",
    ]  # fmt: skip


def test_the_nearest_one_holds(repository: Repository) -> None:
    repository.write(".safecheck.yaml", "paths: [models]\noutput: json\n")
    repository.write("old/.safecheck.yaml", "paths: [bad.onnx]\noutput: json\n")
    assert paths_of(repository.safecheck("audit", folder="old").stdout) == ["bad.onnx"]


def test_a_project_file_without_a_table_is_none(repository: Repository) -> None:
    repository.write(".safecheck.yaml", "jobs: 3\n")
    repository.write("old/pyproject.toml", '[project]\nname = "safecheck-user"\n')
    assert (
        "jobs = 3  (../.safecheck.yaml:1)\n" in repository.safecheck("config", "show", "--origin", folder="old").stdout
    )


def test_the_search_ends_at_the_repository(tmp_path: Path) -> None:
    (tmp_path / ".safecheck.yaml").write_text("jobs: 3\n", encoding="utf-8")
    inner = Repository(tmp_path / "inner")
    assert "jobs = 1\n" in inner.safecheck("config", "show").stdout
    (tmp_path / "plain").mkdir()
    outside = inner.safecheck("config", "show", folder="../plain", HOME=str(tmp_path / "elsewhere"))
    assert "jobs = 1\n" in outside.stdout, "outside a repository and the home folder, only the folder itself"
    assert "jobs = 3\n" in inner.safecheck("config", "show", folder="../plain", HOME=str(tmp_path)).stdout


def test_isolated(repository: Repository) -> None:
    repository.write(".safecheck.yaml", "nonsense: 1\n")
    assert repository.safecheck("audit", "models/good.onnx").returncode == 2
    assert repository.safecheck("audit", "models/good.onnx", "--isolated").returncode == 0
    assert repository.safecheck("audit", "--isolated").returncode == 2


def test_show_says_where_each_value_is_from(repository: Repository) -> None:
    text = '[build-system]\nrequires = ["a", # ]\n"b"]\n\n[tool.safecheck]\nprofile = "tensorrt-10-safety"\n'
    repository.write("pyproject.toml", f'{text}\n[tool.safecheck.per-path]\n"old/**" = "tensorrt-8.4-restricted"\n')
    shown = repository.safecheck("config", "show", "--origin").stdout.splitlines()
    assert "profile = tensorrt-10-safety  (pyproject.toml:6)" in shown
    assert "per-path = old/**: tensorrt-8.4-restricted  (pyproject.toml:8)" in shown
    assert "cache = true  (default)" in shown


# --- what wins ------------------------------------------------------------------------------------------------------


def test_the_command_line_wins(repository: Repository) -> None:
    repository.write(".safecheck.yaml", "profile: tensorrt-10-safety\nper-path:\n  models/**: tensorrt-11-safety\n")

    def profile_of(*arguments: str) -> str:
        done = repository.safecheck("audit", *arguments, "--output", "json")
        return str(json.loads(done.stdout)["profile"]["id"])

    assert profile_of("old/bad.onnx") == "tensorrt-10-safety"
    assert profile_of("models/good.onnx") == "tensorrt-11-safety"
    assert profile_of("models/good.onnx", "--profile", "tensorrt-8.6-restricted") == "tensorrt-8.6-restricted"
    assert profile_of("models/good.onnx", "--isolated") == "tensorrt-8.6-restricted"


def test_the_last_pattern_wins(repository: Repository) -> None:
    repository.write(
        ".safecheck.yaml",
        "per-path:\n  '**/*.onnx': tensorrt-10-safety\n  models/g*: tensorrt-11-safety\n",
    )
    done = repository.safecheck("audit", "models", "--output", "json")
    profiles = [part["profile"]["id"] for part in json.loads(done.stdout)["reports"]]
    assert profiles == ["tensorrt-11-safety", "tensorrt-10-safety"]


def test_what_is_excluded_is_not_searched_for_but_can_be_named(repository: Repository) -> None:
    repository.write(".safecheck.yaml", "paths: [.]\nexclude: ['old/**', '**/open.onnx']\noutput: json\n")
    assert paths_of(repository.safecheck("audit").stdout) == ["models/good.onnx"]
    assert repository.safecheck("audit", "old/bad.onnx").returncode == 1


def test_everything_excluded_is_no_pass(repository: Repository) -> None:
    repository.write(".safecheck.yaml", "paths: [.]\nexclude: ['**']\n")
    one_error(repository.safecheck("audit"), 3, "SC-IO-NOMODEL", "all 3 models of the folder are excluded")


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("profil: x\n", (".safecheck.yaml:1: profil", "unknown key 'profil' (did you mean 'profile'?)")),
        ("jobs: 1\njobs: 2\n", (".safecheck.yaml:2: jobs", "already given in line 1")),
        ("jobs: 0\n", (".safecheck.yaml:1: jobs", "a number from 1")),
        ("jobs: true\n", (".safecheck.yaml:1: jobs", "a number from 1")),
        ("cache: yes\n", (".safecheck.yaml:1: cache", "different things to different readers")),
        ("cache: 1\n", (".safecheck.yaml:1: cache", "expected true or false")),
        ("paths: []\n", (".safecheck.yaml:1: paths", "an empty list")),
        ("\npaths:\n  - models\n  - ../other\n", (".safecheck.yaml:4: paths[1]", "leads outside the repository")),
        ("paths: /etc\n", (".safecheck.yaml:1: paths", "absolute path")),
        ("paths: ~/models\n", (".safecheck.yaml:1: paths", "absolute path")),
        ("paths: 'C:\\models'\n", (".safecheck.yaml:1: paths", "absolute path")),
        ("paths: [models/out]\n", (".safecheck.yaml:1: paths[0]", "leads outside the repository")),
        ("baseline: .git/config\n", (".safecheck.yaml:1: baseline", "into its .git")),
        ("output: json=.GIT/hooks/pre-commit\n", (".safecheck.yaml:1: output", "into its .git")),
        ("output: [text, json=../x.json]\n", (".safecheck.yaml:1: output[1]", "leads outside the repository")),
        ("deviations: ../d.yaml\n", (".safecheck.yaml:1: deviations", "leads outside the repository")),
        ("profile: ../p.yaml\n", (".safecheck.yaml:1: profile", "leads outside the repository")),
        ("per-path:\n  a: b\n  /m/**: x\n", (".safecheck.yaml:3: per-path./m/**", "a pattern must be relative")),
        ("per-path:\n  '../**': x\n", (".safecheck.yaml:2", "a pattern must be relative")),
        ("exclude: ['a/../b']\n", (".safecheck.yaml:1: exclude[0]", "a pattern must be relative")),
        ("plugins: [evil]\n", ("unknown key 'plugins'", "use one of: baseline, cache, confirm")),
        ("a: &x [1]\nb: *x\n", (".safecheck.yaml:1", "anchor")),
        ("", (".safecheck.yaml", "the file is empty")),
        ("- 1\n", (".safecheck.yaml:1", "expected a mapping")),
        ("\tx: [\n", (".safecheck.yaml:1", "correct the syntax")),
    ],
)  # fmt: skip
def test_one_line_with_file_line_and_key(repository: Repository, content: str, expected: tuple[str, ...]) -> None:
    (repository.path / "models" / "out").symlink_to(repository.path.parent)
    repository.write(".safecheck.yaml", content)
    one_error(repository.safecheck("audit", "models/good.onnx"), 2, "SC-CFG-CONFIG", *expected)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[tool.safecheck]\n\n# c\nprofil = 'x'\n", ("pyproject.toml:4: profil", "did you mean 'profile'?")),
        ('[tool.safecheck]\ncache = true\npaths = [\n  "../x",\n]\n', ("pyproject.toml:3: paths[0]", "outside")),
        ("[tool]\nsafecheck.jobs = 1.5\n", ("pyproject.toml:2: jobs", "a number from 1")),
        ("[tool]\nsafecheck = {jobs = 0}\n", ("pyproject.toml:2: jobs", "a number from 1")),
        ('x = """\n[tool.safecheck]\n"""\n[tool."safecheck"]\njobs = 1979-05-27\n', ("pyproject.toml:5: jobs",)),
        ("[tool.safecheck]\njobs = \n", ("pyproject.toml:2", "correct the syntax")),
        ("[tool.safecheck]\njobs = 1\njobs = 2\n", ("pyproject.toml:3", "correct the syntax")),
        ("[tool]\nsafecheck = 3\n", ("pyproject.toml:2", "expected a mapping")),
    ],
)
def test_the_same_for_toml(repository: Repository, content: str, expected: tuple[str, ...]) -> None:
    repository.write("pyproject.toml", content)
    one_error(repository.safecheck("audit", "models/good.onnx"), 2, "SC-CFG-CONFIG", *expected)


def test_two_files_in_one_folder(repository: Repository) -> None:
    repository.write(".safecheck.yaml", "jobs: 1\n")
    repository.write("pyproject.toml", "[tool.safecheck]\njobs = 1\n")
    one_error(repository.safecheck("audit", "models/good.onnx"), 2, "only one of them can hold")


@pytest.mark.parametrize("name", [".safecheck.yml", "safecheck.toml"])
def test_a_misnamed_file_is_not_overlooked(repository: Repository, name: str) -> None:
    repository.write(name, "jobs: 1\n")
    one_error(repository.safecheck("audit", "models/good.onnx"), 2, name, "rename it to .safecheck.yaml")


def test_a_configuration_that_is_a_link_to_elsewhere(repository: Repository) -> None:
    (repository.path.parent / "theirs.yaml").write_text("jobs: 1\n", encoding="utf-8")
    (repository.path / ".safecheck.yaml").symlink_to("../theirs.yaml")
    one_error(repository.safecheck("audit", "models/good.onnx"), 2, "leads outside the repository")


def test_an_overlay_may_not_extend_something_outside(repository: Repository) -> None:
    (repository.path.parent / "theirs.yaml").write_text("not: [even, an, overlay\n", encoding="utf-8")
    repository.write("rules/ours.yaml", OVERLAY.replace("tensorrt-8.6-restricted", "../../theirs.yaml"))
    repository.write(".safecheck.yaml", "profile: rules/ours.yaml\n")
    one_error(repository.safecheck("audit", "models/good.onnx"), 2, ".safecheck.yaml:1: profile", "theirs.yaml")
    repository.write("rules/ours.yaml", OVERLAY)
    assert repository.safecheck("audit", "models/good.onnx").returncode == 0
    assert "id" in repository.safecheck("audit", "good.onnx", folder="models").stdout


def test_a_model_that_is_a_link_to_elsewhere(repository: Repository) -> None:
    outside = repository.path.parent / "theirs.onnx"
    outside.write_bytes((repository.path / "models" / "good.onnx").read_bytes())
    (repository.path / "models" / "link.onnx").symlink_to(outside)
    repository.write(".safecheck.yaml", "paths: [models]\n")
    one_error(repository.safecheck("audit"), 2, "models/link.onnx is a link that leads outside")
    assert repository.safecheck("audit", "models/link.onnx").returncode == 0, (
        "on the command line it is the user's word"
    )


def test_modules_in_the_repository_are_never_imported(repository: Repository) -> None:
    for name in ("onnx", "yaml", "tomllib", "click", "json", "safecheck"):
        repository.write(f"{name}.py", "raise SystemExit('taken over')\n")
    repository.write(".safecheck.yaml", "paths: [models/good.onnx]\n")
    script = Path(sys.executable).parent / "safecheck"
    done = subprocess.run([script, "audit"], cwd=repository.path, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# --- the parts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("models/**", "models/a/b.onnx", True), ("**/*.onnx", "a.onnx", True), ("**/*.onnx", "x/y/a.onnx", True),
        ("*.onnx", "a/b.onnx", False), ("models/*", "models/a/b", False), ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True), ("a/**/b", "a/x/c", False), ("[ab].onnx", "b.onnx", True),
        ("**", "any/thing", True), ("A.onnx", "a.onnx", False),
    ],
)  # fmt: skip
def test_patterns(pattern: str, path: str, expected: bool) -> None:
    assert matches(pattern, path) is expected


def test_a_hostile_pattern_takes_no_time() -> None:
    assert not matches("/".join(["**"] * 2000) + "/x", "/".join(["a"] * 2000))
    assert not matches("*a" * 60 + "b", "a" * 3000)


def test_lines_of_toml_keys() -> None:
    text = "a = '''\n[t]\nk = 1\n'''\n\n[t] # [u]\n'k.x' = [ # ]\n 1, '''x\n]''',\n]\n"
    text += '"q\\"" = {z = \'}\'}\n[[t.list]]\nm = 1\n'
    tree = tree_of(text, "f", ("t",))
    assert tree is not None
    lines = {key: line for key, line, _, _ in tree[2]}
    assert lines == {"k.x": 7, 'q"': 11, "list": 12}
    assert Entry(tree, "f").items()["k.x"].sequence()[1].text() == "x\n]"
