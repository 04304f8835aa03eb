"""Writes tests/all/pinned.txt: checksums of the pixels that libjpeg-turbo, inside OpenCV, makes of the JPEGs that the test
`pixels_are_those_of_libjpeg_turbo` writes when FRAMEGATE_JPEG_PIN names a directory.

    FRAMEGATE_JPEG_PIN=/tmp/pin cargo test -p framegate-jpeg --test all pixels_are
    python jpeg/tests/pin.py /tmp/pin
"""

import sys
import zlib
from pathlib import Path

import cv2

RGB = [cv2.IMREAD_COLOR, cv2.IMREAD_REDUCED_COLOR_2, cv2.IMREAD_REDUCED_COLOR_4, cv2.IMREAD_REDUCED_COLOR_8]
LUMA = [
    cv2.IMREAD_GRAYSCALE,
    cv2.IMREAD_REDUCED_GRAYSCALE_2,
    cv2.IMREAD_REDUCED_GRAYSCALE_4,
    cv2.IMREAD_REDUCED_GRAYSCALE_8,
]

lines = []
for path in sorted(Path(sys.argv[1]).glob("*.jpg")):
    images = [cv2.cvtColor(cv2.imread(str(path), flag), cv2.COLOR_BGR2RGB) for flag in RGB]
    images += [cv2.imread(str(path), flag) for flag in LUMA]
    lines.append(" ".join(f"{zlib.crc32(image.tobytes()):08x}" for image in images))
(Path(__file__).parent / "all" / "pinned.txt").write_text("\n".join(lines) + "\n")
