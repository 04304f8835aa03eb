"""Numbers for objects that last from frame to frame."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from framegate import _native
from framegate._detections import Detections


class Tracker:
    """Gives the objects in the frames of one camera numbers that stay with them.

    Its clock is time, not the number of frames: frames that were left out do not break a track.
    """

    def __init__(self) -> None:
        self._native = _native.Tracker()
        self._start: float | None = None

    def update(self, detections: Detections, seconds: float | None = None) -> Detections:
        """The same detections with ``track_id``. ``seconds`` is when the frame was taken, by default now; it never
        goes back."""
        now = time.monotonic() if seconds is None else seconds
        if self._start is None:
            self._start = now
        if now < self._start:
            raise ValueError(f"{now} s is before the first frame, at {self._start} s")
        numbers = self._native.update(
            now - self._start, detections.xyxy, detections.confidence, detections.class_id
        )
        return replace(detections, track_id=np.array(numbers, dtype=np.int64))
