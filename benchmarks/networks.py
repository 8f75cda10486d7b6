"""What `fix` leaves of public architectures: export them small and at batch 1, fix each, and say what stays and why.

    python benchmarks/networks.py export FOLDER [NAME ...]             # needs torch, torchvision, timm and onnxscript
    python benchmarks/networks.py fix FOLDER [--profile ID] [NAME ...]  # needs safecheck only

Weights are random: what is left of a network depends on its structure. Every network is exported by both exporters of
PyTorch. What a network computes is compared by `fix` itself.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

EXPORTERS = ("dynamo", "torchscript")
_TORCHVISION = {
    # name of the function: (height, width) of the image
    "alexnet": (96, 96),
    "convnext_tiny": (64, 64),
    "densenet121": (64, 64),
    "efficientnet_b0": (64, 64),
    "efficientnet_v2_s": (64, 64),
    "googlenet": (64, 64),
    "inception_v3": (96, 96),
    "mnasnet0_5": (64, 64),
    "mobilenet_v2": (64, 64),
    "mobilenet_v3_small": (64, 64),
    "regnet_x_400mf": (64, 64),
    "regnet_y_400mf": (64, 64),
    "resnet18": (64, 64),
    "resnet50": (64, 64),
    "resnext50_32x4d": (64, 64),
    "shufflenet_v2_x0_5": (64, 64),
    "squeezenet1_1": (64, 64),
    "swin_t": (64, 64),
    "vgg11_bn": (64, 64),
    "vit_b_32": (64, 64),
    "segmentation.deeplabv3_mobilenet_v3_large": (64, 64),
    "segmentation.deeplabv3_resnet50": (64, 64),
    "segmentation.fcn_resnet50": (64, 64),
    "segmentation.lraspp_mobilenet_v3_large": (64, 64),
    "video.r3d_18": (32, 32),
}
_TIMM = {
    "cspdarknet53": (64, 64),
    "dla34": (64, 64),
    "fastvit_t8": (64, 64),
    "ghostnet_100": (64, 64),
    "hrnet_w18_small": (64, 64),
    "mixer_s32_224": (224, 224),
    "mobilevit_xxs": (64, 64),
    "poolformer_s12": (64, 64),
    "repvgg_a0": (64, 64),
    "res2net50_26w_4s": (64, 64),
    "tf_efficientnet_b0": (65, 65),
    "tf_efficientnet_lite0": (64, 64),
    "xcit_nano_12_p16_224": (64, 64),
}


def _recurrent() -> dict[str, Callable[[Any], tuple[Any, Any]]]:
    """Heads that torch has as single modules: (module, example input)."""
    return {
        "lstm_2_layers": lambda torch: (torch.nn.LSTM(16, 24, 2), torch.zeros(8, 1, 16)),
        "gru_both_ways": lambda torch: (torch.nn.GRU(16, 24, bidirectional=True), torch.zeros(8, 1, 16)),
        "temporal_convolution": lambda torch: (
            torch.nn.Sequential(
                torch.nn.Conv1d(16, 32, 3, padding=2, dilation=2), torch.nn.ReLU(), torch.nn.BatchNorm1d(32),
                torch.nn.Conv1d(32, 32, 3, padding=8, dilation=8), torch.nn.SiLU(), torch.nn.AdaptiveAvgPool1d(1),
                torch.nn.Flatten(), torch.nn.Linear(32, 8),
            ),
            torch.zeros(1, 16, 40),
        ),
    }  # fmt: skip


def _networks(torch: Any) -> Iterator[tuple[str, Callable[[], tuple[Any, Any]]]]:
    """Names, and what makes the module and an example of its input."""
    import timm
    import torchvision

    def vision(name: str, size: tuple[int, int]) -> tuple[Any, Any]:
        make = torchvision.models
        for part in name.split("."):
            make = getattr(make, part)
        more = {"image_size": size[0]} if name.startswith("vit") else {}
        more |= {"weights_backbone": None} if name.startswith("segmentation") else {}
        more |= {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
        depth = (8,) if name.startswith("video") else ()
        return make(weights=None, **more), torch.zeros(1, 3, *depth, *size)

    for name, size in _TORCHVISION.items():
        yield name, lambda name=name, size=size: vision(name, size)  # type: ignore[misc]
    for name, size in _TIMM.items():
        yield name, lambda name=name, size=size: (timm.create_model(name), torch.zeros(1, 3, *size))  # type: ignore[misc]
    for name, make in _recurrent().items():
        yield name, lambda make=make: make(torch)  # type: ignore[misc]


def export(folder: Path, names: list[str]) -> None:
    """Write every network that is not there yet, by both exporters; what cannot be exported is said."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    for name, make in _networks(torch):
        if names and name not in names:
            continue
        for exporter in EXPORTERS:
            path = folder / f"{name}__{exporter}.onnx"
            if path.exists():
                continue
            torch.manual_seed(0)
            try:
                module, example = make()
                _export(torch, module.eval(), example, path, exporter)
            except Exception as error:  # exporters raise anything
                path.unlink(missing_ok=True)
                print(f"{path.stem}: not exported: {str(error).splitlines()[0][:100]}", flush=True)


