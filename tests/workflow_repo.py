"""A real repository with models, weights and Git LFS pointers, for the tests of the workflow."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import processes
from case_files import model_from_text

ALLOWED = "(float[4,8,6,6] x) => (y) { s = Sigmoid(x) y = Mul(x, s) }"
FORBIDDEN = "(float[4,8,6,6] x) => (y) { s = Sigmoid(x) y = ReduceMean(s) }"
UNPROVEN = "(float[4,8,6,6] x) => (y) { y = Erf(x) }"
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "GITHUB_"))},
    "COLUMNS": "80", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org",
}  # fmt: skip


class Repository:
    """A folder under Git in which commands are run as a user runs them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kept = path.parent / f"{path.name}-kept"
        self.environment: dict[str, str] = {}
        path.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def run(self, command: list[str], stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
        """Any program, with the tools of this test run on its path."""
        done = subprocess.run(
            command, cwd=self.path, capture_output=True, input=stdin, timeout=600, check=False,
            env={**ENVIRONMENT, "SAFECHECK_CACHE_DIR": str(self.kept), **self.environment},
        )  # fmt: skip
        output, errors = (part.decode("utf-8", "replace") for part in (done.stdout, done.stderr))
        return subprocess.CompletedProcess(command, done.returncode, output, errors)

    def git(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = self.run(["git", *arguments])
        assert done.returncode == 0 or not check, done.stderr
        return done

    def safecheck(
        self, *arguments: str | Path, folder: str = ".", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        done = processes.safecheck_text(
            *arguments, cwd=self.path / folder,
            environment={**ENVIRONMENT, "SAFECHECK_CACHE_DIR": str(self.kept), **environment},
        )  # fmt: skip
        assert "Traceback" not in done.stderr + done.stdout, done.stderr
        return done

    def python(self, code: str) -> subprocess.CompletedProcess[str]:
        """Code in an interpreter of its own."""
        return self.run([sys.executable, "-c", code])

    def write(self, name: str, content: str | bytes) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def model(self, name: str, text: str = ALLOWED) -> Path:
        return self.write(name, model_from_text(text).SerializeToString())

    def model_with_weights(self, name: str, location: str, fill: int = 0) -> tuple[Path, Path]:
        """A compliant convolution whose 16 bytes of weights lie in a file of their own."""
        model = model_from_text("(float[1,2,9,9] x) => (y) { y = Conv(x, w) }", weights={"w": "float[2,2,1,1]"})
        weights = model.graph.initializer[0]
        size = len(weights.raw_data)
        weights.ClearField("raw_data")
        weights.data_location = weights.EXTERNAL
        weights.external_data.add(key="location", value=location)
        file = self.write(name, model.SerializeToString())
        return file, self.write(str(Path(name).parent / location), bytes([fill]) * size)

    def pointer(self, content: bytes) -> bytes:
        """The Git LFS pointer that stands for the content."""
        oid = hashlib.sha256(content).hexdigest()
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n".encode()


def one_error(done: subprocess.CompletedProcess[str], code: int, *expected: str) -> None:
    """One line on standard error that explains the exit code."""
    assert done.returncode == code, done.stderr
    errors = done.stderr.splitlines()
    assert len(errors) == 1, done.stderr
    assert re.match(r"error\[SC-[A-Z]+-[A-Z0-9-]+\]: .+; .+", errors[0]), errors[0]
    for part in expected:
        assert part in errors[0], errors[0]
    assert errors[0].isprintable()
