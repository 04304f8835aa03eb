"""Textures that are expensive to draw: drawn once per round and used in many images."""

from __future__ import annotations

import numpy as np

from .clutter import random_negative
from .lettering import Lettering
from .random_source import RandomSource
from .textures import SIDE, random_texture

TEXTURE_COUNT = 180
NEGATIVE_COUNT = 200


class Pools:
    """Text, textures, look-alikes of codes and noise; a function of the seed and the round alone."""

    def __init__(self, seed: int, round_number: int, share: float = 1) -> None:
        self.lettering = Lettering(seed)
        self.textures = [
            random_texture(RandomSource(seed, round_number, 2, index)) for index in range(int(TEXTURE_COUNT * share))
        ]
        self.negatives = [
            random_negative(RandomSource(seed, round_number, 3, index), self.lettering)
            for index in range(int(NEGATIVE_COUNT * share))
        ]
        random = RandomSource(seed, round_number, 4)
        self.noise = random.numpy.standard_normal((2 * SIDE, SIDE, 3)).astype(np.float32)
        """Normal noise of deviation 1, to take windows from."""
