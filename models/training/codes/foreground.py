"""What gets between the camera and the codes."""

from __future__ import annotations

import cv2
import numpy as np

from .frame import Frame, cast_shadow, hide
from .random_source import RandomSource


def add_foreground(frame: Frame, random: RandomSource) -> None:
    """Fingers from the edge of the frame, a pen across, a scribble."""
    mask = np.zeros((frame.height, frame.width), np.uint8)
    extent = max(frame.width, frame.height)
    kind = random.integer(0, 3)
    if kind <= 1:
        skin = np.array([random.uniform(50, 160), random.uniform(80, 190), random.uniform(110, 235)])
        colour = skin if random.chance(0.7) else np.full(3, skin.mean())
        for _ in range(random.integer(1, 3)):
            angle = random.uniform(0, 2 * np.pi)
            edge = np.array([frame.width, frame.height]) / 2 * (1 + np.array([np.cos(angle), np.sin(angle)]))
            thickness = extent * random.uniform(0.05, 0.16)
            direction = np.degrees(angle) + random.normal(25)
            axes = (int(thickness * random.uniform(1.5, 3.5)), int(thickness))
            cv2.ellipse(mask, edge.astype(int).tolist(), axes, direction, 0, 360, 255, -1, cv2.LINE_AA)
        mask = cv2.GaussianBlur(mask, (0, 0), random.uniform(0.5, 2.5))
    else:
        colour = random.colour(0, 200)
        points = np.array([[random.uniform(0, frame.width), random.uniform(0, frame.height)] for _ in range(2)])
        thickness = max(1, int(extent * random.uniform(0.006, 0.05)))
        cv2.line(mask, *points.astype(int).tolist(), 255, thickness, cv2.LINE_AA)
    depth = cv2.GaussianBlur(cv2.resize(mask, None, fx=0.25, fy=0.25), (0, 0), random.uniform(2, 5))
    shade = 0.55 + 0.5 * cv2.resize(depth, mask.shape[::-1]).astype(np.float32)[..., None] / 255
    body = np.clip(colour * shade, 0, 255).astype(np.uint8)
    cast_shadow(frame.image, mask, random)
    share = mask[..., None].astype(np.float32) / 255
    frame.image[:] = (frame.image + share * (body.astype(np.float32) - frame.image)).astype(np.uint8)
    hide(frame, mask)
