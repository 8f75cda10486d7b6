"""Which files of a folder are used: all images in a fixed order, or a seeded sample of them."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from safecheck.errors import InputError, UsageError
from safecheck.text import printable

SUFFIXES = (".jpeg", ".jpg", ".npy", ".png")


@dataclass(frozen=True, slots=True)
class Image:
    """One file of the folder."""

    name: str
    """Path below the folder, with `/`: what labels and messages call it."""
    path: Path


def find_images(folder: str) -> list[Image]:
    """All images of a folder and the folders in it, sorted by name; links to folders are not followed.

    Raises:
        UsageError: there is no such folder.
        InputError: it holds no image; nothing measured is no result.
    """
    if not os.path.isdir(folder):
        raise UsageError("SC-CFG-IMAGES", printable(folder), "this is no folder", "give a folder with images")
    found = sorted(
        Path(place, name).relative_to(folder).as_posix()
        for place, _, names in os.walk(folder)
        for name in names
        if name.lower().endswith(SUFFIXES)
    )
    if not found:
        what = f"the folder holds no image ({', '.join('*' + suffix for suffix in SUFFIXES)})"
        raise InputError("SC-IO-NOIMAGE", printable(folder), what, "give a folder with images")
    return [Image(name, Path(folder, name)) for name in found]


def sample(images: Sequence[Image], count: int, seed: int) -> list[Image]:
    """`count` of the images, chosen by the seed, in the order of their names; all of them if there are no more."""
    if len(images) <= count:
        return list(images)
    chosen = random.Random(seed).sample(range(len(images)), count)
    return [images[position] for position in sorted(chosen)]
