"""Many generated pictures on one sheet, to be looked at beside real ones: `python -m codes.contact_sheet`."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from .picture import draw_boxes, make_picture
from .pools import Pools
from .random_source import RandomSource


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help="PNG or JPEG file to write")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first picture")
    parser.add_argument("--rows", type=int, default=6)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--tile", type=int, default=240, help="side of a picture on the sheet, in pixels")
    arguments = parser.parse_args()
    pools = Pools(arguments.seed, 0, share=0.3)
    count = arguments.rows * arguments.columns
    tiles = []
    for index in range(arguments.first, arguments.first + count):
        picture = make_picture(416, RandomSource(arguments.seed, 0, 0, index), pools)
        tiles.append(cv2.resize(draw_boxes(picture), (arguments.tile,) * 2, interpolation=cv2.INTER_AREA))
    rows = [np.hstack(tiles[start : start + arguments.columns]) for start in range(0, count, arguments.columns)]
    cv2.imwrite(str(arguments.output), np.vstack(rows))


if __name__ == "__main__":
    main()
