"""Top-1: how often the largest output is the right class, in onnxruntime on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from safecheck.errors import InputError, UsageError
from safecheck.measure.images.folder import Image
from safecheck.measure.images.input import ImageInput
from safecheck.rewrite.proof.runtime import RunError, Session
from safecheck.text import printable


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A share of right answers."""

    right: int
    total: int

    @property
    def percent(self) -> float:
        """Top-1 in percent."""
        return 100 * self.right / self.total


def top_1(
    model: bytes | str, where: str, source: ImageInput, images: Sequence[Image], labels: Mapping[str, int],
    tick: Callable[[int], None] = lambda count: None,
) -> Accuracy:  # fmt: skip
    """Top-1 of the first output over the images that have a class; `tick` is told how many more are done.

    onnxruntime's optimisations are off: they would fuse Q/DQ nodes into integer kernels whose rounding depends on the
    processor. Without them a quantised network computes exactly what its Q/DQ nodes say.

    Raises:
        InputError: onnxruntime cannot run the model, or its output is not one score per class.
        UsageError: a class is not among the outputs.
    """
    labelled = [image for image in images if image.name in labels]
    right = 0
    try:
        session = Session(model)
        for group, feeds in source.batches(labelled):
            scores = session.run(feeds)[0]
            if scores.shape[0] != feeds[source.name].shape[0] or scores.size == 0:
                _refuse(where, f"the first output is {list(scores.shape)}, not scores per image")
            scores = scores.reshape(scores.shape[0], -1)
            for image, row in zip(group, scores, strict=False):  # rows beyond the group repeat its last image
                if labels[image.name] >= row.size:
                    what = (
                        f"class {labels[image.name]} of '{printable(image.name, 100)}' is not among {row.size} outputs"
                    )
                    raise UsageError("SC-CFG-LABELS", "--labels", what, "count classes from 0, as the outputs are")
                right += int(row.argmax()) == labels[image.name]
            tick(len(group))
    except RunError as error:
        _refuse(where, f"onnxruntime cannot run it: {printable(str(error), 300)}")
    return Accuracy(right, len(labelled))


def _refuse(where: str, what: str) -> None:
    raise InputError("SC-BENCH-RUN", where, what, "give a classifier that onnxruntime can run")
