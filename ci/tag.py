"""Make the tag of this version, `v0.2.0`, so that `rev:` of a hook has something to name: `python ci/tag.py [--sign]`.

It is made where everything says the same: nothing is changed, `safecheck/__init__.py`, `CITATION.cff` and the first
heading of `CHANGELOG.md` name the version, and there is no such tag. Nothing is pushed; the last line says how.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path.cwd()
VERSION = re.compile(r'^__version__ = "([0-9]+\.[0-9]+\.[0-9]+)"$', re.MULTILINE)
CITED = re.compile(r"^version: (\S+)$", re.MULTILINE)
HEADING = re.compile(r"^## (\S+)", re.MULTILINE)


def git(*arguments: str) -> str:
    """What git says; it ends the run if it refuses."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def named(file: str, pattern: re.Pattern[str]) -> str:
    """The version that a file names first."""
    found = pattern.search((ROOT / file).read_text(encoding="utf-8"))
    return found[1].strip("[]") if found else "none"


def main() -> None:
    """Check, and tag."""
    files = {"safecheck/__init__.py": VERSION, "CITATION.cff": CITED, "CHANGELOG.md": HEADING}
    versions = {file: named(file, pattern) for file, pattern in files.items()}
    if len(set(versions.values())) != 1:
        sys.exit("these name different versions: " + ", ".join(f"{file} {found}" for file, found in versions.items()))
    if git("status", "--porcelain"):
        sys.exit("there are changes that no commit holds; commit or remove them")
    tag = f"v{versions['safecheck/__init__.py']}"
    if git("tag", "--list", tag):
        sys.exit(f"there is a tag {tag} already; a tag is never moved, raise the version")
    git("tag", "--sign" if "--sign" in sys.argv[1:] else "--annotate", tag, "-m", f"safecheck {tag[1:]}")
    print(f"{tag} is {git('rev-parse', '--short', f'{tag}^{{commit}}').strip()}; publish it: git push <remote> {tag}")


if __name__ == "__main__":
    main()
