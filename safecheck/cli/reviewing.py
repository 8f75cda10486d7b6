"""What the commands about one reviewed model share: options, and the audit with all that was asked."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from safecheck.audit.report import Report
from safecheck.cli.configured import chosen_profile, settings_for
from safecheck.cli.options import as_of_option, profile_option
from safecheck.cli.output import complain
from safecheck.errors import UsageError
from safecheck.text import printable
from safecheck.usecases.batch import audit_batch
from safecheck.usecases.checks import Checks, Reviewed, ScopeCheck

_OPTIONS = (
    profile_option,
    click.option(
        "--deviations",
        "deviations",
        metavar="FILE",
        multiple=True,
        help="Records of approved deviations; may be repeated. Default: those of the configuration.",
    ),
    as_of_option,
    click.option(
        "--evidence", "builds", metavar="FILE", multiple=True, help="Evidence of a build, as safecheck build writes it."
    ),
    click.option("--confirm", is_flag=True, help="Also ask the vendor's own scope check (extra `oracle`)."),
    click.option("--release", is_flag=True, help="Write nothing if anything stands against a release."),
)


def review_options(command: Callable[..., int]) -> Callable[..., int]:
    """The options of an audit for a review; the command gets the audited model as `report`, and `used` files."""

    @functools.wraps(command)
    def call(
        model: str, profile_name: str | None, deviations: tuple[str, ...], as_of: str | None, builds: tuple[str, ...],
        confirm: bool, release: bool, **rest: Any,
    ) -> int:  # fmt: skip
        settings = settings_for(isolated=False)
        checks = Checks(
            deviations=deviations or settings.texts("deviations"),
            as_of=as_of,
            evidence=builds,
            scope_check=ScopeCheck(required=True) if confirm else None,
            release=release,
            reviewed=Reviewed(settings.file, settings.release_overlays) if release else Reviewed(),
            one_of_many=True,
        )
        report = audited(model, chosen_profile(profile_name, [model]), checks)
        return command(report=report, checks=checks, settings=settings, **rest)

    for option in reversed(_OPTIONS):
        call = option(call)
    return call


def audited(model: str, profile_name: str, checks: Checks) -> Report:
    """The report on a model, complete enough to be signed.

    Raises:
        InputError: the model cannot be read.
        UsageError: something stands against the release that was asked for.
    """
    (report,) = audit_batch([(model, profile_name)], checks, checks.day())
    if report.error is not None:
        raise report.error
    if report.release is not None and report.release.violations:
        for line in report.release.violations:
            complain(UsageError("SC-REL", printable(model), line, "mend it, then release"))
        raise NotReleased(report.exit_code)
    return report


class NotReleased(click.exceptions.Exit):
    """Something stands against the release; it has been said."""
