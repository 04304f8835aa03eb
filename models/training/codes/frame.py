"""An image in the making: what is drawn over it, and what becomes of the codes beneath."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from .classes import IGNORED
from .geometry import bounding_box, clip_box, project
from .label_print import PlacedCode
from .random_source import RandomSource


@dataclass
class Frame:
    """An image in the making, with the codes in it as outlines in its pixels."""

    image: np.ndarray
    codes: list[PlacedCode]

    @property
    def width(self) -> int:
        return self.image.shape[1]

    @property
    def height(self) -> int:
        return self.image.shape[0]


def composite(frame: Frame, canvas: np.ndarray, homography: np.ndarray, random: RandomSource) -> None:
    """Draws the canvas into the frame with its shadow, and hides the codes that it covers."""
    size = (frame.width, frame.height)
    height, width = canvas.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    outline = project(homography, corners)
    mask = np.zeros((frame.height, frame.width), np.uint8)
    cv2.fillConvexPoly(mask, (outline * 16).round().astype(np.int32), 255, cv2.LINE_AA, shift=4)
    if random.chance(0.6):
        cast_shadow(frame.image, mask, random)
    seen = cv2.warpPerspective(canvas, homography, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    hide(frame, mask)
    cv2.copyTo(seen, mask, frame.image)


def cast_shadow(image: np.ndarray, mask: np.ndarray, random: RandomSource) -> None:
    small = cv2.resize(mask, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    move = np.float32([[1, 0, random.normal(3)], [0, 1, random.normal(3)]])
    small = cv2.warpAffine(small, move, small.shape[::-1])
    small = cv2.GaussianBlur(small, (0, 0), random.uniform(0.5, 5))
    shade = cv2.resize(small, mask.shape[::-1]).astype(np.float32) * (-random.uniform(0.1, 0.7) / 255) + 1
    cv2.multiply(image, cv2.merge([shade] * 3), dst=image, dtype=cv2.CV_8U)


def hide(frame: Frame, mask: np.ndarray) -> None:
    """Takes codes from the list that `mask` covers; those that it covers in part are ignored from then on."""
    kept = []
    for code in frame.codes:
        left, top, right, bottom = clip_box(bounding_box(code.outline), frame.width, frame.height).astype(int)
        window = mask[top : bottom + 1, left : right + 1]
        covered = float(window.mean()) / 255 if window.size else 1
        if covered < 0.9:
            kept.append(code if covered < 0.3 else replace(code, label=IGNORED))
    frame.codes = kept
