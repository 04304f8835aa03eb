"""Random numbers of the generator: one stream per image, so that an image is a function of its seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class RandomSource:
    """Draws in the vocabulary of the generator."""

    def __init__(self, *seed: int) -> None:
        self.numpy = np.random.Generator(np.random.SFC64(list(seed)))

    def chance(self, probability: float) -> bool:
        return self.numpy.random() < probability

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * self.numpy.random()

    def log_uniform(self, low: float, high: float) -> float:
        return math.exp(self.uniform(math.log(low), math.log(high)))

    def integer(self, low: int, high: int) -> int:
        """An integer from `low` to `high`, both included."""
        return low + int(self.numpy.random() * (high - low + 1))

    def normal(self, deviation: float) -> float:
        return float(self.numpy.standard_normal()) * deviation

    def pick(self, options: Sequence[T]) -> T:
        return options[int(self.numpy.random() * len(options))]

    def pick_weighted(self, weights: dict[T, float]) -> T:
        point = self.numpy.random() * sum(weights.values())
        for option, weight in weights.items():
            point -= weight
            if point < 0:
                return option
        return option

    def colour(self, low: float = 0, high: float = 255) -> np.ndarray:
        """Blue, green and red, each from `low` to `high`; most things are far from a pure colour."""
        colour = low + (high - low) * self.numpy.random(3)
        grey = colour.mean()
        return grey + (colour - grey) * self.numpy.random() ** 1.3
