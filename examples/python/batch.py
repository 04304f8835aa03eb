"""NumPy images in batches: python batch.py

Arrays are read in place, whatever their strides: parts of larger images cost no copy.
"""

from __future__ import annotations

import time
from pathlib import Path

import framegate
import numpy as np
from numpy.typing import NDArray

IMAGE = Path(__file__).parents[2] / "docs/codes.jpg"


def tiles(image: NDArray[np.uint8], side: int) -> list[NDArray[np.uint8]]:
    """Views of the squares that an image consists of."""
    rows, columns = image.shape[0] // side, image.shape[1] // side
    return [
        image[row * side : (row + 1) * side, column * side : (column + 1) * side]
        for row in range(rows)
        for column in range(columns)
    ]


def main() -> None:
    detector = framegate.Detector("codes", max_batch=8)
    noise = np.random.default_rng(1).integers(0, 255, (1280, 1920, 3), dtype=np.uint8)
    squares = tiles(noise, 320)
    start = time.perf_counter()
    batch = detector(squares)
    together = time.perf_counter() - start
    start = time.perf_counter()
    one_by_one = [detector(square) for square in squares]
    alone = time.perf_counter() - start
    print(f"{len(squares)} tiles: {together * 1e3:.0f} ms in batches, {alone * 1e3:.0f} ms one by one")
    assert [len(found) for found in batch] == [len(found) for found in one_by_one]
    images: list[framegate.Image] = [IMAGE, IMAGE.read_bytes()]
    for found in detector(images):
        print(found)


if __name__ == "__main__":
    main()
