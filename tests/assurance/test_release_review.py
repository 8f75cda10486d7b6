"""The commands of docs/release-review.md, run as they stand there: from a repository to a claim that is checked."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from assurance.conftest import RECORD

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "release-review.md").read_text(encoding="utf-8")
SIGNER = Path(sys.executable).parent / "model_signing"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SIGNER.exists(), reason="needs the extra `signing`"),
]


def commands(heading: str) -> list[str]:
    """The lines of the console under a heading of the page."""
    part = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    return [line[2:].split("    #")[0] for line in part.splitlines() if line.startswith("$ ")]


class Review:
    """A repository, and a shell in it that has the commands on its path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            "PATH": f"{SIGNER.parent}{os.pathsep}{os.environ['PATH']}",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", command], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )

    def git(self, *arguments: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments], cwd=self.folder,
            env=self.environment, check=True, capture_output=True,
        )  # fmt: skip


@pytest.fixture
def review(folder: Path) -> Review:
    """As the page says that it is, with a key."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    repository = folder / "repository"
    (repository / "models").mkdir(parents=True)
    for name in ("good.onnx", "good.bin", "odd.onnx"):
        (folder / name).rename(repository / "models" / name)
    (repository / ".safecheck.yaml").write_text(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0], encoding="utf-8")
    sha256 = hashlib.sha256((repository / "models" / "odd.onnx").read_bytes()).hexdigest()
    record = RECORD.format(rule="reduce-mean", sha256=sha256)
    record = record.replace("2026-02-01", "2026-11-01").replace("2026-09-30", "2027-10-30")
    (repository / "deviations.yaml").write_text(record, encoding="utf-8")
    (folder / "release").mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "release-key.pem").write_bytes(private)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "release-key.pub").write_bytes(public)
    made = Review(repository)
    made.environment["SOURCE_DATE_EPOCH"] = "1798761600"  # within the record's time, whenever this is run
    made.git("init", "-q")
    made.git("add", ".")
    made.git("commit", "-q", "-m", "models")
    return made


def test_five_commands_make_a_signed_bundle_that_others_can_check(review: Review, folder: Path) -> None:
    steps = commands("Five commands")
    assert len(steps) == 5
    for step in steps:
        done = review.run(step)
        assert done.returncode == 0, (step, done.stdout, done.stderr)
    review.git("add", ".")
    review.git("commit", "-q", "-m", "ledger")
    for step in (*commands("Whoever receives it"), *commands("The ledger")):
        done = review.run(step)
        assert done.returncode == 0, (step, done.stdout, done.stderr)
        if step.startswith("safecheck verify"):
            assert done.stdout.startswith("IDENTICAL")
    bundle = folder / "release" / "odd.zip"
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    bundle.write_bytes(data)
    codes = [review.run(step).returncode for step in commands("Whoever receives it")]
    assert codes[0] != 0
    assert codes[1:] == [0, 1]


def test_a_changed_model_is_no_release(review: Review) -> None:
    model = review.folder / "models" / "odd.onnx"
    model.write_bytes(model.read_bytes() + b"\x72\x00")  # an empty entry of the metadata
    for step in commands("Five commands")[:3]:
        done = review.run(step)
        assert done.returncode == 1, (step, done.stdout, done.stderr)
        assert "differs from its commit" in done.stdout + done.stderr
    assert not list((review.folder.parent / "release").iterdir())
