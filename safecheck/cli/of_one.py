"""Outputs of an audit that are about one model for one target: its graph, and a copy that carries the verdict."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from safecheck.cli.output import emit, note
from safecheck.errors import UsageError
from safecheck.render import RENDERERS
from safecheck.render.output import Target, write_byte_pieces
from safecheck.text import printable

if TYPE_CHECKING:
    from safecheck.audit.report import Report

_COPY = "netron"
OF_ONE = (*RENDERERS["model"], _COPY)
"""The formats."""


def refuse_several(targets: Iterable[Target], tasks: Sequence[tuple[str, str]]) -> None:
    """Say before anything is audited what cannot be written.

    Raises:
        UsageError: SC-OUT-FORMAT.
    """
    for target in targets:
        if target.format in OF_ONE and len(tasks) != 1:
            what = f"{target.format} is about one model for one target, and these are {len(tasks)}"
            raise UsageError("SC-OUT-FORMAT", "--output", what, "audit one model, or use html or json")
        if target.format == _COPY and (target.path is None or tasks[0][0] == "-"):
            what = "a copy of the model is made from a file, and goes into a file"
            raise UsageError("SC-OUT-FORMAT", "--output", what, f"give the path of a model, and {_COPY}=PATH")


def emit_one(target: Target, report: Report) -> None:
    """Write one of these formats; of a model that could not be read there is no copy."""
    if target.format != _COPY:
        emit(target, "model", report)
        return
    from safecheck.usecases.annotate import annotate

    assert target.path is not None
    if not annotate(report, partial(write_byte_pieces, target.path)):
        note(f"note: {printable(target.path)} was not written: the model could not be read")
    elif report.weight_files and not os.path.samefile(
        os.path.dirname(report.path) or os.curdir, os.path.dirname(target.path) or os.curdir
    ):
        note(f"note: the weights of {printable(target.path)} stay beside {printable(report.path)}")
