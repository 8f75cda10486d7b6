"""Detection, segmentation and depth networks of the transformers library, from configurations."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import transformers
from torch import nn

Made = tuple[nn.Module, torch.Tensor]


class Picked(nn.Module):
    """A model whose answer is a record: the named values of it."""

    def __init__(self, model: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        found = self.model(image)
        return tuple(getattr(found, name) for name in self.names)


def _detr() -> Made:
    config = transformers.DetrConfig(
        use_timm_backbone=False, use_pretrained_backbone=False, backbone=None,
        backbone_config=transformers.ResNetConfig(
            embedding_size=16, hidden_sizes=[16, 32, 64, 64], depths=[1, 1, 1, 1], layer_type="basic",
            out_features=["stage4"],
        ),
        d_model=64, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=128, decoder_ffn_dim=128,
        encoder_attention_heads=4, decoder_attention_heads=4, num_queries=20,
    )  # fmt: skip
    return Picked(transformers.DetrForObjectDetection(config), ("logits", "pred_boxes")), torch.zeros(1, 3, 96, 96)


def _segformer() -> Made:
    config = transformers.SegformerConfig(depths=[1, 1, 1, 1], hidden_sizes=[16, 32, 48, 64], decoder_hidden_size=64)
    return Picked(transformers.SegformerForSemanticSegmentation(config), ("logits",)), torch.zeros(1, 3, 64, 64)


def _dpt() -> Made:
    config = transformers.DPTConfig(
        hidden_size=64, num_hidden_layers=4, num_attention_heads=4, intermediate_size=128, image_size=64, patch_size=16,
        backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[16, 32, 48, 64], fusion_hidden_size=32,
        is_hybrid=False, out_features=None, backbone_config=None,
    )  # fmt: skip
    return Picked(transformers.DPTForDepthEstimation(config), ("predicted_depth",)), torch.zeros(1, 3, 64, 64)


def _depth_anything() -> Made:
    backbone = transformers.Dinov2Config(
        hidden_size=64, num_hidden_layers=4, num_attention_heads=4, image_size=70, patch_size=14,
        out_features=["stage1", "stage2", "stage3", "stage4"], reshape_hidden_states=False,
    )  # fmt: skip
    config = transformers.DepthAnythingConfig(
        backbone_config=backbone, patch_size=14, reassemble_hidden_size=64, neck_hidden_sizes=[16, 32, 48, 64],
        fusion_hidden_size=32, head_hidden_size=16,
    )  # fmt: skip
    return Picked(transformers.DepthAnythingForDepthEstimation(config), ("predicted_depth",)), torch.zeros(1, 3, 70, 70)


def _glpn() -> Made:
    config = transformers.GLPNConfig(depths=[1, 1, 1, 1], hidden_sizes=[16, 32, 80, 64], decoder_hidden_size=32)
    return Picked(transformers.GLPNForDepthEstimation(config), ("predicted_depth",)), torch.zeros(1, 3, 64, 64)


def _yolos() -> Made:
    config = transformers.YolosConfig(
        hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128, image_size=[64, 64],
        num_detection_tokens=20, use_mid_position_embeddings=False,
    )  # fmt: skip
    return Picked(transformers.YolosForObjectDetection(config), ("logits", "pred_boxes")), torch.zeros(1, 3, 64, 64)


def _upernet() -> Made:
    backbone = transformers.ConvNextConfig(
        depths=[1, 1, 1, 1], hidden_sizes=[16, 32, 48, 64], out_features=["stage1", "stage2", "stage3", "stage4"]
    )
    config = transformers.UperNetConfig(
        backbone_config=backbone, hidden_size=32, auxiliary_in_channels=48, auxiliary_channels=16, num_labels=8
    )
    return Picked(transformers.UperNetForSemanticSegmentation(config), ("logits",)), torch.zeros(1, 3, 128, 128)


def _rt_detr() -> Made:
    config = transformers.RTDetrConfig(
        backbone_config=transformers.RTDetrResNetConfig(
            embedding_size=16, hidden_sizes=[16, 32, 64, 64], depths=[1, 1, 1, 1], layer_type="basic",
            out_features=["stage2", "stage3", "stage4"],
        ),
        use_pretrained_backbone=False, backbone=None, encoder_hidden_dim=32, encoder_in_channels=[32, 64, 64],
        encoder_ffn_dim=64, encoder_attention_heads=4, d_model=32, decoder_in_channels=[32, 32, 32], num_queries=20,
        decoder_layers=1, decoder_ffn_dim=64, decoder_attention_heads=4, num_denoising=0, anchor_image_size=[64, 64],
        hidden_expansion=0.5,
    )  # fmt: skip
    return Picked(transformers.RTDetrForObjectDetection(config), ("logits", "pred_boxes")), torch.zeros(1, 3, 64, 64)


NETWORKS: dict[str, Callable[[], Made]] = {
    "detr": _detr,
    "segformer_b0": _segformer,
    "dpt": _dpt,
    "depth_anything": _depth_anything,
    "glpn": _glpn,
    "yolos": _yolos,
    "upernet_convnext": _upernet,
    "rt_detr": _rt_detr,
}
