"""git as a child that reads a repository, and runs nothing that the repository names.

A repository's own configuration can name programs for nearly everything: monitors, hooks, filters, pagers, credential
and ssh helpers. Here only plumbing is called that needs none, whatever could be started is switched off, and no
protocol is allowed. The folder alone decides which repository is meant, also inside a hook of another one.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # as type checkers know it
if TYPE_CHECKING:
    import subprocess

SECONDS = 60
_SETTINGS = {
    "core.alternateRefsCommand": "",
    "core.askPass": "",
    "core.attributesFile": os.devnull,
    "core.editor": "false",
    "core.excludesFile": os.path.join(os.environ.get("XDG_CONFIG_HOME") or "~/.config", "git", "ignore"),
    "core.fsmonitor": "false",
    "core.gitProxy": "",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "core.quotePath": "false",
    "core.sshCommand": "false",
    "credential.helper": "",
    "diff.external": "",
    "gpg.program": "false",
    "protocol.allow": "never",
    "submodule.recurse": "false",
}
_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_OF_A_HOOK = ("GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")
"""Where git says to its hooks what is about to be committed."""


def git(root: str, *arguments: str, stdin: bytes = b"", staged: bool = False) -> subprocess.CompletedProcess[bytes]:
    """Ask about the repository whose working tree is `root`; with `staged`, about what a hook was called for.

    Raises:
        OSError: git cannot be started.
        TimeoutError: it takes longer than `SECONDS`.
    """
    import subprocess  # an audit outside of a repository starts nothing

    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or (staged and name in _OF_A_HOOK)
    }
    settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
    places = [f"--git-dir={os.path.join(root, '.git')}", f"--work-tree={root}"]
    try:
        return subprocess.run(
            ["git", "--no-pager", *settings, "-C", root, *places, *arguments],
            input=stdin, capture_output=True, timeout=SECONDS, env=environment | _ENVIRONMENT, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(str(error)) from error


def complaint(done: subprocess.CompletedProcess[bytes]) -> str:
    """The first line of what git said, or its exit code."""
    first = os.fsdecode(done.stderr).strip().splitlines()[:1]
    return first[0] if first else f"exit code {done.returncode}"
