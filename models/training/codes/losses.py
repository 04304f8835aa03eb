"""What training makes small."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .assign import Targets, assign
from .boxes import Cells, decode, overlap

BOX_WEIGHT = 5.0
LABEL_WEIGHT = 2.0
"""The square classes look alike from afar: telling them apart is what takes longest to learn."""


@dataclass(frozen=True)
class Losses:
    """Each summed over the batch and divided by the number of cells that answer for a code."""

    box: Tensor
    objectness: Tensor
    label: Tensor

    @property
    def total(self) -> Tensor:
        return BOX_WEIGHT * self.box + self.objectness + LABEL_WEIGHT * self.label


def losses(rows: Tensor, targets: Targets, cells: Cells) -> Losses:
    """Box: 1 − generalised overlap. Objectness and class: binary cross-entropy, the latter where a code is."""
    rows = rows.float()
    boxes = decode(rows, cells)
    objectness, scores = rows[..., 4], rows[..., 5:]
    found = assign(boxes, objectness, scores, targets, cells)
    positive = found.owner >= 0
    count = positive.sum().clamp(min=1)
    images, _ = positive.nonzero(as_tuple=True)
    owners = found.owner[positive]
    _, generalised = overlap(boxes[positive], targets.boxes[images, owners])
    wanted = F.one_hot(targets.labels[images, owners], scores.shape[-1]).float()
    wanted = wanted * 0.98 + 0.01
    object_loss = F.binary_cross_entropy_with_logits(objectness, positive.float(), reduction="none")
    return Losses(
        box=(1 - generalised).sum() / count,
        objectness=(object_loss * ~found.ignored).sum() / count,
        label=F.binary_cross_entropy_with_logits(scores[positive], wanted, reduction="sum") / count,
    )
