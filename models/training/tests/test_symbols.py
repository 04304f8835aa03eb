"""Codes from the encoders, and as they are drawn, can be read."""

import cv2
import numpy as np
import zxingcpp

from codes.drawing import draw_ink, natural_aspect
from codes.random_source import RandomSource
from codes.symbols import FORMAT_WEIGHTS, random_symbol

UNREADABLE = {"AztecRune", "MicroPDF417", "DataBarStk", "Telepen", "ITF14"}
"""Formats that the reader leaves out or often fails on even without a camera (ITF-14: for its bearer bars)."""


def test_every_format_comes_up() -> None:
    made = {random_symbol(RandomSource(1, index)).format for index in range(4000)}
    assert made == {name for names in FORMAT_WEIGHTS.values() for name in names}


def test_nearly_all_drawn_codes_are_read_back() -> None:
    failures, count = [], 0
    for index in range(300):
        random = RandomSource(2, index)
        symbol = random_symbol(random)
        if symbol.format in UNREADABLE:
            continue
        width = symbol.modules.shape[1] * 4
        height = max(24, int(width * natural_aspect(symbol, random)))
        ink = draw_ink(symbol, width, height, random)
        image = cv2.copyMakeBorder(255 - ink, 60, 60, 60, 60, cv2.BORDER_CONSTANT, value=255)
        count += 1
        if not zxingcpp.read_barcodes(image):
            failures.append((symbol.format, symbol.modules.shape))
    assert count > 200
    # Styles and ink spread make a few too hard for the decoder; more than that would be an error of ours.
    assert len(failures) < 0.06 * count, failures


def test_a_symbol_is_a_function_of_the_seed() -> None:
    first, second = (random_symbol(RandomSource(3, 4)) for _ in range(2))
    assert first.text == second.text and np.array_equal(first.modules, second.modules)
