"""The configuration as commands use it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from safecheck.cli.output import note, some
from safecheck.errors import UsageError
from safecheck.intake.search import find_models
from safecheck.rulebook.profile import Profile
from safecheck.text import printable
from safecheck.workflow.config.boundary import is_inside
from safecheck.workflow.config.search import configuration
from safecheck.workflow.config.settings import NONE, Settings


def settings_for(isolated: bool) -> Settings:
    """The settings of the working directory."""
    return NONE if isolated else configuration()


def keep_inside(settings: Settings, name: str) -> None:
    """An overlay that the configuration names may extend others; all its files must lie in the repository.

    Raises:
        UsageError: one does not. It was not read.
    """
    key = next((key for key in ("profile", "per-path") if name in settings.profiles(key)), None)
    if key is None or key not in settings.origins:
        return
    from safecheck.rulebook.overlay import chain

    for file in chain(name):
        if not is_inside(file, settings.root):
            what = f"{printable(name)} extends {printable(file)}, which is outside the repository"
            raise UsageError("SC-CFG-CONFIG", f"{settings.origins[key]}: {key}", what, "move the file into it")


def chosen_profile(named: str | None, paths: Sequence[str] = ()) -> str:
    """The profile that is named, else the one that the configuration has for these files.

    Raises:
        UsageError: it has several.
    """
    if named is not None:
        return named
    settings = settings_for(isolated=False)
    found = list(dict.fromkeys(settings.profile_for(path) for path in paths)) or [str(settings.get("profile"))]
    if len(found) > 1:
        what = f"the configuration has several profiles for these models: {', '.join(map(printable, found))}"
        raise UsageError("SC-CFG-PROFILE", "--profile", what, "name one")
    keep_inside(settings, found[0])
    return found[0]


def files_read(*books: Profile) -> list[str]:
    """Files of one's own that decide about a run beside its models: the configuration, and profiles with all below."""
    file = settings_for(isolated=False).file
    return [*([file] if file else []), *(file for book in books for file in book.files)]


def search(named: Sequence[str], settings: Settings = NONE) -> list[str]:
    """The models that are named or lie in a named folder; what was left out is said on standard error.

    Raises:
        InputError: there is none.
    """
    found = find_models(named, lambda path: settings.excluded_by(path) is not None, settings.respect_gitignore)
    for paths, what in (
        (found.excluded, f"excluded by {settings.origins.get('exclude', 'the configuration')}"),
        (found.ignored, "ignored by Git"),
        (found.left_out, "folders of tools and builds"),
    ):
        if paths:
            note(f"note: {len(paths)} left out, {what}: {some(paths)}")
    return found.models


def found_models(settings: Settings, named: tuple[str, ...]) -> list[str]:
    """The models that are named, else those of the configuration.

    Raises:
        UsageError: nothing is named anywhere, or a configured path leads outside the repository by a link.
        InputError: there is none.
    """
    paths = named or settings.texts("paths")
    if not paths:
        import click  # which says how the command is used

        raise click.UsageError("Missing argument 'MODEL...', and no configuration says where the models are.")
    models = search(paths, settings)
    if named:
        return models
    for path in models:
        if not is_inside(path, settings.root):
            what = f"{printable(path)} is a link that leads outside the repository"
            raise UsageError(
                "SC-CFG-CONFIG", f"{settings.origins['paths']}: paths", what, "name it on the command line"
            )
    return [os.path.normpath(path) for path in models]
