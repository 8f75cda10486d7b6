"""Audit a model that is not where this process stands: at an address, or in the folder of whoever sent it here."""

from __future__ import annotations

import os
from collections.abc import Callable, MutableMapping
from dataclasses import replace

from safecheck.audit.report import Report
from safecheck.intake.remote import beside, fetched, is_url, shown
from safecheck.text import printable


def at_hand(
    path: str,
    audited: Callable[[str], Report],
    folder: str = "",
    states: MutableMapping[str, str | None] | None = None,
) -> Report:
    """The report on a model under the name it was given, wherever it is read; addresses without what may be secret.

    `folder` is what a relative path starts from; empty for the working folder. `states` takes what the keeper of every
    file at an address said of the content that was read.

    Raises:
        InputError: it cannot be fetched.
    """
    if is_url(path):
        with fetched(path) as copy:
            if states is not None:
                states.update(copy.states)
            return _named(audited(copy.local), copy.local, shown(path))
    return _named(audited(os.path.join(folder, path)), os.path.join(folder, path), path) if folder else audited(path)


def _named(report: Report, local: str, name: str) -> Report:
    if report.error is None:
        return replace(report, path=name)
    here = printable(os.path.join(os.path.dirname(local), ""))
    there = printable(beside(name, "") if is_url(name) else os.path.join(os.path.dirname(name), ""))
    error = report.error
    told = [text.replace(printable(local), printable(name)).replace(here, there) for text in error.args[1:]]
    return replace(report, path=name, error=type(error)(error.code, *told))
