"""Which cells answer for which code: the cheapest few near its centre (SimOTA of YOLOX, for a whole batch at once).

A cell may answer for a code if its centre lies within `RADIUS` strides of the code's. Of those, a code takes as many
as the sum of its ten best overlaps says, those with the least cost: classification loss + 3 · −log overlap. A cell
wanted by two codes goes to the cheaper. <https://arxiv.org/abs/2107.08430>, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .boxes import Cells, overlap

RADIUS = 1.5
MOST_CELLS = 10
FORBIDDEN = 1e5
"""Cost of a cell that may not answer."""


@dataclass(frozen=True)
class Targets:
    """The truth of a batch, padded to the same number of boxes."""

    boxes: Tensor
    """Batch × codes × 4: left, top, right, bottom in pixels."""
    labels: Tensor
    """Batch × codes: the class, `PADDING` or `IGNORED`."""


PADDING = -2


@dataclass(frozen=True)
class Assignment:
    owner: Tensor
    """Batch × cells: the number of the code, −1 for none."""
    ignored: Tensor
    """Batch × cells: whether nothing is asked of the cell."""


@torch.no_grad()
def assign(boxes: Tensor, objectness: Tensor, scores: Tensor, targets: Targets, cells: Cells) -> Assignment:
    """Assigns cells by their decoded `boxes` (batch × cells × 4) and the logits of objectness and classes."""
    centres = cells.centres
    within = _inside(centres, targets.boxes)
    ignored = (within & (targets.labels == -1)[..., None]).any(1)
    real = targets.labels >= 0
    middle = (targets.boxes[..., :2] + targets.boxes[..., 2:]) / 2
    distance = (centres - middle[:, :, None]).abs().amax(-1)
    allowed = (distance < RADIUS * cells.strides[:, 0]) & real[..., None]

    iou, _ = overlap(boxes[:, None], targets.boxes[:, :, None])
    iou = iou * allowed
    wanted = F.one_hot(targets.labels.clamp(min=0), scores.shape[-1]).to(scores.dtype)
    probability = (scores.sigmoid() * objectness.sigmoid()[..., None]).sqrt().clamp(1e-6, 1 - 1e-6)
    # Binary cross-entropy summed over classes, as two products of matrices.
    certain, doubtful = probability.log(), (1 - probability).log()
    class_cost = -(wanted @ (certain - doubtful).transpose(1, 2)) - doubtful.sum(-1)[:, None]
    cost = class_cost - 3 * iou.clamp(min=1e-6).log() + FORBIDDEN * ~allowed

    count = iou.topk(MOST_CELLS, dim=-1).values.sum(-1).int().clamp(min=1)
    cheapest = cost.topk(MOST_CELLS, dim=-1, largest=False)
    rank = torch.arange(MOST_CELLS, device=cost.device)
    taken = (rank < count[..., None]) & (cheapest.values < FORBIDDEN)
    price = torch.full_like(cost, FORBIDDEN)
    price.scatter_(2, cheapest.indices, torch.where(taken, cheapest.values, FORBIDDEN))
    least = price.min(dim=1)
    owner = torch.where(least.values < FORBIDDEN, least.indices, -1)
    return Assignment(owner, ignored & (owner < 0))


def _inside(centres: Tensor, boxes: Tensor) -> Tensor:
    """Batch × codes × cells: whether a cell's centre lies in a box."""
    x, y = centres[:, 0], centres[:, 1]
    left, top, right, bottom = (boxes[..., side, None] for side in range(4))
    return (x > left) & (x < right) & (y > top) & (y < bottom)
