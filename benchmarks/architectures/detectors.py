"""Detectors of cameras, with the heads that turn maps into boxes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from architectures.block import Made, conv


class _C3(nn.Module):
    """Cross-stage block of YOLOv5."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        half = outside // 2
        self.left, self.right = conv(inside, half, 1), conv(inside, half, 1)
        self.inner = nn.Sequential(conv(half, half, 1), conv(half, half))
        self.last = conv(2 * half, outside, 1)

    def forward(self, x: Tensor) -> Tensor:
        left = self.left(x)
        return self.last(torch.cat((left + self.inner(left), self.right(x)), 1))


class _C2f(nn.Module):
    """Block of YOLOv8: halves are split off and all are concatenated."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.half = outside // 2
        self.first = conv(inside, outside, 1)
        self.inner = nn.Sequential(conv(self.half, self.half), conv(self.half, self.half))
        self.last = conv(3 * self.half, outside, 1)

    def forward(self, x: Tensor) -> Tensor:
        parts = list(self.first(x).chunk(2, 1))
        parts.append(parts[-1] + self.inner(parts[-1]))
        return self.last(torch.cat(parts, 1))


class _Pyramid(nn.Module):
    """Backbone, SPPF and path aggregation; maps of strides 8, 16 and 32."""

    def __init__(self, block: type[nn.Module], w: int = 16) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, w, 6, 2, 2), nn.SiLU(), conv(w, 2 * w, 3, 2), block(2 * w, 2 * w))
        self.p3 = nn.Sequential(conv(2 * w, 4 * w, 3, 2), block(4 * w, 4 * w))
        self.p4 = nn.Sequential(conv(4 * w, 4 * w, 3, 2), block(4 * w, 4 * w))
        self.p5 = nn.Sequential(conv(4 * w, 4 * w, 3, 2), block(4 * w, 4 * w))
        self.squeeze, self.spread = conv(4 * w, 2 * w, 1), conv(8 * w, 4 * w, 1)
        self.pool, self.up = nn.MaxPool2d(5, 1, 2), nn.Upsample(scale_factor=2)
        self.up4, self.up3 = block(8 * w, 4 * w), block(8 * w, 4 * w)
        self.down3, self.down4 = conv(4 * w, 4 * w, 3, 2), conv(4 * w, 4 * w, 3, 2)
        self.out4, self.out5 = block(8 * w, 4 * w), block(8 * w, 4 * w)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        p3 = self.p3(self.stem(x))
        p4 = self.p4(p3)
        pools = [self.squeeze(self.p5(p4))]
        for _ in range(3):
            pools.append(self.pool(pools[-1]))
        p5 = self.spread(torch.cat(pools, 1))
        n4 = self.up4(torch.cat((self.up(p5), p4), 1))
        n3 = self.up3(torch.cat((self.up(n4), p3), 1))
        o4 = self.out4(torch.cat((self.down3(n3), n4), 1))
        return n3, o4, self.out5(torch.cat((self.down4(o4), p5), 1))


class Yolo5(nn.Module):
    """Anchors: boxes from sigmoids, a grid and anchor sizes, as the exporting head computes them."""

    def __init__(self, classes: int = 4) -> None:
        super().__init__()
        self.body, self.out = _Pyramid(_C3), classes + 5
        self.heads = nn.ModuleList(nn.Conv2d(64, 3 * self.out, 1) for _ in range(3))
        self.register_buffer("anchors", torch.rand(3, 1, 3, 1, 1, 2) * 30)

    def forward(self, x: Tensor) -> Tensor:
        rows = []
        for level, (head, value) in enumerate(zip(self.heads, self.body(x), strict=True)):
            value = head(value)
            batch, _, height, width = value.shape
            value = value.view(batch, 3, self.out, height, width).permute(0, 1, 3, 4, 2).contiguous()
            ys, xs = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
            grid = torch.stack((xs, ys), 2).expand(1, 3, height, width, 2).float() - 0.5
            xy, wh, rest = value.sigmoid().split((2, 2, self.out - 4), 4)
            xy = (xy * 2 + grid) * 8 * 2**level
            wh = (wh * 2) ** 2 * self.anchors[level]
            rows.append(torch.cat((xy, wh, rest), 4).view(batch, -1, self.out))
        return torch.cat(rows, 1)


class Yolo8(nn.Module):
    """No anchors: the distribution of distances is a softmax over 16 bins, its mean a convolution."""

    def __init__(self, classes: int = 4) -> None:
        super().__init__()
        self.body, self.classes = _Pyramid(_C2f), classes
        self.boxes = nn.ModuleList(nn.Sequential(conv(64, 64), nn.Conv2d(64, 64, 1)) for _ in range(3))
        self.scores = nn.ModuleList(nn.Sequential(conv(64, 64), nn.Conv2d(64, classes, 1)) for _ in range(3))
        self.bins = nn.Conv2d(16, 1, 1, bias=False)
        self.bins.weight.data[:] = torch.arange(16.0).view(1, 16, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.body(x)
        found = [torch.cat((b(m), s(m)), 1) for b, s, m in zip(self.boxes, self.scores, maps, strict=True)]
        rows = torch.cat([value.view(1, 64 + self.classes, -1) for value in found], 2)
        boxes, scores = rows.split((64, self.classes), 1)
        boxes = self.bins(boxes.view(1, 4, 16, -1).transpose(2, 1).softmax(1)).view(1, 4, -1)
        places, strides = [], []
        for level, value in enumerate(found):
            ys, xs = torch.meshgrid(*(torch.arange(n, dtype=x.dtype) + 0.5 for n in value.shape[2:]), indexing="ij")
            places.append(torch.stack((xs, ys)).view(2, -1))
            strides.append(torch.full((1, places[-1].shape[1]), 8.0 * 2**level, dtype=x.dtype))
        at, stride = torch.cat(places, 1)[None], torch.cat(strides, 1)
        low, high = boxes.chunk(2, 1)
        near, far = at - low, at + high
        return torch.cat(((torch.cat(((near + far) / 2, far - near), 1)) * stride, scores.sigmoid()), 1)


class YoloX(nn.Module):
    """Focus stem by slices, decoupled heads, boxes by exponentials."""

    def __init__(self, classes: int = 4) -> None:
        super().__init__()
        self.focus, self.body = conv(12, 3), _Pyramid(_C3)
        self.heads = nn.ModuleList(nn.Conv2d(64, 5 + classes, 1) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        corners = (x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2])
        rows = []
        for level, (head, value) in enumerate(
            zip(self.heads, self.body(self.focus(torch.cat(corners, 1))), strict=True)
        ):
            value = head(value)
            ys, xs = torch.meshgrid(*(torch.arange(float(n)) for n in value.shape[2:]), indexing="ij")
            grid = torch.stack((xs, ys)).view(1, 2, -1)
            value = torch.cat((value[:, :4], value[:, 4:].sigmoid()), 1).flatten(2)
            step = 8.0 * 2**level
            rows.append(torch.cat(((value[:, :2] + grid) * step, value[:, 2:4].exp() * step, value[:, 4:]), 1))
        return torch.cat(rows, 2).permute(0, 2, 1)


class CenterNet(nn.Module):
    """The head of a keypoint detector on a small backbone; peaks are found by the host."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(3, 16, 7, 2, nn.ReLU), conv(16, 32, 3, 2, nn.ReLU), conv(32, 64, 3, 2, nn.ReLU))
        self.up = nn.Sequential(nn.ConvTranspose2d(64, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU())
        self.heat, self.size = nn.Conv2d(64, 4, 1), nn.Conv2d(64, 2, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        value = self.up(self.body(x))
        heat = self.heat(value).sigmoid()
        return functional.max_pool2d(heat, 3, 1, 1), self.size(value)


def image(height: int = 64, width: int = 64) -> Tensor:
    return torch.zeros(1, 3, height, width)


NETWORKS: dict[str, Callable[[], Made]] = {
    "yolov5": lambda: (Yolo5(), image()),
    "yolov8": lambda: (Yolo8(), image()),
    "yolox": lambda: (YoloX(), image(128, 128)),
    "centernet": lambda: (CenterNet(), image()),
}
