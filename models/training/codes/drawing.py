"""From modules to ink: a code drawn at any size, with the liberties that printers take."""

from __future__ import annotations

import cv2
import numpy as np

from .classes import AZTEC, DATA_MATRIX, LINEAR, QR_CODE
from .random_source import RandomSource
from .symbols import Symbol

STYLED_SIDE = 900
"""No styled drawing is larger than this before it is scaled, in pixels."""


def natural_aspect(symbol: Symbol, random: RandomSource) -> float:
    """Height over width that the code would be printed with."""
    rows, columns = symbol.modules.shape
    if not symbol.is_stackless:
        return rows / columns * (random.uniform(0.8, 1.25) if symbol.label == LINEAR else 1)
    if random.chance(0.12):
        return random.uniform(0.04, 0.15)
    # Retail codes have few bars and tall ones; others tend to be long and flat.
    return random.log_uniform(0.3, 0.95) if columns <= 100 else random.log_uniform(0.12, 0.6)


def draw_ink(symbol: Symbol, width: int, height: int, random: RandomSource) -> np.ndarray:
    """The share of ink in every pixel, 0 to 255, of the code `width` × `height` pixels large."""
    modules = symbol.modules
    rows, columns = modules.shape
    if symbol.is_stackless and height < rows:
        # Too flat for all rows: the bars, and the last row where guard bars are longer.
        modules = modules[[rows // 2] * max(1, height - 1) + [rows - 1]] if height > 8 else modules[[rows // 2]]
    matrix = symbol.label in (QR_CODE, DATA_MATRIX, AZTEC)
    if matrix and random.chance(0.16) and max(rows, columns) * 4 <= STYLED_SIDE:
        ink = _styled(modules, max(4, min(10, -(-width // columns))), symbol.label, random)
    else:
        ink = modules * np.uint8(255)
        pitch = width / columns
        if pitch > 1:
            factor = int(np.ceil(pitch)) if pitch < 6 else int(np.ceil(pitch / 2))
            vertical = factor if not symbol.is_stackless else max(1, -(-height // ink.shape[0]))
            ink = np.repeat(np.repeat(ink, vertical, axis=0), factor, axis=1)
    if random.chance(0.25) and ink.shape[1] >= 3 * columns:
        ink = _spread(ink, random)
    shrinks = width < ink.shape[1] or height < ink.shape[0]
    return cv2.resize(ink, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_NEAREST)


def _spread(ink: np.ndarray, random: RandomSource) -> np.ndarray:
    """Ink that ran, or too little of it."""
    kernel = np.ones((random.integer(1, 2), 2), np.uint8)
    spread = cv2.dilate(ink, kernel) if random.chance(0.6) else cv2.erode(ink, kernel)
    strength = random.uniform(0.1, 0.7)
    return cv2.addWeighted(spread, strength, ink, 1 - strength, 0)


def _styled(modules: np.ndarray, size: int, label: int, random: RandomSource) -> np.ndarray:
    """Modules of `size` pixels as dots, with gaps, or melted together."""
    plain = np.repeat(np.repeat(modules * np.uint8(255), size, axis=0), size, axis=1)
    kind = random.integer(0, 2)
    if kind == 2:
        radius = size * random.uniform(0.2, 0.42)
        return ((cv2.GaussianBlur(plain, (0, 0), radius) > 127) * 255).astype(np.uint8)
    tile = np.zeros((size * 4, size * 4), np.uint8)
    if kind == 0:
        radius = size * 4 * random.uniform(0.36, 0.52)
        cv2.circle(tile, (size * 2, size * 2), int(radius), 255, -1)
    else:
        gap = max(1, int(size * 4 * random.uniform(0.03, 0.12)))
        tile[gap:-gap, gap:-gap] = 255
    tile = cv2.resize(tile, (size, size), interpolation=cv2.INTER_AREA)
    dotted = cv2.bitwise_and(plain, np.tile(tile, modules.shape))
    if label == QR_CODE and modules.shape[0] == modules.shape[1] >= 21 and random.chance(0.7):
        _replace_finders(dotted, plain, size, random)
    return dotted


def _replace_finders(dotted: np.ndarray, plain: np.ndarray, size: int, random: RandomSource) -> None:
    """Draws the three finder patterns of a QR code whole: square, rounded or round."""
    side, total = 7 * size, dotted.shape[0]
    shape = random.integer(0, 2)
    for top, left in ((0, 0), (0, total - side), (total - side, 0)):
        window = dotted[top : top + side, left : left + side]
        if shape == 0:
            window[:] = plain[top : top + side, left : left + side]
            continue
        window[:] = 0
        centre = (side // 2, side // 2)
        if shape == 1:
            cv2.circle(window, centre, side // 2, 255, -1)
            cv2.circle(window, centre, int(side * 5 / 14), 0, -1)
            cv2.circle(window, centre, int(side * 3 / 14), 255, -1)
        else:
            half = size // 2
            cv2.rectangle(window, (half, half), (side - half - 1, side - half - 1), 255, size)
            window[:size, :size] = window[:size, -size:] = window[-size:, :size] = window[-size:, -size:] = 0
            cv2.circle(window, centre, int(side * 3 / 14), 255, -1)
