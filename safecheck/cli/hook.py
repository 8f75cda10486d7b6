"""The command `safecheck hook FILE...`: what pre-commit and prek call with the files of a commit."""

from __future__ import annotations

import os
from collections.abc import Collection

import click

from safecheck.cli.auditing import Request, run
from safecheck.cli.configured import keep_inside, settings_for
from safecheck.cli.options import PROFILE, isolated_option
from safecheck.cli.output import complain, note, some
from safecheck.errors import UsageError
from safecheck.intake.git_index import tracked_models
from safecheck.intake.repository import root_of
from safecheck.strict.content import is_gone
from safecheck.text import printable
from safecheck.usecases.checks import Checks, ScopeCheck
from safecheck.workflow.config.settings import NONE, Settings

_YAML = (".yaml", ".yml")


class _Command(click.Command):
    """Anybody who adds a file chooses its name, so a name that could be an option is none of both before `--`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for word in args if "--" not in args else ():
            if word.startswith("-") and os.path.lexists(word):
                todo = "put -- before the names of files, as the published hook does"
                raise UsageError("SC-CFG-INPUT", printable(word), "this is an option and the name of a file", todo)
        return super().parse_args(ctx, args)


@click.command(hidden=True, cls=_Command)
@click.argument("files", metavar="FILE...", nargs=-1)
@click.option("--profile", "profile_name", metavar="ID|FILE", type=PROFILE, help="Target to judge by.")
@click.option("--jobs", "-j", type=click.IntRange(1, 1024), help="Audit so many models at a time.")
@click.option("--cache/--no-cache", default=None, help="Whether verdicts on unchanged content are kept and used.")
@click.option("--verbose", "-v", is_flag=True, help="Say on standard error which files were left alone, and why.")
@isolated_option
def hook(
    files: tuple[str, ...], profile_name: str | None, jobs: int | None, cache: bool | None, verbose: bool,
    isolated: bool,
) -> int:  # fmt: skip
    """Audit the models that a commit concerns: changed ones, and those whose weights or rules are changed.

    FILE is any changed file; what has to do with no model is ignored. Everything after -- is a FILE.
    """
    _refuse_options(files)
    settings = settings_for(isolated)
    _check_ledger(settings)
    concerned = _concerned(files, settings, verbose)
    excluded = [path for path in concerned if settings.excluded_by(path) is not None]
    if excluded:
        origin = settings.origins["exclude"]
        note(f"note: {len(excluded)} of {len(concerned)} models are excluded by {origin}: {some(excluded)}")
    models = [path for path in concerned if path not in excluded]
    if not models:
        return 3 if excluded and _nothing_is_left(settings) else 0
    return run(
        Request(
            models=tuple((path, profile_name or settings.profile_for(path)) for path in models),
            outputs=settings.texts("output"),
            checks=Checks(
                deviations=settings.texts("deviations"),
                baseline=next(iter(settings.texts("baseline")), None),
                scope_check=ScopeCheck() if settings.confirm else None,
            ),
            jobs=jobs or settings.jobs,
            settings=NONE if profile_name is not None else settings,
            cache=settings.cache if cache is None else cache,
            quiet=True,
            verbose=verbose,
            staged=True,
        )
    )


def _check_ledger(settings: Settings) -> None:
    """No commit rewrites what the ledger of the configuration has recorded.

    Raises:
        UsageError: an entry was changed, removed or moved.
    """
    for path in settings.texts("ledger"):
        from safecheck.cli.ledger import faults

        if found := faults(path):
            todo = "restore it from the last commit; entries are only added"
            raise UsageError("SC-LEDGER-CHAIN", printable(path), found[0], todo)


def _refuse_options(files: Collection[str]) -> None:
    """Before there was a -- in the published hook, `args` could hold options: they must not be taken for files now."""
    for file in files:
        if file.startswith("-") and not os.path.lexists(file):
            todo = "options go before --: give the hook an entry of your own, like `safecheck hook --jobs 4 --`"
            raise UsageError("SC-CFG-INPUT", printable(file), "there is no such file", todo)


def _nothing_is_left(settings: Settings) -> bool:
    """Whether the configuration excludes every model of the repository: then nothing is ever checked."""
    root = root_of(os.curdir)
    known = tracked_models(root) if root is not None else []
    if any(settings.excluded_by(path) is None for path in known):
        return False
    todo = "narrow `exclude`, or remove the hook"
    complain(
        UsageError("SC-IO-NOMODEL", settings.origins["exclude"], "every model is excluded: nothing is checked", todo)
    )
    return True


def _concerned(files: Collection[str], settings: Settings, verbose: bool) -> list[str]:
    """The models to audit, each once, in the order of their names."""
    root = root_of(os.curdir)
    models = {os.path.normpath(file) for file in files if file.lower().endswith(".onnx")}
    others = {os.path.normpath(file) for file in files} - models
    gone = {file for file in models if is_gone(file)}
    if root is not None and others:
        known = [os.path.relpath(path) for path in tracked_models(root)]
        if others & _decisive(settings):
            models.update(known)
        else:
            from safecheck.workflow.weight_users import dependents

            models.update(dependents(others, [path for path in known if not is_gone(path)]))
    if verbose:
        for file in sorted(gone):
            note(f"{printable(file)}: deleted")
        if others:
            note(f"{len(others)} files that are no model were looked up: weights and rules of some, or ignored")
    return sorted(models - gone)


def _decisive(settings: Settings) -> set[str]:
    """Files on which every verdict may depend."""
    found = [settings.file, *settings.texts("deviations"), *settings.texts("baseline")]
    overlays = {name for key in ("profile", "per-path") for name in settings.profiles(key) if name.endswith(_YAML)}
    if overlays:
        from safecheck.rulebook.overlay import chain

        for name in overlays:
            keep_inside(settings, name)
            found += chain(name)
    return {os.path.normpath(path) for path in found if path}
