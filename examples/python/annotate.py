"""Draws with the annotators of supervision: python annotate.py [photo.jpg] [marked.jpg]"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import framegate
import supervision

IMAGE = Path(__file__).parents[2] / "docs/codes.jpg"


def main() -> None:
    source, target = (*sys.argv[1:], *(str(IMAGE), "marked.jpg")[len(sys.argv) - 1 :])
    image = cv2.imread(source)
    if image is None:
        sys.exit(f"{source} cannot be read")
    found = framegate.Detector("codes", channels="bgr")(image).to_supervision()
    texts = [f"{name} {score:.2f}" for name, score in zip(found["class_name"], found.confidence, strict=True)]
    marked = supervision.BoxAnnotator().annotate(image.copy(), found)
    marked = supervision.LabelAnnotator().annotate(marked, found, labels=texts)
    cv2.imwrite(target, marked)
    print(f"{len(found)} boxes in {target}")


if __name__ == "__main__":
    main()
