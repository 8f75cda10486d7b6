"""The stages in their order: what the command line and other programs call."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from safecheck.audit import audit
from safecheck.errors import InputError
from safecheck.escape import printable
from safecheck.model import load
from safecheck.report import Report
from safecheck.rulebook.profile import Profile


def find_models(arguments: Iterable[str]) -> list[str]:
    """Files as given; folders searched for `*.onnx`, in a fixed order, without following links to folders.

    Raises:
        InputError: a folder holds no model; nothing checked is not compliant.
    """
    found: list[str] = []
    for argument in arguments:
        if argument == "-" or not os.path.isdir(argument):
            found.append(argument)
            continue
        inside = sorted(
            os.path.join(folder, name)
            for folder, _, names in os.walk(argument)
            for name in names
            if name.lower().endswith(".onnx")
        )
        if not inside:
            raise InputError(
                "SC-IO-NOMODEL", printable(argument), "the folder holds no *.onnx file", "give a folder with models"
            )
        found += inside
    return list(dict.fromkeys(found))


def audit_models(paths: Iterable[str], profile: Profile) -> Iterator[Report]:
    """One report per model, in order. A model that cannot be read gives a report that says so."""
    for path in paths:
        yield audit_model(path, profile)


def audit_model(path: str, profile: Profile) -> Report:
    """Read, lower and judge one model."""
    try:
        model = load(path)
        return Report(path, profile, model, audit(model, profile), None)
    except InputError as error:
        return Report(path, profile, None, None, error)
