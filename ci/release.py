"""Make a release: `python ci/release.py DIST [--url ADDRESS]` (extra `release`) writes wheel, source, SBOM and hashes.

The wheel is built twice, from the checkout and from the source distribution, and both must be the same bytes. Times are
that of the commit, or of SOURCE_DATE_EPOCH. `--url` is the address of the repository, for the links on an index.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from sbom import sbom

ROOT = Path(__file__).resolve().parents[1]


def epoch() -> str:
    """The time that everything in the release bears."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    git = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    return given or subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()


def built(kind: str, source: Path, into: Path, environment: dict[str, str]) -> Path:
    """A wheel or source distribution, with the setuptools of this interpreter: that is what makes the bytes."""
    command = [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", str(into), str(source)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
    (found,) = into.iterdir()
    return found


def main() -> None:
    """Write the release."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dist", type=Path)
    parser.add_argument("--url", default="")
    asked = parser.parse_args()
    environment = {**os.environ, "SOURCE_DATE_EPOCH": epoch(), "SAFECHECK_URL": asked.url}
    with tempfile.TemporaryDirectory() as folder:
        copy, again = Path(folder, "copy"), Path(folder, "again")
        tracked = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=True).stdout
        for name in filter(None, tracked.decode().split("\0")):  # no build folder and no stray file comes along
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
            target.chmod(0o755 if os.access(ROOT / name, os.X_OK) else 0o644)
        source = built("sdist", copy, Path(folder, "source"), environment)
        wheel = built("wheel", copy, Path(folder, "one"), environment)
        with tarfile.open(source) as archive:
            archive.extractall(again, filter="data")
        (unpacked,) = again.iterdir()
        other = built("wheel", unpacked, Path(folder, "two"), environment)
        if wheel.read_bytes() != other.read_bytes():
            sys.exit("the wheel of the source distribution is another one than that of the checkout")
        files = {found.name: found.read_bytes() for found in (wheel, source)}
    files[f"{wheel.name.removesuffix('.whl')}.cdx.json"] = sbom(
        files[wheel.name], int(environment["SOURCE_DATE_EPOCH"])
    )
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))
    asked.dist.mkdir(parents=True, exist_ok=True)
    for name, data in {**files, "SHA256SUMS": sums.encode()}.items():
        (asked.dist / name).write_bytes(data)
    print(sums, end="")


if __name__ == "__main__":
    main()
