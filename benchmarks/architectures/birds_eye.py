"""LiDAR and bird's-eye-view networks."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from architectures.block import Made, conv


class _Voxels(nn.Module):
    """The second stage of PointPillars and CenterPoint: three scales, brought together by deconvolutions."""

    def __init__(self, inside: int = 64) -> None:
        super().__init__()
        self.scales = nn.ModuleList(
            nn.Sequential(
                conv(inside * 2 ** max(n - 1, 0), inside * 2**n, 3, 2, nn.ReLU),
                conv(inside * 2**n, inside * 2**n, act=nn.ReLU),
            )
            for n in range(3)
        )
        self.ups = nn.ModuleList(
            nn.Sequential(nn.ConvTranspose2d(inside * 2**n, 64, 2**n, 2**n, bias=False), nn.BatchNorm2d(64), nn.ReLU())
            for n in range(3)
        )

    def forward(self, x: Tensor) -> Tensor:
        found = []
        for scale, up in zip(self.scales, self.ups, strict=True):
            x = scale(x)
            found.append(up(x))
        return torch.cat(found, 1)


class PillarFeatures(nn.Module):
    """Points in pillars, [pillars, points, 9]: a linear layer, BatchNorm over points, the maximum of a pillar."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(9, 64, bias=False), nn.BatchNorm1d(64)

    def forward(self, x: Tensor) -> Tensor:
        value = self.norm(self.linear(x).permute(0, 2, 1)).permute(0, 2, 1).relu()
        return value.max(1, keepdim=True)[0].squeeze(1)


