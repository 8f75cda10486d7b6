"""A release: the same bytes twice, complete, with its parts listed, a description that works elsewhere, and a tag."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path
from types import ModuleType

import pytest
import yaml

import safecheck

ROOT = Path(__file__).parents[1]
URL = "https://forge.invalid/team/safecheck"
NOT_SHIPPED: frozenset[str] = frozenset()


def loaded(file: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(file).stem, ROOT / file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_on_an_index_every_link_leads_to_the_tag_and_every_target_is_there() -> None:
    made = loaded("setup.py").description(URL, "v1.2.3")
    marked = {link: mark for mark, link in re.findall(r"(!?)\[[^\]]*\]\(([^)]+)\)", made)}
    links = list(marked)
    assert len(links) > 10
    inside = [link for link in links if link.startswith(URL)]
    assert all(link.startswith(("https://", "http://", "#")) for link in links)
    for link in inside:
        kind, tag, path = link.removeprefix(f"{URL}/").split("/", 2)
        assert (kind, tag) == ("raw" if marked[link] else "blob", "v1.2.3")
        assert (ROOT / path).exists(), path
    assert any("/raw/" in link for link in inside)


def test_without_an_address_there_is_no_link_that_leads_nowhere() -> None:
    setup = loaded("setup.py")
    assert setup.addresses("", "v1") == {}
    for link in re.findall(r"!?\[[^\]]*\]\(([^)]+)\)", setup.description("", "v1")):
        assert link.startswith(("https://", "http://", "#"))


def test_who_cites_it_names_this_version() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["cff-version"] == "1.2.0"
    assert cited["version"] == safecheck.__version__
    assert {"title", "message", "authors"} <= cited.keys()


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of what is tracked here; `ci/release.py` itself builds the wheel twice and compares."""
    folder = tmp_path_factory.mktemp("dist")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    command = [sys.executable, str(ROOT / "ci" / "release.py"), str(folder), "--url", URL]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_a_release_is_complete_and_its_bytes_repeat(dist: Path) -> None:
    (wheel,), (source,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    for line in (dist / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((dist / name).read_bytes()).hexdigest() == digest
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    with tarfile.open(source) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert {name for name in tracked.split("\0") if name} - held == NOT_SHIPPED
    parts = zipfile.ZipFile(wheel)
    assert {info.date_time[:3] for info in parts.infolist()} == {(2023, 11, 14)}
    names = set(parts.namelist())
    assert {"safecheck/rules/parsed.jsonl", "safecheck/reports/vendor/cytoscape.min.js"} <= names
    (about,) = (Parser().parsestr(parts.read(name).decode()) for name in names if name.endswith("/METADATA"))
    assert about["Version"] == safecheck.__version__
    assert f"Source, {URL}" in about.get_all("Project-URL")
    licences = {name.rpartition("/")[2] for name in names if "/licenses/" in name}
    assert licences == {"LICENSE", "cytoscape.LICENSE.txt", "dagre.LICENSE.txt"}


@pytest.mark.slow
def test_nothing_is_left_of_an_installation_that_was_used(dist: Path, tmp_path: Path) -> None:
    """pip leaves a folder with a file that it did not write, and an empty package hides an editable one."""
    (wheel,), site = (
        dist.glob("*.whl"),
        Path("lib", f"python{sys.version_info[0]}.{sys.version_info[1]}", "site-packages"),
    )
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path)], check=True)
    (tmp_path / site / "beside.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    python, package = str(tmp_path / "bin" / "python"), tmp_path / site / "safecheck"
    pip = [python, "-m", "pip", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--no-index", "--no-deps", "--ignore-installed", str(wheel)], check=True)
    model = ROOT / "examples" / "csa-block.onnx"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    for target in ("tensorrt-8.6-restricted@8.6.12", "tensorrt-10-safety"):
        command = [python, "-c", f"import safecheck; assert safecheck.__file__.startswith({str(package)!r})"]
        subprocess.run(command, env=environment, cwd=tmp_path, check=True)
        command = [python, "-m", "safecheck", "audit", str(model), "--profile", target, "--no-cache", "-q"]
        assert subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True).returncode in (0, 1)
    subprocess.run([*pip, "uninstall", "-y", "safecheck-trt"], env=environment, cwd=tmp_path, check=True)
    assert not package.exists()


@pytest.mark.slow
def test_the_parts_are_listed(dist: Path) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    (file,), (wheel,) = dist.glob("*.cdx.json"), dist.glob("*.whl")
    text = file.read_text(encoding="utf-8")
    content = json.loads(text)
    try:
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    except ImportError:  # the library validates with an extra of its own
        assert content["specVersion"] == "1.6"
    itself = content["metadata"]["component"]
    assert itself["hashes"][0]["content"] == hashlib.sha256(wheel.read_bytes()).hexdigest()
    names = {part["name"]: part for part in content["components"]}
    assert {"cytoscape", "dagre", "onnx", "numpy", "click", "Jinja2", "networkx", "rich"} <= names.keys()
    assert names["dagre"]["purl"].startswith("pkg:npm/%40dagrejs/dagre@")
    assert "torch" not in names, "what an extra needs is no part"


def test_a_tag_is_made_where_everything_says_the_same(tmp_path: Path) -> None:
    def run(*command: str) -> subprocess.CompletedProcess[str]:
        identity = ["-c", "user.name=A", "-c", "user.email=a@b.invalid"] if command[0] == "git" else []
        return subprocess.run([command[0], *identity, *command[1:]], cwd=tmp_path, capture_output=True, text=True)

    (tmp_path / "safecheck").mkdir()
    shutil.copy(ROOT / "CITATION.cff", tmp_path)
    shutil.copy(ROOT / "safecheck" / "__init__.py", tmp_path / "safecheck")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n")
    for step in (("init", "-q"), ("config", "user.name", "A"), ("config", "user.email", "a@b.invalid")):
        run("git", *step)
    tag = (sys.executable, str(ROOT / "ci" / "tag.py"))
    done = run(*tag)
    assert done.returncode == 1
    assert "CHANGELOG.md Unreleased" in done.stderr
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n## [{safecheck.__version__}] - 2026-11-30\n")
    assert "no commit holds" in run(*tag).stderr
    run("git", "add", "-A")
    run("git", "commit", "-qm", "all")
    done = run(*tag)
    assert done.returncode == 0, done.stderr
    assert run("git", "tag").stdout == f"v{safecheck.__version__}\n"
    assert run("git", "cat-file", "-t", f"v{safecheck.__version__}").stdout == "tag\n", (
        "annotated: it says who and when"
    )
    assert "already" in run(*tag).stderr
