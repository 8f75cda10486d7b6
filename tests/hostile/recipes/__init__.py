"""Recipes of hostile inputs, a module for each part of the list in `rows.yaml`."""

from __future__ import annotations

from recipes import files, found, graphs, settings, tensors, texts, weights
from recipes.case import Case

ALL: tuple[Case, ...] = tuple(
    case for part in (files, texts, graphs, tensors, weights, settings, found) for case in part.cases()
)
