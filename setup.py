"""Adds to a wheel what makes it start fast: parsed rules and the profiles made of them. All else is in `setup.cfg`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))  # a build runs outside the checkout


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
            # Reading a profile keeps it; where nobody may write into an installation, this is the only chance.
            code = "from safecheck.rulebook.load import profile, shipped; [profile(name) for name in shipped()]"
            library = {**os.environ, "PYTHONPATH": os.pathsep.join([os.path.abspath(self.build_lib), *sys.path])}
            subprocess.run([sys.executable, "-B", "-c", code], cwd=self.build_lib, env=library, check=True)


setup(cmdclass={"build_py": BuildWithParsedRules})
