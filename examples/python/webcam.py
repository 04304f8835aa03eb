"""Boxes in live video: python webcam.py [--source 0 | clip.mp4] [--server ws://localhost:8000]

Without a server the detector runs in this process. Without a screen, the boxes are printed. q ends it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import framegate
import sample
from framegate import Detections


def frames(source: str) -> Iterator[cv2.typing.MatLike]:
    """Of a camera, or of a file at its own rate, or of a sample if there is no such camera."""
    capture = cv2.VideoCapture(int(source) if source.isdigit() else source)
    if not capture.isOpened():
        print(f"{source} cannot be opened: here is a sample instead", file=sys.stderr)
        capture = cv2.VideoCapture(str(sample.write(Path(tempfile.mkdtemp()) / "sample.mp4")))
    interval = 0 if source.isdigit() and capture.get(cv2.CAP_PROP_FRAME_COUNT) <= 0 else 1 / (capture.get(cv2.CAP_PROP_FPS) or 30)
    due = time.monotonic()
    while True:
        read, frame = capture.read()
        if not read:
            return
        yield frame
        due += interval
        time.sleep(max(due - time.monotonic(), 0))


def show(frame: cv2.typing.MatLike, found: Detections, has_screen: bool) -> bool:
    """Draws the boxes; whether to go on."""
    if not has_screen:
        print(found)
        return True
    for one in found:
        left, top, right, bottom = map(round, one.xyxy)
        cv2.rectangle(frame, (left, top), (right, bottom), (0, 255, 0), 2)
        cv2.putText(frame, f"{one.label} {one.confidence:.2f}", (left, top - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 255, 0))
    cv2.imshow("framegate", frame)
    return cv2.waitKey(1) != ord("q")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", default="0", help="number of a camera, or a file")
    parser.add_argument("--server", help="address of a server")
    parser.add_argument("--model", default="codes", help="an ONNX detector, where there is no server")
    arguments = parser.parse_args()
    has_screen = bool(os.environ.get("DISPLAY") or sys.platform in ("darwin", "win32"))
    if arguments.server:
        for result in framegate.stream(frames(arguments.source), arguments.server, channels="bgr"):
            if not show(result.frame, result.detections, has_screen):
                return
    else:
        detector = framegate.Detector(arguments.model, channels="bgr")
        for frame in frames(arguments.source):
            if not show(frame, detector(frame), has_screen):
                return


if __name__ == "__main__":
    main()
