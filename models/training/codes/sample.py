"""One training image from a seed: what the network sees and what it should find."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .camera import compress, photograph
from .classes import AZTEC, DATA_MATRIX, IGNORED, LINEAR, PDF417, QR_CODE
from .frame import Frame
from .geometry import bounding_box, clip_box, share_inside, share_of_whole_rows, visible_box
from .label_print import PlacedCode
from .pools import Pools
from .random_source import RandomSource
from .scene import make_empty_scene, make_plain_print, make_scene

FILL = 114
"""Brightness of the empty rest of a letterboxed image."""
LEAST_LENGTH = 14
"""Codes whose longer side is less, in pixels, are not asked for."""
LEAST_PITCH = {QR_CODE: 0.8, DATA_MATRIX: 0.8, AZTEC: 0.8, PDF417: 0.55, LINEAR: 0.42}
"""Nor are those with narrower modules, in pixels: what is left of them is grey."""
LEAST_SHARE = 0.8
"""Nor those with less of them in the frame …"""
LEAST_STRIP = 5
"""… but linear codes are asked for while a strip of this many pixels shows all of their bars."""

ASPECTS = {1.0: 34, 4 / 3: 26, 3 / 4: 10, 3 / 2: 8, 2 / 3: 5, 16 / 9: 8, 9 / 16: 4, 2.0: 5, 4.0: 2.5, 7.0: 2.5}


@dataclass
class Sample:
    """A letterboxed image with the boxes in it."""

    image: np.ndarray
    """Side × side × 3, blue, green and red; the image at the top left, grey beneath or beside it."""
    boxes: np.ndarray
    """Boxes × 4: left, top, right, bottom in pixels."""
    labels: np.ndarray
    """One class a box; `IGNORED` where nothing is asked."""


def make_sample(side: int, random: RandomSource, pools: Pools) -> Sample:
    """An image of `side` × `side` pixels."""
    aspect = random.pick_weighted(ASPECTS)
    width, height = (side, round(side / aspect)) if aspect >= 1 else (round(side * aspect), side)
    kind = random.numpy.random()
    if kind < 0.14:
        frame = make_plain_print(width, height, random, pools)
        frame.image = compress(frame.image, random) if random.chance(0.7) else photograph(frame.image, 0, random, pools)
    else:
        make = make_scene if kind < 0.5 else make_empty_scene
        frame = make(width, height, random, pools)
        pitches = [code.pitch for code in frame.codes if code.label != IGNORED]
        frame.image = photograph(frame.image, min(pitches, default=4), random, pools)
    return letterbox(frame, side)


def letterbox(frame: Frame, side: int) -> Sample:
    """The frame on a square of grey, its codes as boxes."""
    image = np.full((side, side, 3), FILL, np.uint8)
    image[: frame.height, : frame.width] = frame.image
    boxes, labels = [], []
    for code in frame.codes:
        box = bounding_box(code.outline)
        clipped = clip_box(box, frame.width, frame.height)
        complete = share_inside(box, frame.width, frame.height) >= LEAST_SHARE
        if not complete and strip_height(code, frame) >= LEAST_STRIP:
            complete, clipped = True, visible_box(code.outline, frame.width, frame.height)
        length = (clipped[2:] - clipped[:2]).max()
        if (clipped[2:] - clipped[:2]).min() < 1:
            continue
        asked = (
            length >= LEAST_LENGTH
            and code.label != IGNORED
            and code.pitch >= LEAST_PITCH[code.label]
            and complete
        )
        boxes.append(clipped)
        labels.append(code.label if asked else IGNORED)
    return Sample(image, np.array(boxes, np.float32).reshape(-1, 4), np.array(labels, np.int64))


def strip_height(code: PlacedCode, frame: Frame) -> float:
    """How high the part of a linear code is that the frame shows from the first bar to the last, in pixels."""
    if not code.rows_alike:
        return 0
    bar = np.linalg.norm(code.outline[0] - code.outline[-(len(code.outline) // 4)])
    return share_of_whole_rows(code.outline, frame.width, frame.height) * float(bar)


def draw_boxes(sample: Sample) -> np.ndarray:
    """The image with its boxes, for contact sheets."""
    colours = [(0, 0, 255), (255, 0, 0), (0, 160, 0), (200, 0, 200), (0, 140, 255), (0, 230, 230)]
    image = sample.image.copy()
    for box, label in zip(sample.boxes, sample.labels):
        left, top, right, bottom = box.round().astype(int).tolist()
        cv2.rectangle(image, (left, top), (right, bottom), colours[label], 2)
    return image
