"""The network: convolutions that leave one row of cells, and a score for every digit in each cell."""

from __future__ import annotations

import string

import torch
from torch import Tensor, nn

CHARACTERS = string.digits
BLANK = len(CHARACTERS)
"""The last class: no character, or the same as in the cell before."""


def _block(inputs: int, outputs: int, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1)) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU. A kernel of two rows takes in all there are."""
    padding = (0 if kernel[0] == 2 else kernel[0] // 2, kernel[1] // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class DigitReader(nn.Module):
    """Reads a line of digits.

    Input: batch × 3 (blue, green, red) × 32 × 128, 0 to 1. Output: batch × 32 cells × 11 logits, for
    connectionist temporal classification (Graves et al., 2006).
    """

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _block(3, 8, (3, 3), (2, 2)),
            _block(8, 16, (3, 3), (2, 2)),
            _block(16, 24, (3, 3)),
            _block(24, 32, (3, 3), (2, 1)),
            _block(32, 48, (3, 3), (2, 1)),
            _block(48, 48, (2, 3)),
            _block(48, 64, (1, 3)),
        )
        self.scores = nn.Conv2d(64, len(CHARACTERS) + 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.scores(self.body(images)).squeeze(2).transpose(1, 2)
