"""From a model and images to a quantised model, audited again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from safecheck.audit.audit import audit
from safecheck.audit.report import Report
from safecheck.errors import InputError
from safecheck.ir import walk
from safecheck.ir.model import load
from safecheck.machine.folder import working_folder
from safecheck.measure.images.folder import Image, find_images, sample
from safecheck.measure.images.input import DEFAULTS, ImageInput, Options, image_input
from safecheck.measure.images.labels import read_labels
from safecheck.measure.timing.accuracy import Accuracy, top_1
from safecheck.rewrite.canonicalize.interface import inline_functions
from safecheck.rewrite.canonicalize.opset import convert_opset
from safecheck.rewrite.files import check_target, read_whole, written
from safecheck.rulebook.profile import Profile
from safecheck.text import printable

PRECISIONS = ("int8", "mixed")
COUNT = 500
"""Calibration images of NVIDIA's article on CSA; the entropy method is the article's as well."""
PERCENTILE = 99.999
OPSET = 13
"""The first with scales per channel."""
_QUANTISERS = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")


@dataclass(frozen=True)
class Request:
    """What the caller wants done."""

    images: str
    """A folder."""
    count: int = COUNT
    method: str = "entropy"
    precision: str = "mixed"
    labels: str | None = None
    seed: int = 0
    percentile: float = PERCENTILE
    options: Options = DEFAULTS


@dataclass(frozen=True)
class Quantised:
    """What was done to one model."""

    request: Request
    before: Report
    after: Report
    found: int
    """Images in the folder."""
    used: int
    """Images that the calibration has seen."""
    thresholds: Mapping[str, float]
    """Tensor -> the largest magnitude that INT8 represents; the scale is this / 127."""
    pairs: int
    """Q/DQ pairs in the new model."""
    accuracy: tuple[Accuracy, Accuracy] | None
    """Top-1 before and after, if there are labels."""
    calibrated_on: int
    """How many of the labelled images the calibration has seen, too."""


def quantize(
    path: str, target: str, profile: Profile, request: Request,
    tick: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> Quantised:  # fmt: skip
    """Quantise a model and write it to `target`; `tick` is told a stage, what more of it is done, and its size.

    Raises:
        InputError: model or images cannot be read or run; nothing is written then.
        UsageError: the request does not fit the model, or the target cannot be written.
    """
    from safecheck.measure.quantize import toolkit

    model = load(path)
    images = find_images(request.images)
    check_target(model, target, [*profile.files, *(str(image.path) for image in images)])
    before = Report(path, profile, model, audit(model, profile), None)
    proto = _prepared(read_whole(model), printable(path))
    source = image_input(proto, printable(path), request.options)
    labels = read_labels(request.labels, images) if request.labels else {}
    chosen = _whole_batches(sample(images, request.count, request.seed), source, printable(path))
    sites = toolkit.sites(proto, toolkit.PRODUCTS if request.precision == "mixed" else toolkit.WIDER)
    if not sites:
        _refuse(path, f"it holds nothing that {request.precision} quantises", "give a network with convolutions")
    external = bool(model.external_data)
    with working_folder() as folder, written(proto, None, external) as staged:
        ranges = toolkit.calibrate(
            staged, folder, sites, _feeds(source, chosen, tick), request.method, request.percentile, external
        )
        result = toolkit.insert(toolkit.inferred(staged), ranges, sites)
    with written(result, target, external) as place:
        accuracy = None
        if labels:
            sessions = ((path, "before"), (place, "after"))
            first, second = (
                top_1(file, printable(path), source, images, labels, _stage(tick, f"Top-1 {side}", len(labels)))
                for file, side in sessions
            )
            accuracy = (first, second)
        new = load(place)
        after = Report(target, profile, new, audit(new, profile), None)
    return Quantised(
        request, before, after, len(images), len(chosen),
        {name: float(part.highest) for name, part in sorted(ranges.items())},
        sum(node.op_type == "QuantizeLinear" for node in new.proto.graph.node),
        accuracy, sum(image.name in labels for image in chosen),
    )  # fmt: skip


def _prepared(proto: Any, where: str) -> Any:
    """A form that the toolkit handles: no functions, scales per channel, weights as initializers, unique names."""
    proto, _ = inline_functions(proto)
    if any(node.op_type in _QUANTISERS for node in proto.graph.node):
        _refuse(where, "it is quantised already", "give the model as it was before")
    opset = walk.opset(proto)
    if opset < OPSET:
        proto = convert_opset(proto, OPSET, where)
    graph = proto.graph
    constants = [node for node in graph.node if node.op_type == "Constant" and node.attribute[0].name == "value"]
    for node in constants:
        tensor = graph.initializer.add()
        tensor.CopyFrom(node.attribute[0].t)
        tensor.name = node.output[0]
        graph.node.remove(node)
    taken: set[str] = set()
    for number, node in enumerate(graph.node):
        if not node.name or node.name in taken:
            node.name = f"{node.name or node.op_type}/{number}"
        taken.add(node.name)
    return proto


def _whole_batches(images: Sequence[Image], source: ImageInput, where: str) -> Sequence[Image]:
    """Without the rest that fills no batch: an image that is fed twice would count twice."""
    batch = source.batch or 1
    if len(images) < batch:
        what = f"{len(images)} images do not fill the model's batch of {batch}"
        raise InputError("SC-IO-NOIMAGE", where, what, "give more images, or export with batch 1")
    return images[: len(images) // batch * batch]


def _feeds(
    source: ImageInput, images: Sequence[Image], tick: Callable[[str, int, int], None]
) -> Iterator[dict[str, Any]]:
    for group, feeds in source.batches(images):
        yield feeds
        tick("calibration", len(group), len(images))


def _stage(tick: Callable[[str, int, int], None], stage: str, total: int) -> Callable[[int], None]:
    return lambda done: tick(stage, done, total)


def _refuse(where: str, what: str, todo: str) -> None:
    raise InputError("SC-QUANT-MODEL", where, what, todo)
