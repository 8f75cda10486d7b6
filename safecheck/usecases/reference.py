"""What a fixed model is compared with: the original as it is in the file, or as near to it as can be run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from safecheck.errors import InputError, SafecheckError
from safecheck.ir.model import Model
from safecheck.ir.signature import Tensor
from safecheck.rewrite.driver import Step
from safecheck.rewrite.files import fits
from safecheck.rewrite.message import runnable
from safecheck.rewrite.proof.local import Proof
from safecheck.rewrite.proof.samples import SEED
from safecheck.rewrite.proof.whole import Scope, Whole, compare_models
from safecheck.rewrite.shelf import Shelf
from safecheck.text import printable

_TESTED = {"inline-functions": "writing the functions out", "convert-opset": "the conversion of the operator set"}
"""Steps of the preparation that another library carries out, in words."""


class ProofError(SafecheckError):
    """The rewritten model does not compute what the original computes (exit 3: never a pass)."""

    exit_code = 3


@dataclass(frozen=True)
class Reference:
    """A model to compare others with."""

    original: bytes | str
    """The content of a file, or its path."""
    mended: bytes | str | None = None
    """The same with spellings mended that nothing can read; None if there were none."""

    def compare(self, other: bytes | str, inputs: Mapping[str, Tensor], scope: Scope) -> Whole:
        """How far another model is from it."""
        found = compare_models(self.original, other, inputs, scope)
        if found.ran or self.mended is None:
            return found
        instead = compare_models(self.mended, other, inputs, scope)
        return replace(instead, against=f"the original with its axes counted from the front, since {found.reason}")


def reference(model: Model, bounded: bytes | str | None, mended: Any | None, shelf: Shelf) -> Reference:
    """The file that was audited, or the same between other ends. `mended` is its ModelProto after repairs."""
    kept = runnable(mended, shelf, "mended.onnx") if mended is not None and fits(mended) else None
    return Reference(model.content or model.path if bounded is None else bounded, kept)


def held(proto: Any, path: str, shelf: Shelf) -> bytes | str:
    """A model in one piece.

    Raises:
        InputError: it is too large for that.
    """
    if not fits(proto):
        what = "its weights are too large for other outputs or dimensions to be compared with it"
        raise InputError(
            "SC-FIX-ENDS", printable(path), what, "nothing was written; export the model with these ends instead"
        )
    return runnable(proto, shelf, "bounded.onnx")


def tested(
    model: Reference, proto: Any, steps: list[Step], inputs: Mapping[str, Tensor], path: str, shelf: Shelf
) -> list[Step]:
    """The steps of the preparation, with what running them against the original showed.

    Raises:
        InputError: an operator set is converted, and nobody can run the original.
        ProofError: the prepared model computes something else.
    """
    done = [step.name for step in steps if step.name in _TESTED]
    if not done or not fits(proto):
        return steps
    whole = model.compare(runnable(proto, shelf, "prepared.onnx"), inputs, Scope())
    what = " and ".join(_TESTED[name] for name in done)
    if not whole.ran and "convert-opset" in done:
        raise InputError(
            "SC-FIX-OPSET", printable(path), f"the conversion cannot be checked: {whole.reason}",
            "nothing was written; export the model with that opset",
        )  # fmt: skip
    if not whole.holds:
        raise ProofError(
            "SC-FIX-PROOF", printable(path), f"{what} changes what the model computes: {whole.failures[0]}",
            "nothing was written; export the model without functions and with the opset that is wanted",
        )  # fmt: skip
    if not whole.ran:
        return steps
    return [_shown(step, whole) if step.name in _TESTED else step for step in steps]


def _shown(step: Step, whole: Whole) -> Step:
    method = "" if step.proof is None else step.proof.method
    return replace(step, proof=Proof("tested", method, whole.total, len(whole.by_sample), SEED))
