"""Train the four miniatures of the zoo on handwritten digits, audit them, quantise them to INT8 and compare.

Prints a Markdown table. Everything runs on a CPU from data that scikit-learn ships; the seeds are fixed.
"""

import argparse
import contextlib
import logging
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

from safecheck.rulebook.load import DEFAULT, profile
from safecheck.usecases.audit import audit_model
from safecheck.zoo.build import Order, build
from safecheck.zoo.export import to_onnx

SIDE = 64
BATCH = 64
RATE = 3e-3
CALIBRATION_IMAGES = 256
ORDERS = (Order("csa-nano", geometry="even"), Order("swin-nano"), Order("convnext-nano"), Order("cvt-nano"))


@dataclass(frozen=True, slots=True)
class Digits:
    """Images (N, 3, 64, 64) about zero, and their labels (N,)."""

    train: Tensor
    train_labels: Tensor
    test: Tensor
    test_labels: Tensor


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured of one model."""

    name: str
    parameters: int
    macs: int
    verdict: str
    forbidden: int
    unproven: int
    fp32: float
    """Accuracy on the test images, in percent, as is int8."""
    int8: float


def digits() -> Digits:
    """The 1,797 digits of 8 x 8 pixels, enlarged to 64 x 64, a quarter of each class held out."""
    found = load_digits()
    pixels = torch.from_numpy(found.images.astype(np.float32)) / 8 - 1  # 0..16 -> -1..1
    large = F.interpolate(pixels[:, None], size=(SIDE, SIDE), mode="bilinear").expand(-1, 3, -1, -1).contiguous()
    labels = torch.from_numpy(found.target.astype(np.int64))
    train, test = train_test_split(np.arange(len(labels)), test_size=0.25, random_state=0, stratify=found.target)
    return Digits(large[train], labels[train], large[test], labels[test])


def train(network: nn.Module, data: Digits, epochs: int, seed: int = 0) -> list[float]:
    """AdamW with one cycle of the learning rate; returns the mean loss of every epoch.

    Channels lie last in memory meanwhile: that is several times faster on a CPU for networks as narrow as these.
    """
    random = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)  # for dropout inside the networks
    network.train().to(memory_format=torch.channels_last)
    images = data.train.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=0.05)
    steps = len(images) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=epochs * steps, pct_start=0.2)
    losses = []
    for _ in range(epochs):
        order = torch.randperm(len(images), generator=random)
        total = 0.0
        for step in range(steps):
            chosen = order[step * BATCH : (step + 1) * BATCH]
            loss = F.cross_entropy(network(images[chosen]), data.train_labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        losses.append(total / steps)
    network.eval().to(memory_format=torch.contiguous_format)
    return losses


class Images(CalibrationDataReader):
    """Training images, one at a time, for calibration."""

    def __init__(self, images: Tensor) -> None:
        self._images: Iterator[Tensor] = iter(images)

    def get_next(self) -> dict[str, Any] | None:
        """Return the next input, None at the end."""
        image = next(self._images, None)
        return None if image is None else {"input": image[None].numpy()}


def quantise(model: Path, quantised: Path, images: Tensor) -> None:
    """Static INT8 with Q/DQ nodes: symmetric, per-channel weights, ranges from the given images by entropy."""
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(model), str(prepared), skip_symbolic_shape=True)
        with contextlib.redirect_stdout(sys.stderr):  # it reports its progress there
            quantize_static(
                str(prepared),
                str(quantised),
                Images(images),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                calibrate_method=CalibrationMethod.Entropy,
                extra_options={"ActivationSymmetric": True, "WeightSymmetric": True},
            )


def accuracy(model: Path, data: Digits) -> float:
    """Percent of the test images that onnxruntime answers rightly."""
    session = ort.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    answers = [session.run(None, {"input": image[None].numpy()})[0].argmax() for image in data.test]
    return float(100 * np.mean(np.array(answers) == data.test_labels.numpy()))


def measure(order: Order, data: Digits, epochs: int, folder: Path) -> Row:
    """Train, export, audit, quantise and test one model; its files stay in `folder`."""
    started = time.perf_counter()
    network = build(order)
    losses = train(network, data, epochs, order.seed)
    seconds = time.perf_counter() - started
    print(f"{order.name}: loss {losses[0]:.3f} -> {losses[-1]:.3f} in {seconds:.0f} s", file=sys.stderr)
    file, quantised = folder / f"{order.name}.onnx", folder / f"{order.name}-int8.onnx"
    file.write_bytes(to_onnx(network, (1, 3, SIDE, SIDE), "dynamo", 17).data)
    report = audit_model(str(file), profile(DEFAULT))
    if report.audit is None or report.audit.macs is None:
        raise SystemExit(f"train_digits: {order.name} cannot be audited: {report.error}")
    verdicts = [str(node.verdict) for node in report.audit.nodes]
    quantise(file, quantised, data.train[:CALIBRATION_IMAGES])
    return Row(
        name=order.name,
        parameters=sum(part.numel() for part in network.parameters()),
        macs=report.audit.macs,
        verdict=str(report.verdict),
        forbidden=verdicts.count("forbidden"),
        unproven=verdicts.count("unproven"),
        fp32=accuracy(file, data),
        int8=accuracy(quantised, data),
    )


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    lines = [
        "| model | parameters | MMACs | verdict | nodes forbidden, unproven | FP32 % | INT8 % | change |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.name} | {row.parameters:,} | {row.macs / 1e6:.2f} | {row.verdict} | {row.forbidden}, {row.unproven} "
        f"| {row.fp32:.2f} | {row.int8:.2f} | {row.int8 - row.fp32:+.2f} |"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=12, help="passes over the training images (default: 12)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and order (default: 0)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the ONNX files here")
    options = parser.parse_args()
    logging.getLogger().setLevel(logging.ERROR)  # the quantiser warns of every LayerNorm
    data = digits()
    with tempfile.TemporaryDirectory() as temporary:
        folder: Path = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        rows = [
            measure(Order(order.name, seed=options.seed, geometry=order.geometry), data, options.epochs, folder)
            for order in ORDERS
        ]
    counts = f"{len(data.train):,} images for training, {len(data.test)} for testing, {options.epochs} epochs"
    versions = ", ".join(f"{library} {version(library)}" for library in ("torch", "transformers", "onnxruntime"))
    print(f"\n{counts}; CPU, {versions}\n")
    print(table(rows))


if __name__ == "__main__":
    main()
