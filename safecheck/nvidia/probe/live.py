"""Prove that a check is live before its answers count: it refuses what its release is known to refuse."""

from __future__ import annotations

import os
from typing import NamedTuple

from safecheck.errors import InputError, UsageError
from safecheck.finding import Verdict
from safecheck.nvidia.backends.backend import Backend, Told
from safecheck.rulebook.cases import model_from_text
from safecheck.rulebook.profile import Profile

_MAP = "(float[1,4,32,32] x)"


class Known(NamedTuple):
    """A network whose answer is known."""

    name: str
    text: str
    weights: dict[str, str]
    verdict: Verdict


_PASSES = Known("relu", f"{_MAP} => (float[1,4,32,32] y) {{ [n] y = Relu(x) }}", {}, Verdict.ALLOWED)
_KERNEL = f"{_MAP} => (float[1,4,14,14] y) {{ [n] y = Conv<kernel_shape=[19,19]>(x, w) }}"
_SIZES = f'{_MAP} => (float[1,4,64,64] y) {{ [n] y = Resize<mode="nearest">(x, , , s) }}'
_KNOWN = {
    "8": (
        _PASSES,
        Known("mean", f"{_MAP} => (float[1,4,1,1] y) {{ [n] y = ReduceMean<axes=[2,3]>(x) }}", {}, Verdict.FORBIDDEN),
        Known("resize-by-sizes", _SIZES, {}, Verdict.FORBIDDEN),
    ),
    "10": (
        _PASSES,
        Known("lrn", f"{_MAP} => (float[1,4,32,32] y) {{ [n] y = LRN<size=5>(x) }}", {}, Verdict.FORBIDDEN),
        Known("kernel-19", _KERNEL, {"w": "float[4,4,19,19]"}, Verdict.FORBIDDEN),
    ),
}


def require_known(book: Profile) -> None:
    """Refuse a profile of which nothing is known that a live check must refuse.

    Raises:
        UsageError: the profile is for a release or a device without a static check.
    """
    if book.target["tensorrt"].partition(".")[0] not in _KNOWN or book.target["device"] != "gpu":
        what = f"no static check is known for {book.id} (TensorRT {book.target['tensorrt']}, {book.target['device']})"
        raise UsageError("SC-CFG-PROBE", "--profile", what, "use a profile for TensorRT 8.x or 10.x on a GPU")


def refuse_other_releases(book: Profile, release: str) -> None:
    """Refuse answers of one TensorRT for the profile of another; `10` stands for every 10.x.

    Raises:
        UsageError: the profile is for another release.
    """
    target, told = book.target["tensorrt"].split("."), release.split(".")
    if not release or told[:2] != target[: len(told[:2])]:
        what = f"TensorRT {release or 'of an unknown release'} answers, {book.id} is for {book.target['tensorrt']}"
        raise UsageError("SC-CFG-PROBE", "--profile", what, "use the profile of the release that answers")


def prove(backend: Backend, book: Profile, folder: str) -> list[tuple[Known, Told]]:
    """Ask about the known networks, which are written to `folder`.

    Raises:
        InputError: an answer is not the known one, so that no other answer means anything.
    """
    found = []
    for known in _KNOWN[book.target["tensorrt"].partition(".")[0]]:
        path = os.path.join(folder, f"known-{known.name}.onnx")
        model = model_from_text(known.text, 17, known.weights)
        if "s" in model.graph.node[0].input:
            model.graph.initializer.add(name="s", data_type=7, dims=[4], int64_data=[1, 4, 64, 64])
        with open(path, "wb") as file:
            file.write(model.SerializeToString())
        told = backend.ask(path, book)
        if told.verdict is not known.verdict:
            what = f"the check is not live: '{known.name}' must be {known.verdict}, the answer is {told.verdict}"
            todo = "nothing was written; use a release whose builder checks the scope"
            raise InputError("SC-PROBE-DEAD", backend.name, f"{what} ({told.words})", todo)
        found.append((known, told))
    return found
