"""What a network takes: one tensor of images, its type, and how many images at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from safecheck.errors import InputError, UsageError
from safecheck.measure.images.decode import IMAGENET_MEAN, IMAGENET_STD, Preparation, tensor_of
from safecheck.measure.images.folder import Image
from safecheck.text import printable

_TYPES = {1: "float32", 10: "float16"}
"""TensorProto.DataType -> numpy."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the user wants pictures prepared."""

    size: int | None = None
    """Height and width where the model leaves them open."""
    resize: int | None = None
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD


DEFAULTS = Options()


@dataclass(frozen=True, slots=True)
class ImageInput:
    """The one input of a network for images."""

    name: str
    dtype: str
    """A numpy type."""
    batch: int | None
    """Images at a time; None if that is open."""
    preparation: Preparation

    def batches(self, images: Sequence[Image]) -> Iterator[tuple[Sequence[Image], dict[str, Any]]]:
        """The images in groups of the network's batch (one by one if it is open), each as what is fed.

        The last group is repeated up to the batch by its last image; the images named are only the real ones.
        """
        import numpy as np

        size = self.batch or 1
        for start in range(0, len(images), size):
            group = images[start : start + size]
            tensors = [tensor_of(image, self.preparation, self.dtype) for image in group]
            tensors += [tensors[-1]] * (size - len(group))
            yield group, {self.name: np.stack(tensors)}


def image_input(proto: Any, where: str, options: Options) -> ImageInput:
    """The input of a ModelProto.

    Raises:
        InputError: it is not a network of one [batch, 1 or 3, height, width] tensor of FLOAT or FLOAT16.
        UsageError: height or width is open and no size is given, or mean and std do not fit the channels.
    """
    weights = {tensor.name for tensor in proto.graph.initializer}
    inputs = [value for value in proto.graph.input if value.name not in weights]
    if len(inputs) != 1:
        _refuse(where, f"the network has {len(inputs)} inputs")
    value = inputs[0]
    tensor = value.type.tensor_type
    name, dims = printable(value.name, 60), [dim.dim_value or None for dim in tensor.shape.dim]
    if tensor.elem_type not in _TYPES:
        _refuse(where, f"input {name} is neither FLOAT nor FLOAT16")
    if len(dims) != 4 or dims[1] not in (1, 3):
        shown = " x ".join(str(dim or "?") for dim in dims)
        _refuse(where, f"input {name} is {shown or 'a scalar'}")
    height, width = dims[2] or options.size, dims[3] or options.size
    if not height or not width:
        what = f"height or width of input {name} is open"
        raise UsageError("SC-CFG-SIZE", where, what, "give --size, or export the model with fixed sizes")
    channels = dims[1]
    assert channels is not None
    mean, std = (_per_channel(values, channels) for values in (options.mean, options.std))
    preparation = Preparation((channels, height, width), options.resize, mean, std)
    return ImageInput(value.name, _TYPES[tensor.elem_type], dims[0], preparation)


def _per_channel(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    """One number for all channels, one for each, or for a grey input the average of three."""
    if len(values) == channels:
        return values
    if len(values) == 1:
        return values * channels
    if channels == 1:
        return (sum(values) / len(values),)
    what = f"{len(values)} values for {channels} channels"
    raise UsageError("SC-CFG-MEAN", "--mean, --std", what, "give one value, or one for each channel")


def _refuse(where: str, what: str) -> None:
    todo = "give a network of one [batch, 1 or 3, height, width] input of FLOAT or FLOAT16"
    raise InputError("SC-IMAGE-INPUT", where, what, todo)
