"""What others find in the photographs that the model is validated with: `python -m codes.peers`.

OpenCV's QRCodeDetector and barcode_BarcodeDetector by the rule of `framegate eval`, and the time that zxing-cpp takes
to read everything (the labels are what it can read). One thread; times are medians from JPEG bytes to boxes, and the
detectors take turns on every photograph.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import zxingcpp

from .boxes import Detection
from .classes import CLASS_NAMES, LINEAR
from .validate import is_found

Corners = list[np.ndarray]
"""An array of points × 2 for each code."""

RETAIL = {"EAN-13", "EAN-8", "UPC-A", "UPC-E"}
"""What barcode_BarcodeDetector says that it reads."""


def opencv_qr(image: np.ndarray, detector: cv2.QRCodeDetector) -> Corners:
    found, corners = detector.detectMulti(image)
    return list(corners) if found else []


def opencv_barcode(image: np.ndarray, detector: cv2.barcode.BarcodeDetector) -> Corners:
    found, corners = detector.detect(image)
    return list(corners) if found else []


def zxing(image: np.ndarray) -> Corners:
    places = [barcode.position for barcode in zxingcpp.read_barcodes(image)]
    ends = [(place.top_left, place.top_right, place.bottom_right, place.bottom_left) for place in places]
    return [np.array([(point.x, point.y) for point in points], float) for points in ends]


def finds(corners: np.ndarray, code: dict) -> bool:
    """The rule of `framegate eval`, for the box around the corners; peers look for one class each."""
    box = np.concatenate([corners.min(0), corners.max(0)])
    return is_found(code, [Detection(CLASS_NAMES.index(code["label"]), 1.0, box)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    qr, barcode = cv2.QRCodeDetector(), cv2.barcode.BarcodeDetector()
    peers: dict[str, Callable[[np.ndarray], Corners]] = {
        "QRCodeDetector": lambda image: opencv_qr(image, qr),
        "barcode_BarcodeDetector": lambda image: opencv_barcode(image, barcode),
        "zxing-cpp": zxing,
    }
    found: dict[tuple[str, str], int] = defaultdict(int)
    labelled: dict[str, int] = defaultdict(int)
    false_boxes: dict[str, int] = defaultdict(int)
    times: dict[str, list[float]] = defaultdict(list)
    negatives = 0
    for name, entry in json.loads(arguments.labels.read_text()).items():
        jpeg = np.frombuffer((arguments.images / name).read_bytes(), np.uint8)
        groups = [(code, _groups(code)) for code in entry["codes"]]
        negatives += not groups
        for _, names in groups:
            for group in names:
                labelled[group] += 1
        for peer, look in peers.items():
            started = time.perf_counter()
            boxes = look(cv2.imdecode(jpeg, cv2.IMREAD_COLOR))
            times[peer].append(time.perf_counter() - started)
            if not groups:
                false_boxes[peer] += len(boxes)
            for code, names in groups:
                if any(finds(box, code) for box in boxes):
                    for group in names:
                        found[peer, group] += 1
    for peer in peers:
        shares = ", ".join(
            f"{group} {found[peer, group]} of {count} ({found[peer, group] / count:.3f})"
            for group, count in labelled.items()
            if found[peer, group]
        )
        milliseconds = median(times[peer]) * 1000
        print(f"{peer}: {milliseconds:.1f} ms; {false_boxes[peer]} boxes in {negatives} images without; {shares}")


def _groups(code: dict) -> list[str]:
    """The class of a code, and the part of it that OpenCV is made for."""
    if code["label"] == CLASS_NAMES[LINEAR] and code["format"] in RETAIL:
        return [code["label"], "EAN and UPC"]
    return [code["label"]]


if __name__ == "__main__":
    main()
