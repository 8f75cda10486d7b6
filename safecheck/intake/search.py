"""Which files are meant by what a user names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from safecheck.errors import InputError
from safecheck.text import printable


def find_models(arguments: Iterable[str], is_excluded: Callable[[str], bool] = lambda path: False) -> list[str]:
    """Files as given; folders searched for `*.onnx`, in a fixed order, without following links to folders.

    What is found in a folder can be excluded, what is named cannot.

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
        kept = [path for path in inside if not is_excluded(path)]
        if not kept:
            what = f"all {len(inside)} models of the folder are excluded by the configuration"
            raise InputError("SC-IO-NOMODEL", printable(argument), what, "name a model, or use --isolated")
        found += kept
    return list(dict.fromkeys(found))
