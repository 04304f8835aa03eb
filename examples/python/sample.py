"""A short video for those who have none at hand: a code that drifts from left to right."""

from __future__ import annotations

from pathlib import Path

import cv2

CODE = Path(__file__).parents[2] / "tests/integration/images/qr_code.jpg"


def write(path: Path, frames: int = 30, size: tuple[int, int] = (640, 480)) -> Path:
    """Writes the video, at 15 frames per second."""
    code = cv2.resize(cv2.imread(str(CODE)), (320, 240))
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 15, size)
    for number in range(frames):
        left = number * (size[0] - 320) // max(frames - 1, 1)
        right = size[0] - 320 - left
        video.write(cv2.copyMakeBorder(code, 120, 120, left, right, cv2.BORDER_CONSTANT, value=(114, 114, 114)))
    video.release()
    return path
