"""Boxes: cells of the grids, decoding, overlap, suppression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .network import STRIDES


@dataclass(frozen=True)
class Cells:
    """All cells of the three grids, in the order of the network's rows."""

    corners: Tensor
    """Cells × 2: x and y of the top left corner, in cells."""
    strides: Tensor
    """Cells × 1: pixels a cell."""

    @property
    def centres(self) -> Tensor:
        """Cells × 2, in pixels."""
        return (self.corners + 0.5) * self.strides


def cells_of(side: int, device: torch.device | str = "cpu") -> Cells:
    """The cells for an image of `side` × `side` pixels."""
    corners, strides = [], []
    for stride in STRIDES:
        count = side // stride
        y, x = torch.meshgrid(torch.arange(count), torch.arange(count), indexing="ij")
        corners.append(torch.stack([x, y], dim=-1).reshape(-1, 2).float())
        strides.append(torch.full((count * count, 1), float(stride)))
    return Cells(torch.cat(corners).to(device), torch.cat(strides).to(device))


def decode(rows: Tensor, cells: Cells) -> Tensor:
    """… × cells × 4: left, top, right, bottom in pixels, from the first four values of each row.

    The centre is (cell + offset) · stride, the size exp(value) · stride, as in YOLOX.
    """
    centres = (rows[..., :2] + cells.corners) * cells.strides
    sizes = rows[..., 2:4].clamp(max=8).exp() * cells.strides
    return torch.cat([centres - sizes / 2, centres + sizes / 2], dim=-1)


def overlap(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection over union of boxes, and the generalised one; shapes broadcast."""
    size = (torch.minimum(first[..., 2:], second[..., 2:]) - torch.maximum(first[..., :2], second[..., :2])).clamp(min=0)
    inside = size.prod(-1)
    union = (first[..., 2:] - first[..., :2]).prod(-1) + (second[..., 2:] - second[..., :2]).prod(-1) - inside
    hull = torch.maximum(first[..., 2:], second[..., 2:]) - torch.minimum(first[..., :2], second[..., :2])
    hull = hull.prod(-1).clamp(min=1e-6)
    iou = inside / union.clamp(min=1e-6)
    return iou, iou - (hull - union) / hull


@dataclass(frozen=True)
class Detection:
    label: int
    score: float
    box: np.ndarray
    """Left, top, right, bottom."""


def choose(boxes: np.ndarray, scores: np.ndarray, least_score: float, most_overlap: float = 0.45) -> list[Detection]:
    """Non-maximum suppression, whatever the class; `scores` is cells × classes. Best first."""
    labels = scores.argmax(1)
    best = scores.max(1)
    order = np.flatnonzero(best >= least_score)
    order = order[np.argsort(-best[order], kind="stable")]
    kept: list[Detection] = []
    for index in order:
        box = boxes[index]
        if kept and _overlap_of(box, np.array([other.box for other in kept])).max() > most_overlap:
            continue
        kept.append(Detection(int(labels[index]), float(best[index]), box))
    return kept


def _overlap_of(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    size = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    inside = np.maximum(size, 0).prod(1)
    return inside / ((box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(1) - inside + 1e-9)
