"""The command line of an audit, read without click where nothing about it is odd.

Whatever is not in these tables (an option that is written otherwise, a mistake, a question for help) is left to click.
A test holds every answer given here against that of click.
"""

from __future__ import annotations

from typing import Any

from safecheck.rulebook.names import full_name

FLAGS: dict[str, tuple[str, bool]] = {
    "--cache": ("cache", True),
    "--no-cache": ("cache", False),
    "--confirm": ("confirm", True),
    "--exit-zero": ("exit_zero", True),
    "--no-confirm": ("confirm", False),
    "--isolated": ("isolated", True),
    "--plan": ("plan", True),
    "--quiet": ("quiet", True),
    "-q": ("quiet", True),
    "--release": ("release", True),
    "--resume": ("resume", True),
    "--show-layers": ("show_layers", True),
    "--statistics": ("statistics", True),
    "--summary": ("summary", True),
    "--no-summary": ("summary", False),
    "--verbose": ("verbose", True),
    "-v": ("verbose", True),
}
TEXTS = {"--as-of": "as_of", "--baseline": "baseline_file", "--cluster": "cluster"}
LISTS = {
    "--deviations": "deviation_files",
    "--evidence": "evidence_files",
    "--output": "outputs",
    "--profile": "profile_names",
}
NUMBERS = {"--jobs": "jobs", "-j": "jobs"}


def options_of(words: list[str]) -> dict[str, Any] | None:
    """The models and options that the words after `audit` name; None to ask click."""
    models: list[str] = []
    found: dict[str, Any] = {}
    coming = iter(words)
    for word in coming:
        if not word.startswith("-") or word == "-":
            models.append(word)
        elif word in FLAGS:
            name, value = FLAGS[word]
            found[name] = value
        else:
            name, given, text = word.partition("=") if word.startswith("--") else (word, "", "")
            if not given:
                text = next(coming, "-")
                if text.startswith("-"):
                    return None
            if name in TEXTS:
                found[TEXTS[name]] = text
            elif name in LISTS:
                meant = full_name(text) if name == "--profile" else text
                found[LISTS[name]] = (*found.get(LISTS[name], ()), meant)
            elif name in NUMBERS and text.isascii() and text.isdigit() and 1 <= int(text[:5]) <= 1024 and len(text) < 5:
                found[NUMBERS[name]] = int(text)
            else:
                return None
    return {"models": tuple(models), **found} if models else None
