"""Writes generated images with what is in them, for `framegate eval`: `python -m codes.samples DIR --seed 9`.

Take a seed that was not trained with. Codes of which nothing is asked are left out of the labels, so that boxes on
them count as boxes where nothing is labelled.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2

from .classes import CLASS_NAMES, IGNORED
from .sample import Sample, make_sample
from .pools import Pools
from .random_source import RandomSource

QUALITY = 85


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, help="where the images and labels.json go")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--side", type=int, default=416, help="width and height of the images")
    arguments = parser.parse_args()
    arguments.directory.mkdir(parents=True, exist_ok=True)
    pools = Pools(arguments.seed, 0)
    labels = {}
    for number in range(arguments.count):
        sample = make_sample(arguments.side, RandomSource(arguments.seed, 0, 0, number), pools)
        name = f"{number:05}.jpg"
        quality = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
        cv2.imwrite(str(arguments.directory / name), sample.image, quality)
        labels[name] = {"objects": objects(sample)}
    (arguments.directory / "labels.json").write_text(json.dumps(labels, indent=1) + "\n")


def objects(sample: Sample) -> list[dict[str, str | float]]:
    """The codes of an image as `framegate eval` reads them."""
    found = []
    for (left, top, right, bottom), label in zip(sample.boxes.tolist(), sample.labels.tolist()):
        if label != IGNORED:
            extent = {"x": left, "y": top, "w": right - left, "h": bottom - top}
            found.append({"label": CLASS_NAMES[label]} | {key: round(value, 1) for key, value in extent.items()})
    return found


if __name__ == "__main__":
    main()
