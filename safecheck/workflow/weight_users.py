"""Which models use a file of weights.

A location cannot leave the folder of its model, so only models in the folder of the file and above come into question.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence

from safecheck.errors import InputError
from safecheck.intake.locations import scanned
from safecheck.intake.source import open_model
from safecheck.text import printable
from safecheck.workflow.cache import store
from safecheck.workflow.cache.identity import installation

_KIND = "locations"


def dependents(files: Collection[str], models: Sequence[str]) -> list[str]:
    """The models that one of the files belongs to. A model that cannot be read may be one, so it is named too."""
    wanted = {os.path.abspath(file) for file in files}
    found = []
    for model in models:
        folder = os.path.dirname(os.path.abspath(model))
        if not any(file.startswith(os.path.join(folder, "")) for file in wanted):
            continue
        try:
            used = {os.path.normpath(os.path.join(folder, location)) for location in locations(model)}
        except InputError:
            used = wanted
        if used & wanted:
            found.append(model)
    return found


def locations(model: str) -> list[str]:
    """Where the model says that its external data is, as it says so.

    Raises:
        InputError: the file cannot be read as a model.
    """
    with open_model(model) as source:
        identity = installation()
        key = store.key_of({"of": identity or "", "model": source.sha256()})
        kept = store.get(_KIND, key) if identity is not None else None
        if kept is not None and isinstance(kept.get("locations"), list):
            return [str(location) for location in kept["locations"]]
        found = scanned(source.buffer, printable(model))
    if identity is not None:
        store.put(_KIND, key, store.text_of({"locations": found}))
    return found
