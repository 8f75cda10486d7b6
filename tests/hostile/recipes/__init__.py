"""Recipes of hostile inputs, a module for each part of the list in `rows.yaml`."""

from __future__ import annotations

from recipes import (
    attributes,
    files,
    found,
    functions,
    hidden,
    identity,
    large,
    lies,
    settings,
    structure,
    tensors,
    texts,
    weights,
)
from recipes.case import Case

_PARTS = (
    files, texts, structure, attributes, large, identity, functions, hidden, lies, tensors, weights, settings, found,
)  # fmt: skip
ALL: tuple[Case, ...] = tuple(case for part in _PARTS for case in part.cases())
