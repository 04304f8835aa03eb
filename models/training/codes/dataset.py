"""Endless batches of generated images; batch `n` depends on the seed and `n` alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from .assign import PADDING
from .sample import Sample, make_sample
from .pools import Pools
from .random_source import RandomSource

ROUND = 25_600
"""Images made from the same pools of textures and text."""


@dataclass(frozen=True)
class Batch:
    images: torch.Tensor
    """Batch × side × side × 3, bytes: blue, green and red."""
    boxes: torch.Tensor
    labels: torch.Tensor


class GeneratedBatches(IterableDataset):
    """Batches from number `first` on, shared out to the workers in turn."""

    def __init__(self, seed: int, side: int, batch_size: int, first: int = 0) -> None:
        self.seed, self.side, self.batch_size, self.first = seed, side, batch_size, first

    def __iter__(self) -> Iterator[Batch]:
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        worker = get_worker_info()
        number = self.first + (worker.id if worker else 0)
        pools, round_of_pools = None, -1
        while True:
            round_number = number * self.batch_size // ROUND
            if round_number != round_of_pools:
                pools, round_of_pools = Pools(self.seed, round_number), round_number
            start = number * self.batch_size
            yield collate(
                [
                    make_sample(self.side, RandomSource(self.seed, round_number, 0, start + place), pools)
                    for place in range(self.batch_size)
                ]
            )
            number += worker.num_workers if worker else 1


def collate(samples: list[Sample]) -> Batch:
    """Images as one batch, their boxes padded to the most that one has."""
    most = max(1, *(len(sample.labels) for sample in samples))
    boxes = np.zeros((len(samples), most, 4), np.float32)
    labels = np.full((len(samples), most), PADDING, np.int64)
    for index, sample in enumerate(samples):
        boxes[index, : len(sample.labels)] = sample.boxes
        labels[index, : len(sample.labels)] = sample.labels
    images = np.stack([sample.image for sample in samples])
    return Batch(torch.from_numpy(images), torch.from_numpy(boxes), torch.from_numpy(labels))


def batches(seed: int, side: int, batch_size: int, first: int, workers: int) -> Iterator[Batch]:
    """The batches from number `first` on, made by `workers` processes (0: by this one)."""
    data = GeneratedBatches(seed, side, batch_size, first)
    prefetch = 4 if workers else None
    return iter(DataLoader(data, batch_size=None, num_workers=workers, prefetch_factor=prefetch))