def _export(torch: Any, module: Any, example: Any, path: Path, exporter: str) -> None:
    if exporter == "dynamo":
        torch.onnx.export(module, (example,), str(path), dynamo=True, external_data=False, verbose=False)
    else:
        torch.onnx.export(module, (example,), str(path), dynamo=False, opset_version=17)


def fix(folder: Path, names: list[str], profile: str, limit: int, options: list[str]) -> None:
    """Fix every export in a process of its own, and print what is left of each, with the reasons of all at the end."""
    reasons: Counter[str] = Counter()
    compliant = count = 0
    for path in sorted(folder.glob("*__*.onnx")):
        if names and path.stem.split("__")[0] not in names:
            continue
        start = time.monotonic()
        found = _fixed(path, profile, limit, options)
        count += 1
        if isinstance(found, str):
            print(f"{path.stem:48s} {found}", flush=True)
            continue
        places = [finding["location"] for finding in found["findings"]]
        left = {
            (place["scope"], place["index"]): (str(place["op_type"]) or "network", entry["reason"])
            for place, entry in zip(places, found["left"], strict=True)
        }
        compliant += found["verdict"] == "compliant"
        operators = Counter(operator for operator, _ in left.values())
        reasons.update(f"{operator}: {reason[:160]}" for operator, reason in left.values())
        words = ", ".join(f"{number} {operator}" for operator, number in operators.most_common())
        print(f"{path.stem:48s} {found['verdict']:14s} {time.monotonic() - start:6.1f} s  {words}", flush=True)
    print(f"\n{compliant} of {count} compliant under {profile}\n")
    for reason, number in reasons.most_common():
        print(f"{number:5d} {reason}")


def _fixed(path: Path, profile: str, limit: int, options: list[str]) -> Any:
    """The report of `safecheck fix`, or what went wrong."""
    command = [
        sys.executable,
        "-m",
        "safecheck",
        "fix",
        str(path),
        "--dry-run",
        "--profile",
        profile,
        "--output",
        "json",
    ]
    try:
        done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return f"not finished in {limit} s"
    return json.loads(done.stdout) if done.stdout else done.stderr.strip().splitlines()[0][:160]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["export", "fix"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--profile", default="tensorrt-8.6-restricted")
    parser.add_argument("--limit", type=int, default=600, metavar="SECONDS", help="of each network")
    parser.add_argument("--io-4d", action="store_true", help="fix with --io 4d")
    given = parser.parse_args()
    if given.what == "export":
        export(given.folder, given.names)
    else:
        fix(given.folder, given.names, given.profile, given.limit, ["--io", "4d"] if given.io_4d else [])


if __name__ == "__main__":
    main()
