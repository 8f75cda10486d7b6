"""Ask the scope check of TensorRT 10.x that runs without a GPU (extra `oracle`)."""

from __future__ import annotations

import os
import platform

from safecheck.finding import Verdict
from safecheck.nvidia.backends.backend import Told
from safecheck.nvidia.scope_check.answers import Scope
from safecheck.nvidia.scope_check.ask import PACKAGE, PROGRAM, VERSION, ask, library_sha256
from safecheck.nvidia.scope_check.words import NETWORK
from safecheck.rulebook.profile import Profile


class Oracle:
    """The backend; `safecheck.nvidia.scope_check.confirm.require_confirmable` says whether it can be used."""

    name = "oracle"
    release = "10"
    """A late 10.x; the check does not say which."""

    def __init__(self, program: tuple[str, ...] = PROGRAM) -> None:
        self._program = program
        self._library = ""

    def ask(self, path: str, book: Profile) -> Told:
        """Ask about the network in a file, in a process of its own."""
        answer = ask(path, size=os.path.getsize(path), layers=True, program=self._program)
        self._library = answer.library or self._library
        words = "; ".join(dict.fromkeys(one.limit for one in answer.refused)) or answer.reason
        log = f"{answer.scope.value}: {words}\n".encode()
        if answer.scope is Scope.INSIDE:
            return Told(Verdict.ALLOWED, "in scope", log=log)
        if answer.scope is not Scope.REFUSED:
            return Told(Verdict.UNPROVEN, words, log=log)
        labels = {made.name: made.label.partition(":")[0] for made in answer.layers}
        refused = tuple(dict.fromkeys(labels[one.layer] for one in answer.refused if one.layer in labels))
        if not refused and all(one.layer == NETWORK for one in answer.refused):
            # Inside a larger network the tensor need not be an input or output.
            return Told(Verdict.UNPROVEN, f"refused as a network input or output only: {words}", log=log)
        return Told(Verdict.FORBIDDEN, words, refused, log)

    def about(self) -> str:
        """Package, version, platform, and hash of the library."""
        return (
            f"TensorRT 10.x safety scope as shipped in {PACKAGE} {VERSION}; {platform.system()} {platform.machine()}; "
            f"library SHA-256 {library_sha256(self._library) or 'unknown'}"
        )
