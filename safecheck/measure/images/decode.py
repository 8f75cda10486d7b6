"""From a file to the tensor a network takes. The one room of Pillow, which is an optional extra."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from safecheck.errors import InputError, UsageError, pip_install
from safecheck.measure.images.folder import Image
from safecheck.text import printable

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Per channel, of values from 0 to 1: what the published weights of the usual ImageNet networks were trained with."""
SHORTER_SIDE = 8 / 7
"""256 to 224, the usual evaluation: the shorter side is this much longer than the crop."""
_MAX_PIXELS = 178_956_970
"""Above this Pillow itself calls an image a decompression bomb."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """How a picture becomes numbers. Arrays (`.npy`) are taken as they are: they are prepared already."""

    shape: tuple[int, int, int]
    """Channels (1 or 3), height, width."""
    resize: int | None = None
    """Pixels of the shorter side before the crop from the middle; None: the crop's shorter side x 8/7."""
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD


def tensor_of(image: Image, preparation: Preparation, dtype: str) -> Any:
    """The image as an array [channels, height, width] of that numpy type.

    Raises:
        InputError: the file is damaged, too small or of another shape; the message names it.
        UsageError: Pillow is needed and not installed.
    """
    made = _array(image, preparation) if image.name.lower().endswith(".npy") else _picture(image, preparation)
    return made.astype(dtype)


def _array(image: Image, preparation: Preparation) -> Any:
    import numpy as np

    try:
        found = np.load(image.path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # numpy raises whatever its parser stumbles over
        _refuse(image, "it cannot be read as an array", error)
    if found.ndim == 4 and found.shape[0] == 1:
        found = found[0]
    if found.shape != preparation.shape or found.dtype.kind not in "fiu":
        expected = list(preparation.shape)
        _refuse(image, f"it is {found.dtype} {list(found.shape)}, and the model takes {expected}")
    made = np.asarray(found, dtype=np.float32)
    if not np.isfinite(made).all():
        _refuse(image, "it holds a NaN or an infinity")
    return made


def _picture(image: Image, preparation: Preparation) -> Any:
    import numpy as np

    library = _pillow()
    channels, height, width = preparation.shape
    target = preparation.resize or round(min(height, width) * SHORTER_SIDE)
    try:
        with warnings.catch_warnings(), library.open(image.path) as opened:
            warnings.simplefilter("error")
            if opened.width * opened.height > _MAX_PIXELS:
                _refuse(image, f"{opened.width} x {opened.height} pixels are too many")
            picture = opened.convert("RGB" if channels == 3 else "L")
    except InputError:
        raise
    except Exception as error:  # a damaged file makes any of Pillow's decoders raise anything
        _refuse(image, "it cannot be read as an image", error)
    factor = max(target / min(picture.size), width / picture.width, height / picture.height)
    size = (max(width, round(picture.width * factor)), max(height, round(picture.height * factor)))
    picture = picture.resize(size, library.Resampling.BILINEAR)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    pixels = np.asarray(picture.crop((left, top, left + width, top + height)), dtype=np.float32) / 255
    pixels = pixels.reshape(height, width, channels).transpose(2, 0, 1)
    mean, std = (np.asarray(values, dtype=np.float32)[:, None, None] for values in (preparation.mean, preparation.std))
    return (pixels - mean) / std


def _pillow() -> Any:
    try:
        from PIL import Image as library  # noqa: N813
    except ImportError as error:
        todo = f"run: {pip_install('images')}, or give .npy files"
        raise UsageError("SC-ENV-PILLOW", "", "Pillow is needed to read PNG and JPEG images", todo) from error
    return library


def _refuse(image: Image, what: str, error: Exception | None = None) -> None:
    raise InputError("SC-IO-IMAGE", printable(image.name), what, "repair it or take it out of the folder") from error
