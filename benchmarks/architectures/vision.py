"""Backbones and segmentation networks of torchvision and timm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import timm
import torch
import torchvision
from torch import nn
from torchvision.models import segmentation

Made = tuple[nn.Module, torch.Tensor]


def image(side: int) -> torch.Tensor:
    return torch.zeros(1, 3, side, side)


def _torchvision(make: Callable[..., nn.Module], side: int = 64, **options: Any) -> Callable[[], Made]:
    return lambda: (make(**options), image(side))


def _timm(name: str, side: int = 64, **options: Any) -> Callable[[], Made]:
    return lambda: (timm.create_model(name, **options), image(side))


def _vgg() -> Made:
    layers = torchvision.models.vgg.make_layers([64, "M", 128, "M", 256, 256, "M", 512, "M"], batch_norm=True)
    return nn.Sequential(layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(2048, 256), nn.ReLU()), image(64)


def _video() -> Made:
    return torchvision.models.video.r3d_18(weights=None), torch.zeros(1, 3, 8, 32, 32)


def _resnet(block: str, **options: Any) -> Callable[[], Made]:
    kind = getattr(torchvision.models.resnet, block)
    return lambda: (torchvision.models.ResNet(kind, [1, 1, 1, 1], **options), image(64))


_models = torchvision.models
_segmented = {"weights": None, "weights_backbone": None}
NETWORKS: dict[str, Callable[[], Made]] = {
    "vgg": _vgg,
    "resnet18": _torchvision(_models.resnet18),
    "resnet50": _resnet("Bottleneck"),
    "resnext50_32x4d": _resnet("Bottleneck", groups=32, width_per_group=4),
    "densenet": _torchvision(_models.DenseNet, growth_rate=8, block_config=(2, 3, 3, 2), num_init_features=16),
    "googlenet": _torchvision(_models.googlenet, init_weights=False, aux_logits=False),
    "inception_v3": _torchvision(_models.inception_v3, 96, init_weights=False),
    "squeezenet1_1": _torchvision(_models.squeezenet1_1),
    "mobilenet_v2": _torchvision(_models.mobilenet_v2),
    "mobilenet_v3_small": _torchvision(_models.mobilenet_v3_small),
    "mnasnet0_5": _torchvision(_models.mnasnet0_5),
    "shufflenet_v2_x0_5": _torchvision(_models.shufflenet_v2_x0_5),
    "regnet_x_400mf": _torchvision(_models.regnet_x_400mf),
    "regnet_y_400mf": _torchvision(_models.regnet_y_400mf),
    "efficientnet_b0": _torchvision(_models.efficientnet_b0),
    "efficientnet_v2": _timm("test_efficientnet"),
    "tf_efficientnet_b0": _timm("tf_efficientnet_b0", 65),
    "tf_efficientnet_lite0": _timm("tf_efficientnet_lite0"),
    "convnext_tiny": _timm("convnext_tiny", depths=(1, 1, 2, 1)),
    "convnextv2_atto": _timm("convnextv2_atto", depths=(1, 1, 2, 1)),
    "cspdarknet53": _timm("cspdarknet53"),
    "dla34": _timm("dla34"),
    "ghostnet_100": _timm("ghostnet_100"),
    "hrnet_w18_small": _timm("hrnet_w18_small"),
    "repvgg_a0": _timm("repvgg_a0"),
    "res2net50_26w_4s": _timm("res2net50_26w_4s", layers=(1, 1, 1, 1)),
    "ecaresnet": _timm("ecaresnet26t", layers=(1, 1, 1, 1)),
    "nfnet": _timm("test_nfnet"),
    "poolformer_s12": _timm("poolformer_s12"),
    "mixer_s32": _timm("mixer_s32_224", 224),
    "vit": _timm("vit_tiny_patch16_224", img_size=64, depth=2),
    "swin_t": _timm("swin_tiny_patch4_window7_224", 224, depths=(2, 2, 2, 2)),
    "swin_v2_t": _timm("swinv2_tiny_window8_256", 64, img_size=64, depths=(2, 2, 2, 2), window_size=4),
    "pvt_v2_b0": _timm("pvt_v2_b0", depths=(1, 1, 1, 1)),
    "mobilevit_xxs": _timm("mobilevit_xxs"),
    "maxvit": _timm("test_maxvit", 160),
    "coatnet": _timm("test_coatnet", 160),
    "fastvit_t8": _timm("fastvit_t8"),
    "efficientformer_l1": _timm("efficientformer_l1", 224, depths=(1, 1, 1, 2)),
    "efficientvit_b0": _timm("efficientvit_b0"),
    "levit_128s": _timm("levit_128s", 224, depth=(1, 1, 1)),
    "xcit_nano": _timm("xcit_nano_12_p16_224", depth=2),
    "deeplabv3_mobilenet": _torchvision(segmentation.deeplabv3_mobilenet_v3_large, 64, **_segmented),
    "lraspp_mobilenet": _torchvision(segmentation.lraspp_mobilenet_v3_large, 64, **_segmented),
    "fcn_resnet50": _torchvision(segmentation.fcn_resnet50, 64, **_segmented),
    "r3d_18": _video,
}
