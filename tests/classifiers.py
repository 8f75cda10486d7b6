"""A small classifier of images, and images whose classes it gets right by construction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 16


def classifier(
    path: Path, batch: int | str = 1, opset: int = 18, external: bool = False, dtype: int = TensorProto.FLOAT
) -> Path:
    """Conv, Relu, Add, average pool, Gemm: the class is the channel (red, green, blue) that is brightest."""
    random = np.random.default_rng(7)
    mixing = np.zeros((6, 3, 3, 3), np.float32)
    mixing[:3] = random.random((3, 3, 3, 3)) * 0.02
    mixing[range(3), range(3), 1, 1] = 1
    mixing[3:] = random.standard_normal((3, 3, 3, 3)) * 0.2
    scores = np.zeros((3, 6), np.float32)
    scores[range(3), range(3)] = (1, 1.5, 2)
    weights = {"kernel": mixing, "shift": np.zeros(6, np.float32), "scores": scores, "bias": np.zeros(3, np.float32)}
    if dtype == TensorProto.FLOAT16:
        weights = {name: array.astype(np.float16) for name, array in weights.items()}
    nodes = [
        helper.make_node("Conv", ["image", "kernel", "shift"], ["mixed"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["mixed"], ["bright"], "relu"),
        helper.make_node("Add", ["bright", "mixed"], ["sum"], "add"),
        helper.make_node("AveragePool", ["sum"], ["pooled"], "pool", kernel_shape=[SIDE, SIDE]),
        helper.make_node("Flatten", ["pooled"], ["flat"], "flatten"),
        helper.make_node("Gemm", ["flat", "scores", "bias"], ["out"], "dense", transB=1),
    ]
    graph = helper.make_graph(
        nodes, "classifier",
        [helper.make_tensor_value_info("image", dtype, [batch, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("out", dtype, [batch, 3])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path, save_as_external_data=external, size_threshold=64, location=f"{path.name}.data")
    return path


def arrays(folder: Path, count: int, seed: int = 0) -> dict[str, int]:
    """`.npy` images, named out of order; their classes. The brightest channel is far ahead of the others."""
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(seed)
    classes = {}
    for number in range(count):
        image = random.random((3, SIDE, SIDE), dtype=np.float32) * 0.2
        kind = number % 3
        image[kind] += 4
        name = f"{(number * 7919) % 10007:05d}.npy"
        np.save(folder / name, image)
        classes[name] = kind
    return classes


def pictures(folder: Path, sizes: Sequence[tuple[int, int]], suffix: str = "png") -> None:
    """Seeded pictures of these widths and heights."""
    from PIL import Image

    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(1)
    for number, (width, height) in enumerate(sizes):
        Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(
            folder / f"{number:03d}.{suffix}"
        )


def write_labels(path: Path, classes: dict[str, int]) -> Path:
    path.write_text("file,class\n" + "".join(f"{name},{kind}\n" for name, kind in classes.items()))
    return path
