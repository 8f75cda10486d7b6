"""The image: linted everywhere, built and run where podman or docker can."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE = ROOT / "Containerfile"


def instructions() -> list[tuple[str, str]]:
    text = FILE.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def test_the_image_is_small_and_nobody_in_it_is_root() -> None:
    found = instructions()
    bases = [rest for name, rest in found if name == "FROM"]
    assert len(bases) == 2, "what builds is left behind"
    assert all(re.match(r"docker\.io/library/python:3\.\d+-slim\b", base) for base in bases)
    last = found[len(found) - [name for name, _ in found][::-1].index("FROM") :]
    names = [name for name, _ in last]
    user = dict(last)["USER"]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user), "a number, so that a cluster knows it is not root"
    assert names.index("USER") > max(at for at, name in enumerate(names) if name in ("RUN", "COPY"))
    assert "ADD" not in {name for name, _ in found}
    assert json.loads(dict(last)["ENTRYPOINT"]) == ["safecheck"]
    assert "--no-install-recommends" in dict(last)["RUN"]
    assert "rm -rf /var/lib/apt/lists" in dict(last)["RUN"]


def test_what_a_build_needs_is_not_left_out() -> None:
    ignored = (ROOT / ".containerignore").read_text(encoding="utf-8").split()
    for needed in ("safecheck", "rules", "reports", "tests", "tests/cases", "setup.cfg", "setup.py", "README.md"):
        assert needed not in ignored


def engine() -> str | None:
    for name in ("podman", "docker"):
        if shutil.which(name) and not subprocess.run([name, "info"], capture_output=True, timeout=60).returncode:
            return name
    return None


@pytest.mark.slow
def test_the_image_audits_without_a_network_and_without_writing() -> None:
    program = engine()
    if program is None:
        pytest.skip("neither podman nor docker runs here")
    base = dict(instructions())["FROM"]
    here = subprocess.run([program, "image", "inspect", base], capture_output=True, timeout=60).returncode == 0
    if not here and subprocess.run([program, "pull", "-q", base], capture_output=True, timeout=600).returncode:
        pytest.skip(f"{base} cannot be had here")
    build = [program, "build", "-q", "-f", str(FILE), "-t", "safecheck-test", str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    run = [program, "run", "--rm", "--read-only", "--network", "none", "--cap-drop", "all"]
    run += ["-v", f"{ROOT / 'examples'}:/models:ro", "safecheck-test"]
    for model, code in (("csa-block.onnx", 0), ("csa-block-refused.onnx", 1)):
        done = subprocess.run([*run, "audit", model], capture_output=True, text=True, timeout=300)
        assert done.returncode == code, done.stderr
    done = subprocess.run([*run[:-1], "--entrypoint", "id", "safecheck-test", "-u"], capture_output=True, text=True)
    assert done.stdout.strip() == "10001"
