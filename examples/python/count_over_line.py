"""Counts what crosses a vertical line: python count_over_line.py [clip.mp4] [--at 0.5] [--classes person]

The tracker's clock is the time of the video, so frames may be left out (``--every 3``).
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

import cv2
import framegate
import sample


class Line:
    """A vertical line, and what has crossed it in each direction."""

    def __init__(self, x: float) -> None:
        self.x = x
        self.crossed: Counter[str] = Counter()
        self._side: dict[int, bool] = {}

    def look(self, found: framegate.Detections) -> None:
        for one in found:
            assert one.track_id is not None
            is_right = (one.xyxy[0] + one.xyxy[2]) / 2 > self.x
            if self._side.get(one.track_id, is_right) != is_right:
                self.crossed[f"{one.label} to the {'right' if is_right else 'left'}"] += 1
            self._side[one.track_id] = is_right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", nargs="?", help="a video; without one, a sample")
    parser.add_argument("--model", default="codes", help="an ONNX detector")
    parser.add_argument("--classes", nargs="*", help="count these alone")
    parser.add_argument("--at", type=float, default=0.5, help="where the line is, from 0 (left) to 1 (right)")
    parser.add_argument("--every", type=int, default=1, help="look at every Nth frame")
    arguments = parser.parse_args()
    path = arguments.video or str(sample.write(Path(tempfile.mkdtemp()) / "sample.mp4"))
    detector = framegate.Detector(arguments.model, channels="bgr", classes=arguments.classes)
    tracker = framegate.Tracker()
    capture = cv2.VideoCapture(path)
    fps = capture.get(cv2.CAP_PROP_FPS) or 30
    line = Line(arguments.at * capture.get(cv2.CAP_PROP_FRAME_WIDTH))
    number = 0
    while True:
        read, frame = capture.read()
        if not read:
            break
        if number % arguments.every == 0:
            line.look(tracker.update(detector(frame), seconds=number / fps))
        number += 1
    for what, count in line.crossed.items():
        print(f"{count} {what}")


if __name__ == "__main__":
    main()
