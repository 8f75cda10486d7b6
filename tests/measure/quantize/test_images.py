from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from classifiers import SIDE, pictures
from PIL import Image as Pillow

from safecheck.errors import InputError, UsageError
from safecheck.measure.images.decode import Preparation, tensor_of
from safecheck.measure.images.folder import Image, find_images, sample
from safecheck.measure.images.labels import read_labels

PLAIN = Preparation((3, SIDE, SIDE), SIDE, (0.0,) * 3, (1.0,) * 3)


def test_files_in_the_order_of_their_names_and_a_seeded_sample(tmp_path: Path) -> None:
    for name in ("b.png", "a/z.JPEG", "a.jpg", "c.npy", "notes.txt", "d.png.bak"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    images = find_images(str(tmp_path))
    assert [image.name for image in images] == ["a.jpg", "a/z.JPEG", "b.png", "c.npy"]
    many = [Image(f"{number:03d}", Path()) for number in range(100)]
    chosen = sample(many, 10, 3)
    assert chosen == sample(many, 10, 3) == sorted(chosen, key=lambda image: image.name)
    assert chosen != sample(many, 10, 4)
    assert sample(many, 100, 3) == sample(many, 1000, 4) == many


def test_no_folder_and_no_images(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        find_images(str(tmp_path / "none"))
    with pytest.raises(InputError, match="no image"):
        find_images(str(tmp_path))


def test_a_picture_is_resized_cropped_in_the_middle_and_normalised(tmp_path: Path) -> None:
    pixels = np.zeros((SIDE, 2 * SIDE, 3), np.uint8)
    pixels[:, SIDE // 2 : -SIDE // 2] = (255, 128, 0)  # exactly the middle square
    Pillow.fromarray(pixels).save(tmp_path / "wide.png")
    image = Image("wide.png", tmp_path / "wide.png")
    made = tensor_of(image, PLAIN, "float32")
    assert made.shape == (3, SIDE, SIDE)
    assert made.dtype == np.float32
    assert made[:, SIDE // 2, SIDE // 2] == pytest.approx([1, 128 / 255, 0])
    assert (made == made[:, :1, :1]).all()
    normal = Preparation((3, SIDE, SIDE), SIDE, (0.5, 0.25, 0.0), (0.5, 2.0, 1.0))
    assert tensor_of(image, normal, "float16")[:, 0, 0] == pytest.approx([1, (128 / 255 - 0.25) / 2, 0], abs=1e-3)
    grey = tensor_of(image, Preparation((1, SIDE, SIDE), SIDE, (0.0,), (1.0,)), "float32")
    assert grey.shape == (1, SIDE, SIDE)
    # By default the shorter side is resized to 8/7 of the crop: the black borders of the wide image come no nearer.
    assert tensor_of(image, Preparation((3, 14, 14), None, (0.0,) * 3, (1.0,) * 3), "float32")[0].min() > 0.9


@pytest.mark.parametrize(("width", "height"), [(3, 40), (40, 3), (1, 1), (17, 16)])
def test_every_picture_fills_the_input(tmp_path: Path, width: int, height: int) -> None:
    pictures(tmp_path, [(width, height)], "jpg")
    shape = (3, 16, 24)
    assert tensor_of(find_images(str(tmp_path))[0], Preparation(shape, 1), "float32").shape == shape


def test_arrays_are_taken_as_they_are(tmp_path: Path) -> None:
    array = np.random.default_rng(0).random((1, 3, SIDE, SIDE)) * 1000
    np.save(tmp_path / "a.npy", array)
    made = tensor_of(Image("a.npy", tmp_path / "a.npy"), Preparation((3, SIDE, SIDE)), "float32")
    assert (made == array[0].astype(np.float32)).all()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.png", b"not a picture", "cannot be read as an image"),
        ("a.jpg", b"", "cannot be read as an image"),
        ("a.npy", b"not an array", "cannot be read as an array"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: it {says}"):
        tensor_of(Image(name, tmp_path / name), PLAIN, "float32")


def test_a_cut_off_picture_and_other_arrays_are_refused(tmp_path: Path) -> None:
    pictures(tmp_path, [(200, 200)])
    whole = (tmp_path / "000.png").read_bytes()
    (tmp_path / "000.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cannot be read as an image"):
        tensor_of(find_images(str(tmp_path))[0], PLAIN, "float32")
    for array, says in (
        (np.zeros((3, 4, 4), np.float32), r"takes \[3, 16, 16\]"),
        (np.full((3, SIDE, SIDE), np.nan), "NaN"),
        (np.zeros((3, SIDE, SIDE), complex), "complex"),
        (np.array([{}], object), "cannot be read as an array"),  # a pickle is code and never loaded
    ):
        np.save(tmp_path / "a.npy", array)
        with pytest.raises(InputError, match=says):
            tensor_of(Image("a.npy", tmp_path / "a.npy"), PLAIN, "float32")


def test_labels(tmp_path: Path) -> None:
    images = [Image("a.png", Path()), Image("b/c.png", Path())]
    file = tmp_path / "labels.csv"
    file.write_text("file,class\na.png,3\nb/c.png, 0\n")
    assert read_labels(str(file), images) == {"a.png": 3, "b/c.png": 0}
    for text, says in (
        ("a.png,cat\n", "line 1: class 'cat' is no number"),
        ("a.png,-1\n", "no number"),
        ("file,class\nx.png,1\n", "line 2: 'x.png' is not among the images"),
        ("a.png,1\na.png,1\n", "line 2: 'a.png' has a class already"),
        ("a.png\n", "1 values"),
        ("", "no image has a class"),
        ('"a.png,1\n', "cannot be read as CSV"),
    ):
        file.write_text(text)
        with pytest.raises(UsageError, match=says):
            read_labels(str(file), images)
    file.write_bytes(b"\xff\xfe,1\n")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_labels(str(file), images)
