"""Ornaments of one colour on another: tendrils, leaves and blossoms, as on china, wallpaper, lace and cloth."""

from __future__ import annotations

import cv2
import numpy as np

from .lettering import Lettering
from .random_source import RandomSource
from .textures import SIDE, between, fractal_noise, two_tone


def ornaments(random: RandomSource, lettering: Lettering) -> np.ndarray:
    """Dense or sparse, thick or thin, sometimes mirrored or repeated."""
    side = SIDE if random.chance(0.5) else SIDE // random.integer(2, 5)
    ink = np.zeros((side, side), np.uint8)
    unit = SIDE * random.log_uniform(0.03, 0.15)
    for _ in range(int(random.uniform(0.4, 1.6) * (side / unit) ** 2 / 2) + 1):
        place = random.numpy.random(2) * side
        random.pick([_tendril, _tendril, _blossom, _leaf, _dots])(ink, place, unit, random)
    if side < SIDE:
        ink = np.hstack([ink, ink[:, ::-1]]) if random.chance(0.5) else ink
        ink = np.vstack([ink, ink[::-1]]) if random.chance(0.3) else ink
        ink = np.tile(ink, (-(-SIDE // ink.shape[0]), -(-SIDE // ink.shape[1])))[:SIDE, :SIDE]
    field = cv2.GaussianBlur(ink, (0, 0), random.log_uniform(0.3, 2)).astype(np.float32) / 255
    field += (fractal_noise(random, 0.6) - 0.5) * random.uniform(0, 0.3)
    return between(field, *two_tone(random, random.uniform(40, 230)))


def _tendril(ink: np.ndarray, place: np.ndarray, unit: float, random: RandomSource) -> None:
    """A line that curls up, with leaves."""
    steps = np.linspace(0, 1, 40)
    turns = random.uniform(0.3, 2.2) * (1 if random.chance(0.5) else -1)
    heading = random.uniform(0, 2 * np.pi) + 2 * np.pi * turns * steps**1.5
    pace = (1 - 0.85 * steps) * unit * random.uniform(0.08, 0.25)
    points = place + np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1) * pace[:, None], axis=0)
    thickness = max(1, int(unit * random.log_uniform(0.04, 0.2)))
    cv2.polylines(ink, [points.round().astype(np.int32)], False, 255, thickness, cv2.LINE_AA)
    for index in range(4, 36, random.integer(5, 12)):
        if random.chance(0.6):
            _leaf(ink, points[index], unit * 0.5, random)
    cv2.circle(ink, points[-1].astype(int).tolist(), thickness, 255, -1, cv2.LINE_AA)


def _leaf(ink: np.ndarray, place: np.ndarray, unit: float, random: RandomSource) -> None:
    axes = (max(1, int(unit * random.uniform(0.2, 0.6))), max(1, int(unit * random.uniform(0.06, 0.2))))
    cv2.ellipse(ink, place.astype(int).tolist(), axes, random.uniform(0, 360), 0, 360, 255, -1, cv2.LINE_AA)


def _blossom(ink: np.ndarray, place: np.ndarray, unit: float, random: RandomSource) -> None:
    """Petals around a middle, filled or as outlines."""
    count, reach = random.integer(4, 10), unit * random.uniform(0.3, 0.8)
    axes = (max(1, int(reach * 0.5)), max(1, int(reach * random.uniform(0.15, 0.4))))
    thickness = -1 if random.chance(0.5) else max(1, int(unit * 0.06))
    for index in range(count):
        angle = 2 * np.pi * index / count
        middle = (place + reach * 0.6 * np.array([np.cos(angle), np.sin(angle)])).astype(int).tolist()
        cv2.ellipse(ink, middle, axes, np.degrees(angle), 0, 360, 255, thickness, cv2.LINE_AA)
    cv2.circle(ink, place.astype(int).tolist(), max(1, int(reach * 0.2)), random.pick([0, 255]), -1, cv2.LINE_AA)


def _dots(ink: np.ndarray, place: np.ndarray, unit: float, random: RandomSource) -> None:
    for _ in range(random.integer(3, 12)):
        middle = (place + random.numpy.standard_normal(2) * unit * 0.4).astype(int).tolist()
        cv2.circle(ink, middle, max(1, int(unit * random.uniform(0.03, 0.1))), 255, -1, cv2.LINE_AA)
