"""Lanes, segmentation, recurrent heads and trajectories."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from architectures.block import Made, conv


class UltraFastLanes(nn.Module):
    """Row anchors: a small backbone, two dense layers, a score per grid column, row and lane."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(3, 16, 7, 2, nn.ReLU),
            nn.MaxPool2d(3, 2, 1),
            conv(16, 32, 3, 2, nn.ReLU),
            conv(32, 64, 3, 2, nn.ReLU),
            nn.Conv2d(64, 8, 1),
        )
        self.dense = nn.Sequential(nn.Linear(8 * 5 * 6, 128), nn.ReLU(), nn.Linear(128, 21 * 10 * 4))

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(self.body(x).view(-1, 240)).view(-1, 21, 10, 4)


class SpatialLanes(nn.Module):
    """SCNN: slices of the map are passed on row by row, then a segmentation and the existence of four lanes."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(3, 16, 3, 2, nn.ReLU), conv(16, 16, 3, 2, nn.ReLU))
        self.down = nn.Conv2d(16, 16, (1, 9), padding=(0, 4), bias=False)
        self.right = nn.Conv2d(16, 16, (9, 1), padding=(4, 0), bias=False)
        self.lanes, self.exist = nn.Conv2d(16, 5, 1), nn.Linear(5 * 4 * 8, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        rows = list(self.body(x).split(1, 2))
        for at in range(1, len(rows)):
            rows[at] = rows[at] + self.down(rows[at - 1]).relu()
        columns = list(torch.cat(rows, 2).split(1, 3))
        for at in range(1, len(columns)):
            columns[at] = columns[at] + self.right(columns[at - 1]).relu()
        lanes = self.lanes(torch.cat(columns, 3))
        exist = self.exist(functional.avg_pool2d(lanes.softmax(1), 2).flatten(1)).sigmoid()
        return functional.interpolate(lanes, scale_factor=4, mode="bilinear", align_corners=False), exist


class LaneAttention(nn.Module):
    """LaneATT: features along fixed anchor lines by constant indices, attention between anchors, two heads."""

    def __init__(self, anchors: int = 20, rows: int = 4) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(3, 16, 3, 2, nn.ReLU), conv(16, 16, 3, 2, nn.ReLU), conv(16, 8, 3, 2, nn.ReLU))
        self.register_buffer("ys", torch.arange(rows).repeat(anchors))
        self.register_buffer("xs", torch.randint(0, 8, (anchors * rows,)))
        self.anchors, self.rows = anchors, rows
        self.attention = nn.Linear(8 * rows, anchors - 1)
        self.scores, self.lines = nn.Linear(16 * rows, 2), nn.Linear(16 * rows, 12)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        cut = self.body(x)[0, :, self.ys, self.xs].view(8, self.anchors, self.rows).permute(1, 0, 2).flatten(1)
        weights = self.attention(cut).softmax(1)
        near = torch.tril(torch.ones(self.anchors, self.anchors - 1), -1)
        left = functional.pad(weights, (0, 1)) * functional.pad(1 - near, (0, 1))
        right = functional.pad(weights, (1, 0)) * functional.pad(near, (1, 0))
        joined = torch.cat(((left + right) @ cut, cut), 1)
        return self.scores(joined).softmax(1), self.lines(joined)


class UNet(nn.Module):
    """Encoder and decoder with skips, deconvolutions and bilinear resizes."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = (
            nn.Sequential(conv(a, b, act=nn.ReLU), conv(b, b, act=nn.ReLU)) for a, b in ((3, 16), (16, 32), (32, 64))
        )
        self.pool, self.up2 = nn.MaxPool2d(2), nn.ConvTranspose2d(64, 32, 2, 2)
        self.back2, self.back1, self.last = conv(64, 32), conv(48, 16), nn.Conv2d(16, 5, 1)

    def forward(self, x: Tensor) -> Tensor:
        first = self.first(x)
        second = self.second(self.pool(first))
        value = self.back2(torch.cat((self.up2(self.third(self.pool(second))), second), 1))
        value = functional.interpolate(value, size=first.shape[2:], mode="bilinear", align_corners=False)
        return self.last(self.back1(torch.cat((value, first), 1)))


