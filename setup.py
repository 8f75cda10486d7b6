"""What a wheel has that a checkout has not. All else is said in `setup.cfg`.

The rule files a second time, parsed, and profiles made of them, so that it starts fast; and a description whose links
and pictures work on an index. SAFECHECK_URL is the address of the repository. Without it the index gets no links,
rather than wrong ones.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))  # a build runs outside the checkout
URL = os.environ.get("SAFECHECK_URL", "").rstrip("/")
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?![a-z]+:|#)([^)]+)\)")
"""A link or picture of Markdown that leads into the repository."""


class BuildWithParsedRules(build_py):
    """An editable installation gets none: it keeps what it parsed, see `safecheck/strict/resources.py`."""

    def run(self) -> None:
        """Write `parsed.jsonl` beside the copied rule files."""
        super().run()
        if not getattr(self, "editable_mode", False):
            from safecheck.strict.resources import parsed_rules
            from safecheck.strict.yaml import parse

            file = Path(self.build_lib, "safecheck", "rules", "parsed.jsonl")
            file.write_text(parsed_rules(ROOT / "rules", parse), encoding="utf-8")
            # Reading a profile keeps it. This is the only chance where nobody may write into an installation; elsewhere
            # what is kept later would outlive the installation, and an empty package hide the next one.
            code = "from safecheck.rulebook.load import profile, shipped\n"
            code += "for name in shipped():\n    for release in profile(name).known_releases:\n"
            code += "        profile(f'{name}@{release}')"
            library = {**os.environ, "PYTHONPATH": os.pathsep.join([os.path.abspath(self.build_lib), *sys.path])}
            library["PYTHONHASHSEED"] = "0"  # the order of a set is part of the bytes
            subprocess.run([sys.executable, "-B", "-c", code], cwd=self.build_lib, env=library, check=True)


def description(url: str, tag: str) -> str:
    """The README for a page that is not beside the files: links lead to the tag, and without an address are words."""

    def absolute(found: re.Match[str]) -> str:
        mark, words, path = found.groups()
        if not url:
            return f"*{words}*" if mark else words
        return f"{mark}[{words}]({url}/{'raw' if mark else 'blob'}/{tag}/{path})"

    return LINK.sub(absolute, (ROOT / "README.md").read_text(encoding="utf-8"))


def addresses(url: str, tag: str) -> dict[str, str]:
    """What an index shows beside the description."""
    if not url:
        return {}
    pages = {"Documentation": f"blob/{tag}/docs/architecture.md", "Changelog": f"blob/{tag}/CHANGELOG.md"}
    return {"Source": url, **{name: f"{url}/{path}" for name, path in pages.items()}}


if __name__ == "__main__":
    import safecheck

    TAG = f"v{safecheck.__version__}"
    setup(
        cmdclass={"build_py": BuildWithParsedRules},
        long_description=description(URL, TAG),
        long_description_content_type="text/markdown",
        project_urls=addresses(URL, TAG),
    )
