"""Adds to a wheel what makes it start fast: the rule files a second time, parsed. All else is said in `setup.cfg`."""

from __future__ import annotations

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


setup(cmdclass={"build_py": BuildWithParsedRules})