class RecurrentHead(nn.Module):
    """PolyLaneNet with memory, CRNN: a feature row per time step into a recurrent layer of the given kind."""

    def __init__(self, kind: Callable[..., nn.Module]) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(3, 16, 3, 2, nn.ReLU), conv(16, 16, 3, 2, nn.ReLU))
        self.recurrent, self.last = kind(64, 24, batch_first=True), nn.Linear(24, 6)

    def forward(self, x: Tensor) -> Tensor:
        value = self.body(x)
        found, _ = self.recurrent(value.permute(0, 3, 1, 2).flatten(2))
        return self.last(found)


class ConvolutionalGru(nn.Module):
    """A convolutional GRU over four frames, the memory of bird's-eye-view networks."""

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        self.encode = conv(3, channels, 3, 2, nn.ReLU)
        self.gates, self.new = (
            nn.Conv2d(2 * channels, 2 * channels, 3, 1, 1),
            nn.Conv2d(2 * channels, channels, 3, 1, 1),
        )

    def forward(self, frames: Tensor) -> Tensor:
        state = torch.zeros(1, 16, 16, 16)
        for at in range(frames.shape[1]):
            value = self.encode(frames[:, at])
            update, reset = self.gates(torch.cat((value, state), 1)).sigmoid().chunk(2, 1)
            state = (1 - update) * state + update * self.new(torch.cat((value, reset * state), 1)).tanh()
        return state


class VectorNet(nn.Module):
    """Polylines of [agents, points, features]: maxima per line, then attention between lines, then trajectories."""

    def __init__(self) -> None:
        super().__init__()
        self.point = nn.Sequential(nn.Linear(6, 32), nn.LayerNorm(32), nn.ReLU())
        self.again = nn.Sequential(nn.Linear(64, 32), nn.LayerNorm(32), nn.ReLU())
        self.attention, self.last = nn.MultiheadAttention(32, 4, batch_first=True), nn.Linear(32, 24)

    def forward(self, x: Tensor) -> Tensor:
        value = self.point(x)
        value = torch.cat((value, value.max(1, keepdim=True)[0].expand_as(value)), -1)
        lines = self.again(value).max(1)[0].unsqueeze(0)
        return self.last(lines + self.attention(lines, lines, lines, need_weights=False)[0]).view(1, 12, 12, 2)


class PointNet(nn.Module):
    """Shared layers as Conv1d over points, a maximum over all of them, a classifier with log-probabilities."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(3, 32, 1), nn.BatchNorm1d(32), nn.ReLU(), nn.Conv1d(32, 64, 1), nn.BatchNorm1d(64)
        )
        self.last = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 8))

    def forward(self, x: Tensor) -> Tensor:
        return functional.log_softmax(self.last(self.body(x).max(2)[0]), 1)


def temporal() -> Made:
    """Dilated convolutions over time."""
    module = nn.Sequential(
        nn.Conv1d(16, 32, 3, padding=2, dilation=2), nn.ReLU(), nn.BatchNorm1d(32),
        nn.Conv1d(32, 32, 3, padding=8, dilation=8), nn.SiLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(32, 8),
    )  # fmt: skip
    return module, torch.zeros(1, 16, 40)


def image(height: int = 64, width: int = 64) -> Tensor:
    return torch.zeros(1, 3, height, width)


NETWORKS: dict[str, Callable[[], Made]] = {
    "ultra_fast_lanes": lambda: (UltraFastLanes(), image(72, 96)),
    "scnn_lanes": lambda: (SpatialLanes(), image(32, 64)),
    "lane_attention": lambda: (LaneAttention(), image(32, 64)),
    "unet": lambda: (UNet(), image()),
    "lstm_head": lambda: (RecurrentHead(nn.LSTM), image(16, 32)),
    "gru_head": lambda: (RecurrentHead(nn.GRU), image(16, 32)),
    "lstm_2_layers": lambda: (nn.LSTM(16, 24, 2), torch.zeros(8, 1, 16)),
    "gru_both_ways": lambda: (nn.GRU(16, 24, bidirectional=True), torch.zeros(8, 1, 16)),
    "convolutional_gru": lambda: (ConvolutionalGru(), torch.zeros(1, 4, 3, 32, 32)),
    "temporal_convolution": temporal,
    "vectornet": lambda: (VectorNet(), torch.zeros(12, 8, 6)),
    "pointnet": lambda: (PointNet(), torch.zeros(1, 3, 64)),
}
QUANTISED = ("resnet18", "mobilenet_v2", "yolov8", "vit", "unet")
"""Networks of which there is a statically quantised export as well."""