class PointPillars(nn.Module):
    """Pseudo-image to scores, boxes and directions per anchor."""

    def __init__(self) -> None:
        super().__init__()
        self.body = _Voxels()
        self.scores, self.boxes, self.directions = nn.Conv2d(192, 6, 1), nn.Conv2d(192, 42, 1), nn.Conv2d(192, 12, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        value = self.body(x)
        return tuple(head(value).permute(0, 2, 3, 1) for head in (self.scores, self.boxes, self.directions))  # type: ignore[return-value]


class PointPillarsWhole(nn.Module):
    """From the pillars and their cells: the features are scattered into an empty map, so data decide where they go."""

    def __init__(self) -> None:
        super().__init__()
        self.features, self.rest = PillarFeatures(), PointPillars()

    def forward(self, points: Tensor, cells: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        canvas = torch.zeros(64, 32 * 32)
        canvas = canvas.index_copy(1, cells, self.features(points).t())
        return self.rest(canvas.view(1, 64, 32, 32))


class CenterPoint(nn.Module):
    """Heat map with its peaks, offsets, heights, sizes by exponentials and rotations."""

    def __init__(self) -> None:
        super().__init__()
        self.body = _Voxels()
        self.shared = conv(192, 64, act=nn.ReLU)
        self.heads = nn.ModuleDict(
            {
                name: nn.Sequential(conv(64, 64, act=nn.ReLU), nn.Conv2d(64, n, 3, 1, 1))
                for name, n in {"heat": 3, "offset": 2, "height": 1, "size": 3, "turn": 2, "speed": 2}.items()
            }
        )

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        value = self.shared(self.body(x))
        found = {name: head(value) for name, head in self.heads.items()}
        heat = found.pop("heat").sigmoid().clamp(1e-4, 1 - 1e-4)
        peaks = heat * (functional.max_pool2d(heat, 3, 1, 1) == heat).float()
        found["size"] = found["size"].exp()
        turn = found["turn"]
        found["turn"] = turn / turn.pow(2).sum(1, keepdim=True).add(1e-6).sqrt()
        return (peaks, *found.values())


class LiftSplat(nn.Module):
    """LSS: depth distribution times features per pixel, gathered into bird's-eye cells of a calibrated camera."""

    def __init__(self, depths: int = 8, channels: int = 16, cells: int = 16) -> None:
        super().__init__()
        self.depths, self.channels, self.cells = depths, channels, cells
        self.camera = nn.Sequential(conv(3, 32, 3, 2), conv(32, 32, 3, 2), nn.Conv2d(32, depths + channels, 1))
        self.register_buffer("places", torch.randint(0, cells * cells, (2 * depths * 8 * 8,)))
        self.bev = nn.Sequential(
            conv(channels, 32),
            conv(32, 32, 3, 2),
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
            nn.Conv2d(32, 4, 1),
        )

    def forward(self, images: Tensor) -> Tensor:
        batch, cameras, *_ = images.shape
        value = self.camera(images.flatten(0, 1))
        depth = value[:, : self.depths].softmax(1)
        lifted = depth.unsqueeze(1) * value[:, self.depths :].unsqueeze(2)
        lifted = lifted.view(batch, cameras, self.channels, self.depths, 8, 8).permute(0, 2, 1, 3, 4, 5)
        flat = torch.zeros(batch, self.channels, self.cells**2)
        flat = flat.index_add(2, self.places, lifted.reshape(batch, self.channels, -1))
        return self.bev(flat.view(batch, self.channels, self.cells, self.cells))


class _DeformableAttention(nn.Module):
    """Samples where the queries say: data decide the places."""

    def __init__(self, channels: int, heads: int, points: int) -> None:
        super().__init__()
        self.heads, self.points = heads, points
        self.value, self.out = nn.Linear(channels, channels), nn.Linear(channels, channels)
        self.offsets, self.weights = nn.Linear(channels, heads * points * 2), nn.Linear(channels, heads * points)

    def forward(self, query: Tensor, places: Tensor, value: Tensor, size: tuple[int, int]) -> Tensor:
        batch, queries, channels = query.shape
        maps = self.value(value).view(batch, *size, self.heads, channels // self.heads)
        maps = maps.permute(0, 3, 4, 1, 2).flatten(0, 1)
        offsets = self.offsets(query).view(batch, queries, self.heads, self.points, 2)
        grid = (2 * (places[:, :, None, None] + 0.1 * offsets) - 1).permute(0, 2, 1, 3, 4).flatten(0, 1)
        sampled = functional.grid_sample(maps, grid, align_corners=False)
        weights = self.weights(query).view(batch, queries, self.heads, self.points).softmax(-1)
        found = (sampled * weights.permute(0, 2, 1, 3).reshape(batch * self.heads, 1, queries, self.points)).sum(-1)
        return self.out(found.view(batch, channels, queries).transpose(1, 2))


class BevFormer(nn.Module):
    """One encoder layer with cross-attention from bird's-eye queries to one camera; `fixed`: to constant places."""

    def __init__(self, fixed: bool, channels: int = 32, side: int = 8) -> None:
        super().__init__()
        self.side, self.fixed = side, fixed
        self.camera = nn.Sequential(conv(3, 32, 3, 2), conv(32, channels, 3, 2))
        self.query = nn.Parameter(torch.rand(1, side * side, channels))
        self.register_buffer("places", torch.rand(1, side * side, 2))
        self.own = nn.MultiheadAttention(channels, 4, batch_first=True)
        self.cross = _DeformableAttention(channels, 4, 4)
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(3))
        self.feed = nn.Sequential(nn.Linear(channels, 64), nn.ReLU(), nn.Linear(64, channels))
        self.head = nn.Conv2d(channels, 4, 1)

    def forward(self, image: Tensor, before: Tensor) -> Tensor:
        maps = self.camera(image)
        query = self.norms[0](self.query + self.own(before, before, before, need_weights=False)[0])
        if self.fixed:
            grid = (2 * self.places - 1).view(1, self.side, self.side, 2)
            seen = functional.grid_sample(maps, grid, align_corners=False).flatten(2).transpose(1, 2)
        else:
            seen = self.cross(query, self.places, maps.flatten(2).transpose(1, 2), (maps.shape[2], maps.shape[3]))
        query = self.norms[1](query + seen)
        query = self.norms[2](query + self.feed(query))
        return self.head(query.transpose(1, 2).reshape(1, -1, self.side, self.side))


def image(height: int = 64, width: int = 64) -> Tensor:
    return torch.zeros(1, 3, height, width)


NETWORKS: dict[str, Callable[[], Made]] = {
    "pillar_features": lambda: (PillarFeatures(), torch.zeros(60, 10, 9)),
    "pointpillars": lambda: (PointPillars(), torch.zeros(1, 64, 32, 32)),
    "pointpillars_whole": lambda: (PointPillarsWhole(), (torch.zeros(60, 10, 9), torch.arange(60))),
    "centerpoint": lambda: (CenterPoint(), torch.zeros(1, 64, 32, 32)),
    "lift_splat": lambda: (LiftSplat(), torch.zeros(1, 2, 3, 32, 32)),
    "bevformer": lambda: (BevFormer(fixed=False), (image(), torch.zeros(1, 64, 32))),
    "bevformer_fixed": lambda: (BevFormer(fixed=True), (image(), torch.zeros(1, 64, 32))),
}
