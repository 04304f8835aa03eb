"""Where surfaces end up in the frame: bending, tilting, clipping. Outlines follow the pixels exactly."""

from __future__ import annotations

import cv2
import numpy as np

from .random_source import RandomSource


def dense_outline(outline: np.ndarray, points_a_side: int = 9) -> np.ndarray:
    """The outline with more points on each side, so that it can be bent."""
    steps = np.linspace(0, 1, points_a_side, endpoint=False)[:, None]
    ends = np.roll(outline, -1, axis=0)
    return np.concatenate([start + steps * (end - start) for start, end in zip(outline, ends)])


class Bend:
    """A canvas rolled around a cylinder and crumpled, seen from straight above.

    A pixel at `x` of the flat canvas is seen at `centre + radius · sin((x − centre) / radius)`; crumpling then
    moves it by a smooth field, found by fixed-point iteration as the field is given at the places seen.
    """

    def __init__(self, width: int, height: int, random: RandomSource) -> None:
        self.size = (width, height)
        self.along_x = random.chance(0.65)
        extent = width if self.along_x else height
        half_angle = random.uniform(0.25, 1.25)
        self.centre = extent * random.uniform(0.35, 0.65)
        self.radius = extent / 2 / half_angle
        self.rolled = random.chance(0.7)
        self.field = np.zeros((5, 5, 2), np.float32)
        if not self.rolled or random.chance(0.4):
            cells = random.integer(4, 9)
            amplitude = random.uniform(0.004, 0.022) * max(width, height) * 5 / cells
            self.field = (random.numpy.standard_normal((cells, cells, 2)) * amplitude).astype(np.float32)
        self.displacement = cv2.resize(self.field, self.size, interpolation=cv2.INTER_CUBIC)

    def apply(self, image: np.ndarray) -> np.ndarray:
        """The canvas as seen; beyond the visible half of the cylinder its edge is repeated."""
        width, height = self.size
        x = np.arange(width, dtype=np.float32)
        y = np.arange(height, dtype=np.float32)
        map_x = self.displacement[..., 0] + x
        map_y = self.displacement[..., 1] + y[:, None]
        if self.rolled and self.along_x:
            map_x = self._unroll(map_x)
        elif self.rolled:
            map_y = self._unroll(map_y)
        bent = cv2.remap(image, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return self._shade(bent)

    def _unroll(self, seen: np.ndarray) -> np.ndarray:
        sine = np.clip((seen - self.centre) / self.radius, -1, 1)
        return (self.centre + self.radius * np.arcsin(sine)).astype(np.float32)

    def _shade(self, image: np.ndarray) -> np.ndarray:
        """Darkens what turns away from the light."""
        slope = cv2.Sobel(self.displacement[..., 0], cv2.CV_32F, 1, 1, ksize=3) if self.field.any() else 0
        shade = np.clip(1 + slope * 2, 0.6, 1.4)
        if self.rolled:
            seen = np.arange(self.size[0] if self.along_x else self.size[1], dtype=np.float32)
            cosine = np.sqrt(np.clip(1 - ((seen - self.centre) / self.radius) ** 2, 0.05, 1))
            shade = shade * (0.45 + 0.55 * (cosine[None, :] if self.along_x else cosine[:, None]))
        full = np.broadcast_to(shade, image.shape[:2]).astype(np.float32)
        return cv2.multiply(image, cv2.merge([full] * 3), dtype=cv2.CV_8U)

    def move(self, points: np.ndarray) -> np.ndarray:
        """Where points of the flat canvas are seen."""
        rolled = points.astype(np.float64).copy()
        if self.rolled:
            axis = 0 if self.along_x else 1
            angle = np.clip((points[:, axis] - self.centre) / self.radius, -np.pi / 2, np.pi / 2)
            rolled[:, axis] = self.centre + self.radius * np.sin(angle)
        seen = rolled.copy()
        for _ in range(3):
            seen = rolled - self._displacement_at(seen)
        return seen

    def _displacement_at(self, points: np.ndarray) -> np.ndarray:
        x = np.clip(points[:, 0].round().astype(int), 0, self.size[0] - 1)
        y = np.clip(points[:, 1].round().astype(int), 0, self.size[1] - 1)
        return self.displacement[y, x]


def tilt(random: RandomSource, corners: np.ndarray, centre: np.ndarray, unit: float) -> np.ndarray:
    """A homography that turns the canvas in space around `centre` and looks at it; `centre` goes to 0, 0.

    `unit` is the length in canvas pixels that becomes 1; the scale is 1 at the centre.
    """
    turn = random.numpy.random()
    if turn < 0.45:
        roll = np.radians(random.normal(7))
    elif turn < 0.65:
        roll = np.radians(random.pick([90, 180, 270]) + random.normal(7))
    else:
        roll = random.uniform(0, 2 * np.pi)
    strength = 0 if random.chance(0.12) else random.pick([8, 16, 26, 36])
    pitch, yaw = np.radians(np.clip([random.normal(strength), random.normal(strength)], -58, 58))
    cos, sin = np.cos, np.sin
    about_z = np.array([[cos(roll), -sin(roll), 0], [sin(roll), cos(roll), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, cos(pitch), -sin(pitch)], [0, sin(pitch), cos(pitch)]])
    about_y = np.array([[cos(yaw), 0, sin(yaw)], [0, 1, 0], [-sin(yaw), 0, cos(yaw)]])
    rotation = about_y @ about_x @ about_z
    normalise = np.array([[1 / unit, 0, -centre[0] / unit], [0, 1 / unit, -centre[1] / unit], [0, 0, 1]])
    depths = (np.c_[corners, np.ones(len(corners))] @ normalise.T)[:, :2] @ rotation[2, :2]
    distance = max(random.log_uniform(0.9, 4), 1.5 * -depths.min())
    plane = np.array(
        [
            [rotation[0, 0], rotation[0, 1], 0],
            [rotation[1, 0], rotation[1, 1], 0],
            [rotation[2, 0] / distance, rotation[2, 1] / distance, 1],
        ]
    )
    return plane @ normalise


def project(homography: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points × 2 through a homography."""
    mapped = np.c_[points, np.ones(len(points))] @ homography.T
    return mapped[:, :2] / mapped[:, 2:]


def bounding_box(points: np.ndarray) -> np.ndarray:
    """Left, top, right, bottom."""
    return np.concatenate([points.min(0), points.max(0)])


def share_inside(box: np.ndarray, width: int, height: int) -> float:
    """The share of a box (left, top, right, bottom) that lies in the frame."""
    clipped = clip_box(box, width, height)
    area = np.prod(np.maximum(box[2:] - box[:2], 1e-6))
    return float(np.prod(np.maximum(clipped[2:] - clipped[:2], 0)) / area)


def visible_box(outline: np.ndarray, width: int, height: int) -> np.ndarray | None:
    """The box around what the frame shows of the polygon `outline`; none if that is nothing."""
    for axis, limit, sign in ((0, 0, 1), (0, width, -1), (1, 0, 1), (1, height, -1)):
        inside = (outline[:, axis] - limit) * sign  # how far within this edge of the frame
        beyond = np.roll(inside, -1)
        crosses = inside * beyond < 0
        share = inside / np.where(crosses, inside - beyond, 1)
        crossings = outline + share[:, None] * (np.roll(outline, -1, axis=0) - outline)
        kept = np.stack([inside >= 0, crosses], 1).ravel()
        outline = np.stack([outline, crossings], 1).reshape(-1, 2)[kept]
        if not len(outline):
            return None
    return bounding_box(outline)


def share_of_whole_rows(outline: np.ndarray, width: int, height: int) -> float:
    """The share of the lines from the left to the right side of a code (one side is a quarter of `outline`, the first
    is its top) that lie in the frame from end to end."""
    side = len(outline) // 4
    right, left = outline[side : 2 * side + 1], np.concatenate([outline[3 * side :], outline[:1]])[::-1]
    steps, places = np.linspace(0, 1, 41), np.linspace(0, 1, side + 1)
    whole = np.ones(len(steps), bool)
    for edge in (left, right):
        for axis, limit in enumerate((width, height)):
            along = np.interp(steps, places, edge[:, axis])
            whole &= (along >= 0) & (along <= limit)
    return float(whole.mean())


def clip_box(box: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.clip(box, 0, [width, height, width, height])
