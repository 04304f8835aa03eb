"""The network: a small convolutional backbone, a pyramid of three scales, an anchor-free head.

Every layer is a convolution with batch normalisation and ReLU, a maximum pool, a concatenation, an addition or a
doubling of size: all cheap on a CPU, all part of ONNX since opset 11.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .classes import CLASS_NAMES

STRIDES = (8, 16, 32)
ROW_LENGTH = 5 + len(CLASS_NAMES)
"""x, y, log width, log height, objectness, then one score per class."""


class ConvBlock(nn.Sequential):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03),
            nn.ReLU(inplace=True),
        )


class SeparableBlock(nn.Sequential):
    """A 3×3 convolution as one over each channel and one across channels."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(ConvBlock(inputs, inputs, 3, stride, groups=inputs), ConvBlock(inputs, outputs))


class SplitBlock(nn.Module):
    """Half of the channels pass through residual 3×3 convolutions; all that came of it is mixed again."""

    def __init__(self, channels: int, repeats: int = 1) -> None:
        super().__init__()
        half = channels // 2
        self.enter = ConvBlock(channels, 2 * half)
        self.steps = nn.ModuleList(
            nn.Sequential(ConvBlock(half, half, 3), ConvBlock(half, half, 3)) for _ in range(repeats)
        )
        self.leave = ConvBlock((2 + repeats) * half, channels)

    def forward(self, x: Tensor) -> Tensor:
        parts = list(self.enter(x).chunk(2, dim=1))
        for step in self.steps:
            parts.append(parts[-1] + step(parts[-1]))
        return self.leave(torch.cat(parts, dim=1))


class PoolPyramid(nn.Module):
    """Maximum pools over 5, 9 and 13 cells side by side: context as wide as the image."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.enter = ConvBlock(channels, half)
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.leave = ConvBlock(4 * half, channels)

    def forward(self, x: Tensor) -> Tensor:
        parts = [self.enter(x)]
        for _ in range(3):
            parts.append(self.pool(parts[-1]))
        return self.leave(torch.cat(parts, dim=1))


class Head(nn.Module):
    """The predictions of one scale: position and objectness by one branch, class by the other."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shared = SeparableBlock(channels, channels)
        self.place = SeparableBlock(channels, channels)
        self.kind = SeparableBlock(channels, channels)
        self.box = nn.Conv2d(channels, 4, 1)
        self.objectness = nn.Conv2d(channels, 1, 1)
        self.scores = nn.Conv2d(channels, len(CLASS_NAMES), 1)
        nn.init.constant_(self.objectness.bias, -4.6)  # Nearly every cell is empty: a probability of 1 %.
        nn.init.constant_(self.scores.bias, -1.4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.shared(x)
        place = self.place(x)
        return torch.cat([self.box(place), self.objectness(place), self.scores(self.kind(x))], dim=1)


class CodeDetector(nn.Module):
    """Finds codes in images of any size that is a multiple of 32.

    Input: batch × 3 (blue, green, red) × height × width, 0 to 1. Output: batch × cells × `ROW_LENGTH`, the cells of
    stride 8 first, each stride row by row; objectness and scores as logits.
    """

    def __init__(self, channels: tuple[int, int, int, int, int] = (16, 24, 48, 88, 128), neck: int = 64) -> None:
        super().__init__()
        half, quarter, eighth, sixteenth, last = channels
        self.stem = nn.Sequential(ConvBlock(3, half, 3, 2), ConvBlock(half, quarter, 3, 2))
        self.stage8 = nn.Sequential(ConvBlock(quarter, eighth, 3, 2), SplitBlock(eighth))
        self.stage16 = nn.Sequential(ConvBlock(eighth, sixteenth, 3, 2), SplitBlock(sixteenth))
        self.stage32 = nn.Sequential(ConvBlock(sixteenth, last, 3, 2), SplitBlock(last), PoolPyramid(last))
        self.enlarge = nn.Upsample(scale_factor=2, mode="nearest")
        self.lateral32 = ConvBlock(last, neck)
        self.down16 = nn.Sequential(ConvBlock(sixteenth + neck, neck), SeparableBlock(neck, neck))
        self.down8 = nn.Sequential(ConvBlock(eighth + neck, eighth), SeparableBlock(eighth, eighth))
        self.step16 = SeparableBlock(eighth, neck, 2)
        self.up16 = nn.Sequential(ConvBlock(2 * neck, neck), SeparableBlock(neck, neck))
        self.step32 = SeparableBlock(neck, neck, 2)
        self.up32 = nn.Sequential(ConvBlock(2 * neck, neck), SeparableBlock(neck, neck))
        self.heads = nn.ModuleList([Head(eighth), Head(neck), Head(neck)])

    def forward(self, x: Tensor) -> Tensor:
        eighth = self.stage8(self.stem(x))
        sixteenth = self.stage16(eighth)
        last = self.lateral32(self.stage32(sixteenth))
        middle = self.down16(torch.cat([self.enlarge(last), sixteenth], dim=1))
        fine = self.down8(torch.cat([self.enlarge(middle), eighth], dim=1))
        middle = self.up16(torch.cat([self.step16(fine), middle], dim=1))
        coarse = self.up32(torch.cat([self.step32(middle), last], dim=1))
        maps = [head(level) for head, level in zip(self.heads, (fine, middle, coarse))]
        return torch.cat([level.flatten(2) for level in maps], dim=2).transpose(1, 2)


def count_macs(model: nn.Module, side: int) -> int:
    """Multiplications of all convolutions for one square image."""
    total = 0

    def add(layer: nn.Conv2d, _: object, output: Tensor) -> None:
        nonlocal total
        total += output.shape[2] * output.shape[3] * layer.weight.numel()

    hooks = [layer.register_forward_hook(add) for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    with torch.no_grad():
        model(torch.zeros(1, 3, side, side, device=next(model.parameters()).device))
    for hook in hooks:
        hook.remove()
    return total
