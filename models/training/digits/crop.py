"""One training image from a seed: digits as a detector would have cut them out of a frame, or something else."""

from __future__ import annotations

import string
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageFont

from codes.camera import photograph
from codes.lettering import LINE_HEIGHT, draw_line, font_files
from codes.pools import Pools
from codes.random_source import RandomSource

WIDTH, HEIGHT = 128, 32
FILL = 114
"""Brightness of the empty rest of a letterboxed crop."""
MOST_DIGITS = 8
EMPTY_SHARE = 0.15
"""Crops without a digit: a recogniser that has seen none reads something into everything."""
LETTERS = "ACDEFGHJKLMNPRTUVWXYabcdefhkmnprtuvwxy"
"""Those that are not also digits in some font."""
MOST_WIDTH = 400
"""Of a crop in the photograph, in pixels."""
PADDING = 40
"""Ground around the ink while it is tilted, in pixels."""


@dataclass
class Crop:
    """An input of the network, and the text in it."""

    image: np.ndarray
    """`HEIGHT` × `WIDTH` × 3, blue, green and red."""
    text: str
    """Digits; empty where there are none."""


class Fonts:
    """The fonts of the installed `font-*` packages, at one size."""

    def __init__(self) -> None:
        self.fonts = [ImageFont.truetype(file, LINE_HEIGHT) for file in font_files()]


def make_crop(random: RandomSource, fonts: Fonts, pools: Pools) -> Crop:
    """A letterboxed crop."""
    if random.chance(EMPTY_SHARE):
        return Crop(letterbox(_without_digits(random, fonts, pools)), "")
    text = "".join(random.pick(string.digits) for _ in range(random.integer(1, MOST_DIGITS)))
    return Crop(letterbox(cut_out(_ink(text, random, fonts), random, pools)), text)


def cut_out(ink: np.ndarray, random: RandomSource, pools: Pools) -> np.ndarray:
    """Printed, tilted, photographed, and cut out with the ground that is around it in a box of a detector."""
    height, width = ink.shape
    mask = cv2.copyMakeBorder(ink, *[PADDING] * 4, cv2.BORDER_CONSTANT, value=0)
    canvas = _ground(mask.shape, random, pools)
    colour = _ink_colour(canvas.mean(), random)
    share = (mask.astype(np.float32) / 255)[..., None]
    canvas = (canvas * (1 - share) + colour * share).astype(np.uint8)
    corners = np.float32([[0, 0], [width, 0], [width, height], [0, height]]) + PADDING
    canvas, corners = _tilt(canvas, corners, height, random)
    left, top = corners.min(0) - [random.uniform(0.02, 0.6) * height, random.uniform(0.02, 0.5) * height]
    right, bottom = corners.max(0) + [random.uniform(0.02, 0.6) * height, random.uniform(0.02, 0.5) * height]
    rows = slice(max(0, int(top)), min(canvas.shape[0], int(bottom) + 1))
    columns = slice(max(0, int(left)), min(canvas.shape[1], int(right) + 1))
    part = canvas[rows, columns]
    seen = min(random.log_uniform(11, 60) / height, MOST_WIDTH / part.shape[1])
    size = (max(8, round(part.shape[1] * seen)), max(8, round(part.shape[0] * seen)))
    part = cv2.resize(part, size, interpolation=cv2.INTER_AREA if seen < 1 else cv2.INTER_LINEAR)
    stroke = 0.1 * height * seen
    return photograph(part, stroke, random, pools)


def letterbox(image: np.ndarray) -> np.ndarray:
    """The crop at the top left of a grey input, resized as Pillow does."""
    scale = min(WIDTH / image.shape[1], HEIGHT / image.shape[0])
    width = min(WIDTH, max(1, int(image.shape[1] * scale)))
    height = min(HEIGHT, max(1, int(image.shape[0] * scale)))
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
    boxed = np.full((HEIGHT, WIDTH, 3), FILL, np.uint8)
    boxed[:height, :width] = resized
    return boxed


def _ink(text: str, random: RandomSource, fonts: Fonts) -> np.ndarray:
    if random.chance(0.15):
        return _strokes(text, random)
    ink = draw_line(text, random.pick(fonts.fonts))
    width = max(4, round(ink.shape[1] * random.uniform(0.8, 1.3)))
    return cv2.resize(ink, (width, ink.shape[0]), interpolation=cv2.INTER_LINEAR)


def _strokes(text: str, random: RandomSource) -> np.ndarray:
    """Characters of even strokes."""
    face = random.pick([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX])
    thickness = random.integer(2, 5)
    (width, height), _ = cv2.getTextSize(text, face, 1.4, thickness)
    image = np.zeros((height + 10, width + 8), np.uint8)
    cv2.putText(image, text, (4, height + 5), face, 1.4, 255, thickness, cv2.LINE_AA)
    return image


def _ground(shape: tuple[int, ...], random: RandomSource, pools: Pools) -> np.ndarray:
    canvas = np.empty((*shape[:2], 3), np.uint8)
    canvas[:] = random.colour(0, 255)
    if random.chance(0.4):
        texture = cv2.resize(random.pick(pools.textures), (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
        share = random.uniform(0.05, 0.3)
        canvas = cv2.addWeighted(texture, share, canvas, 1 - share, 0)
    return canvas


def _ink_colour(ground: float, random: RandomSource) -> np.ndarray:
    """Darker or lighter than the ground by at least a third of the range."""
    can_be_darker, can_be_lighter = ground > 95, ground < 160
    if can_be_darker and (not can_be_lighter or random.chance(0.5)):
        return random.colour(0, ground - 85)
    return random.colour(ground + 85, 255)


def _tilt(
    canvas: np.ndarray, corners: np.ndarray, height: int, random: RandomSource
) -> tuple[np.ndarray, np.ndarray]:
    """A turn of a few degrees, and each corner moved a little: a perspective."""
    centre = corners.mean(0)
    angle = np.radians(np.clip(random.normal(3.5), -9, 9))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = (corners - centre) @ turn.T + centre
    moved += random.numpy.uniform(-0.12, 0.12, (4, 2)) * height
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    size = (canvas.shape[1], canvas.shape[0])
    return cv2.warpPerspective(canvas, matrix, size, borderMode=cv2.BORDER_REPLICATE), moved


def _without_digits(random: RandomSource, fonts: Fonts, pools: Pools) -> np.ndarray:
    """Letters, a texture or a look-alike of a code."""
    if random.chance(0.5):
        text = "".join(random.pick(LETTERS) for _ in range(random.integer(1, MOST_DIGITS)))
        return cut_out(_ink(text, random, fonts), random, pools)
    source = random.pick(pools.textures if random.chance(0.5) else pools.negatives)
    if source.ndim == 2:
        source = cv2.cvtColor(source, cv2.COLOR_GRAY2BGR)
    height = random.integer(12, min(60, source.shape[0]))
    width = min(source.shape[1], int(height * random.uniform(0.6, 5)))
    top, left = random.integer(0, source.shape[0] - height), random.integer(0, source.shape[1] - width)
    return photograph(source[top : top + height, left : left + width].copy(), 4, random, pools)
