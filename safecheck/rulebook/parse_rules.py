"""`python -m safecheck.rulebook.parse_rules`: write `rules/parsed.jsonl`, which loads faster than YAML.

Run it after changing a rule file; the tests say so when it is due. Works in a checkout with an editable installation.
"""

from __future__ import annotations

import json
from pathlib import Path

from safecheck.strict import resources
from safecheck.strict.yaml import parse


def parsed_rules() -> str:
    """The content that `rules/parsed.jsonl` should have."""
    lines = []
    for path, file in resources.yaml_files(resources.rules()):
        text = file.read_text(encoding="utf-8")
        tree = json.dumps(parse(text, f"rules/{path}"), separators=(",", ":"), ensure_ascii=True)
        lines.append(f"{resources.digest(text)} {tree}\n")
    return "".join(sorted(lines))


if __name__ == "__main__":
    Path(str(resources.rules() / "parsed.jsonl")).write_text(parsed_rules(), encoding="utf-8")
