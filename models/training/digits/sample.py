"""Writes an image of numbers on coloured plates and where they are: `python -m digits.sample OUT.jpg --seed 4`.

For tests of a detector with a second stage. The boxes of the plates are printed as `left top right bottom text`.
"""

from __future__ import annotations

import argparse
import string
from pathlib import Path

import cv2
import numpy as np

from codes.lettering import draw_line
from codes.random_source import RandomSource

from .crop import Fonts

WIDTH, HEIGHT = 640, 360
ROWS, COLUMNS = 3, 2
LETTERS = 60
"""Height of the digits, in pixels."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    random, fonts = RandomSource(arguments.seed), Fonts()
    image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    image[:] = random.colour(60, 120)
    for place in range(ROWS * COLUMNS):
        text = "".join(random.pick(string.digits) for _ in range(random.integer(3, 6)))
        box = draw_plate(image, text, place, random, fonts)
        print(*box, text)
    image = cv2.GaussianBlur(image, (0, 0), 0.8)
    image = cv2.add(image, random.numpy.normal(0, 3, image.shape), dtype=cv2.CV_8U)
    cv2.imwrite(str(arguments.output), image, [cv2.IMWRITE_JPEG_QUALITY, 85])


def draw_plate(
    image: np.ndarray, text: str, place: int, random: RandomSource, fonts: Fonts
) -> tuple[int, int, int, int]:
    """Draws a number on a plate of its own in one cell of the image; returns the plate's box."""
    ink = draw_line(text, random.pick(fonts.fonts))
    height = random.integer(30, LETTERS)
    ink = cv2.resize(ink, (max(1, ink.shape[1] * height // ink.shape[0]), height), interpolation=cv2.INTER_AREA)
    row, column = divmod(place, COLUMNS)
    left, top = 20 + column * WIDTH // COLUMNS, 20 + row * HEIGHT // ROWS
    border = height // 4
    right, bottom = left + ink.shape[1] + 2 * border, top + height + 2 * border
    plate, colour = random.colour(170, 255), random.colour(0, 60)
    image[top:bottom, left:right] = plate
    share = (ink.astype(np.float32) / 255)[..., None]
    part = image[top + border : bottom - border, left + border : right - border]
    part[:] = (part * (1 - share) + colour * share).astype(np.uint8)
    return left, top, right, bottom


if __name__ == "__main__":
    main()
