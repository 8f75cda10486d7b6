"""The command `safecheck probe [MODEL...] -o OVERLAY.yaml`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from safecheck.audit.audit import Audit
from safecheck.cli.configured import chosen_profile, search
from safecheck.cli.interrupt import keeping
from safecheck.cli.options import profile_option
from safecheck.cli.output import note, say
from safecheck.cli.progress import waiting
from safecheck.errors import UsageError
from safecheck.finding import Verdict
from safecheck.nvidia.backends.find import find_backend
from safecheck.nvidia.probe.overlay import overlay
from safecheck.nvidia.probe.questions import Question
from safecheck.nvidia.probe.run import Probed, collect, require_measured
from safecheck.nvidia.probe.run import probe as ask_all
from safecheck.nvidia.scope_check.confirm import require_confirmable
from safecheck.render.output import write_bytes, write_file
from safecheck.rulebook.load import profile, shipped
from safecheck.rulebook.profile import Profile
from safecheck.text import printable
from safecheck.usecases.audit import audit_cases, audit_models


@click.command()
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@profile_option
@click.option(
    "--with", "backend_name", type=click.Choice(["oracle", "tensorrt", "trtexec"]), default="oracle", show_default=True,
    help="What to ask: the GPU-less check of TensorRT 10.x (extra `oracle`), the package tensorrt, or a trtexec.",
)  # fmt: skip
@click.option("--trtexec", "executable", metavar="PATH", default="trtexec", help="With --with trtexec: the executable.")
@click.option("--python", "interpreter", metavar="PATH", help="With --with tensorrt: the interpreter that has it.")
@click.option("-o", "--output", "path", metavar="OVERLAY.yaml", required=True, help="A new file for the answers.")
@click.option("--save-networks", "folder", metavar="DIR", help="Keep the networks and the log of the answers here.")
def probe(
    models: tuple[str, ...], profile_name: str | None, backend_name: str, executable: str,
    interpreter: str | None, path: str, folder: str | None,
) -> int:  # fmt: skip
    """Ask your own TensorRT about every layer form that nobody has decided, and write its answers as rules.

    Without MODEL, the forms are those of the rule cases of the profile. The result is an overlay for --profile. The
    exit code is 0 if every form was decided, 3 if one was not.
    """
    profile_name = chosen_profile(profile_name, models)
    book = profile(profile_name)
    require_measured(book)
    extends = _new_file(path, profile_name)
    if backend_name == "oracle":
        require_confirmable(book, "--with oracle")
    backend = find_backend(backend_name, executable, interpreter)
    asked, unasked = collect(_audits(models, book), book)
    for one in unasked:
        say(f"not asked  {one.title}: {one.reason}")
    if not asked:
        note("there is nothing to ask about, and nothing was written")
        return 3 if unasked else 0
    with keeping([path]), _room(folder) as room:
        with waiting(f"asking {backend_name} what is known") as tell:
            found = ask_all(_told(asked, tell), book, backend, room)
        if folder is not None:
            write_bytes(os.path.join(folder, "answers.log"), found.log)
    decided = len(found.answers) > found.count(Verdict.UNPROVEN)
    if decided:
        write_file(path, overlay(book, extends, found.about, found.log_sha256, found.answers))
    _say(found, len(unasked))
    used = f"wrote {printable(path)}; use it with --profile {printable(path)}"
    note(used if decided else "nothing was decided, and nothing was written")
    return 3 if unasked or found.count(Verdict.UNPROVEN) else 0


def _new_file(path: str, profile_name: str) -> str:
    """What the profile is called in an overlay at `path`."""
    if os.path.lexists(path):
        raise UsageError("SC-OUT-PATH", printable(path), "there is such a file", "name a new file")
    if not os.path.isdir(os.path.dirname(path) or os.curdir) or not path.endswith((".yaml", ".yml")):
        raise UsageError(
            "SC-OUT-PATH",
            printable(path),
            "no overlay can be written there",
            "name a new .yaml file in a folder that exists",
        )
    if profile_name.partition("@")[0] in shipped():
        return profile_name
    return os.path.relpath(profile_name, os.path.dirname(path) or os.curdir)


def _told(asked: list[Question], tell: Callable[[str], None]) -> Iterator[Question]:
    for number, question in enumerate(asked):
        tell(f"{number} of {len(asked)} forms asked, now {question.title}")
        yield question


def _audits(models: tuple[str, ...], book: Profile) -> Iterator[Audit]:
    for report in audit_models(search(models), book) if models else audit_cases(book):
        if report.error is not None:
            raise report.error
        if report.audit is not None:
            yield report.audit


@contextmanager
def _room(folder: str | None) -> Iterator[str]:
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="safecheck-") as temporary:
            yield temporary
        return
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise UsageError(
            "SC-OUT-PATH", printable(folder), str(error.strerror), "name a folder that can be written"
        ) from error
    yield folder


def _say(found: Probed, unasked: int) -> None:
    for question, told in found.answers:
        words = "" if told.verdict is Verdict.ALLOWED else f"  ({told.words})"
        say(f"{told.verdict:<9}  {question.title}{words}")
    counts = ", ".join(f"{found.count(verdict)} {verdict}" for verdict in Verdict)
    note(f"asked: {found.about}")
    note(f"{len(found.answers)} forms: {counts}; {unasked} could not be asked about")
