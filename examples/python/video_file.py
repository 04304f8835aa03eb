"""Every frame of a video: python video_file.py [clip.mp4] [--model yolox_nano.onnx]"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

import cv2
import framegate
import sample


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", nargs="?", help="a video; without one, a sample")
    parser.add_argument("--model", default="codes", help="an ONNX detector")
    arguments = parser.parse_args()
    path = arguments.video or str(sample.write(Path(tempfile.mkdtemp()) / "sample.mp4"))
    detector = framegate.Detector(arguments.model, channels="bgr")
    capture = cv2.VideoCapture(path)
    labels: Counter[str] = Counter()
    number = 0
    while True:
        read, frame = capture.read()
        if not read:
            break
        found = detector(frame)
        labels.update(found.labels)
        print(f"{number}: {found}")
        number += 1
    print(f"{number} frames: {dict(labels)}")


if __name__ == "__main__":
    main()
