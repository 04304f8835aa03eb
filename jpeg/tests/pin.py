"""Writes tests/all/pinned.txt: checksums of the pixels that libjpeg-turbo, inside OpenCV, makes of the JPEGs that the test
`pixels_are_those_of_libjpeg_turbo` writes when FRAMEGATE_JPEG_PIN names a directory.

    FRAMEGATE_JPEG_PIN=/tmp/pin cargo test -p framegate-jpeg --test all pixels_are
    python jpeg/tests/pin.py /tmp/pin
"""

import sys
import zlib
from pathlib import Path

import cv2

FLAGS = [cv2.IMREAD_COLOR, cv2.IMREAD_REDUCED_COLOR_2, cv2.IMREAD_REDUCED_COLOR_4, cv2.IMREAD_REDUCED_COLOR_8]

lines = []
for path in sorted(Path(sys.argv[1]).glob("*.jpg")):
    images = [cv2.imread(str(path), flag) for flag in FLAGS]
    sums = [zlib.crc32(cv2.cvtColor(image, cv2.COLOR_BGR2RGB).tobytes()) for image in images]
    lines.append(" ".join(f"{checksum:08x}" for checksum in sums))
(Path(__file__).parent / "all" / "pinned.txt").write_text("\n".join(lines) + "\n")
