"""Training's memory on disk: enough to go on exactly where it stopped."""

from __future__ import annotations

import copy
import math
import os
from pathlib import Path

import torch
from torch import nn

from .network import CodeDetector


class Averaged:
    """An exponential moving average of a model's weights and statistics, which is what gets exported."""

    def __init__(self, model: nn.Module, decay: float = 0.9995, ramp: float = 1000) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay, self.ramp = decay, ramp

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Moves the average towards `model`; quickly at first."""
        decay = self.decay * (1 - math.exp(-(step + 1) / self.ramp))
        for mine, theirs in zip(self.model.state_dict().values(), model.state_dict().values()):
            if mine.is_floating_point():
                mine.mul_(decay).add_(theirs, alpha=1 - decay)
            else:
                mine.copy_(theirs)


def save(path: Path, model: nn.Module, averaged: Averaged, optimizer: torch.optim.Optimizer, step: int) -> None:
    """Writes a checkpoint; one that is there already stays whole until the new one is."""
    state = {
        "step": step,
        "model": model.state_dict(),
        "averaged": averaged.model.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    beside = path.with_suffix(".tmp")
    torch.save(state, beside)
    os.replace(beside, path)


def load_averaged(path: Path) -> CodeDetector:
    """The averaged model of a checkpoint, ready to infer."""
    model = CodeDetector()
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["averaged"])
    return model.eval()
