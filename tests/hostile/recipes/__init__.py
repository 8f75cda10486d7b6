"""Recipes of hostile inputs, a module for each part of the list in `rows.yaml`."""

from __future__ import annotations

from recipes import files, graphs, settings, tensors, texts, weights
from recipes.case import Case

ALL: tuple[Case, ...] = (
    *files.cases(),
    *texts.cases(),
    *graphs.cases(),
    *tensors.cases(),
    *weights.cases(),
    *settings.cases(),
)
