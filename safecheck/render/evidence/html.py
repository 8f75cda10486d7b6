"""The first page of a bundle: what is claimed, what is in it, what is open, and how to check all of it."""

from __future__ import annotations

from safecheck import __version__
from safecheck.assurance.bundle import Contents
from safecheck.render.html.templates import rendered

_ABOUT = {
    "report": "Reports of the audit; JSON is what `safecheck verify` repeats, the others are made from the same.",
    "statement": "What is claimed, in the forms that other tools sign and check.",
    "rulebook": "The shipped rules that the model was judged by, as they stood.",
    "overlay": "The team's own rules on top of them.",
    "configuration": "What the repository has configured.",
    "deviations": "Approved exceptions, as recorded.",
    "build": "What the vendor's builder said.",
    "fix": "How the model came about from another one, with the proof of each rewrite.",
    "selftest": "Every rule's own cases, run in the installation that made this bundle.",
    "tool": "What that installation consists of.",
}


def document(contents: Contents) -> str:
    """One file without any request, with links to the files beside it."""
    roles = [
        {"name": role, "about": about, "parts": contents.of(role)}
        for role, about in _ABOUT.items()
        if contents.of(role)
    ]
    return rendered("bundle.html.j2", contents=contents, roles=roles, version=__version__)
