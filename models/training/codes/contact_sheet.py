"""Many generated images on one sheet, to be looked at beside real ones: `python -m codes.contact_sheet`.

With `--images`, the images of a folder instead, such as those that `framegate infer --annotate` has marked.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import cv2
import numpy as np

from .sample import draw_boxes, make_sample
from .pools import Pools
from .random_source import RandomSource


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="PNG or JPEG file to write")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first image")
    parser.add_argument("--rows", type=int, default=6)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--tile", type=int, default=240, help="side of an image on the sheet, in pixels")
    parser.add_argument("--images", type=Path, help="folder of JPEG files to show, square ones, by name")
    arguments = parser.parse_args()
    places = arguments.rows * arguments.columns
    images = read(arguments.images) if arguments.images else generate(arguments.seed, arguments.first)
    size = (arguments.tile, arguments.tile)
    tiles = [cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in islice(images, places)]
    rows = [np.hstack(tiles[start : start + arguments.columns]) for start in range(0, places, arguments.columns)]
    cv2.imwrite(str(arguments.output), np.vstack(rows))


def generate(seed: int, first: int) -> Iterator[np.ndarray]:
    """Generated images with their boxes, from number `first` on."""
    pools = Pools(seed, 0, share=0.3)
    for index in count(first):
        yield draw_boxes(make_sample(416, RandomSource(seed, 0, 0, index), pools))


def read(folder: Path) -> Iterator[np.ndarray]:
    """The images of a folder, by name."""
    return (cv2.imread(str(path)) for path in sorted(folder.glob("*.jpg")))


if __name__ == "__main__":
    main()
