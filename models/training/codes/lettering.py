"""Lines and paragraphs of text, drawn once and then only scaled and coloured."""

from __future__ import annotations

import string
from importlib.metadata import entry_points

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .random_source import RandomSource
from .symbols import WORDS

LINE_HEIGHT = 40
"""Font size of the lines, in pixels."""
LINE_COUNT = 500
PARAGRAPH_COUNT = 80


def font_files() -> list[str]:
    """The font files of the installed `font-*` packages, in a fixed order."""
    files = set()
    for entry in entry_points(group="fonts_ttf"):
        files.update(entry.load().values())
    return sorted(files)


class Lettering:
    """Ink masks (0 to 255) of lines and paragraphs of text."""

    def __init__(self, seed: int) -> None:
        random = RandomSource(seed, 1)
        fonts = [ImageFont.truetype(file, LINE_HEIGHT) for file in font_files()]
        self.lines = [draw_line(_line(random), random.pick(fonts)) for _ in range(LINE_COUNT)]
        self.digits = [draw_line(_grouped_digits(random), random.pick(fonts)) for _ in range(LINE_COUNT // 4)]
        self.digits += [_stroke_digits(random) for _ in range(LINE_COUNT // 8)]
        small = [ImageFont.truetype(file, 15) for file in font_files()]
        self.paragraphs = [_paragraph(random, random.pick(small)) for _ in range(PARAGRAPH_COUNT)]


def draw_line(text: str, font: ImageFont.FreeTypeFont) -> np.ndarray:
    """The ink of one line of text, cropped to it."""
    left, top, right, bottom = font.getbbox(text)
    image = Image.new("L", (max(1, int(right - left)), max(1, int(bottom - top))))
    ImageDraw.Draw(image).text((-left, -top), text, fill=255, font=font)
    return np.asarray(image)


def _line(random: RandomSource) -> str:
    kind = random.integer(0, 5)
    if kind == 0:
        return "".join(random.pick(string.ascii_uppercase + string.digits) for _ in range(random.integer(2, 12)))
    if kind == 1:
        return random.pick("$€£#№") + f"{random.log_uniform(0.5, 900):.2f}"
    text = " ".join(random.pick(WORDS) for _ in range(random.integer(1, 6)))
    return {2: text, 3: text.upper(), 4: text.title(), 5: text.capitalize() + random.pick(".:!?,")}[kind]


def _grouped_digits(random: RandomSource) -> str:
    groups = [
        "".join(random.pick(string.digits) for _ in range(random.integer(1, 6))) for _ in range(random.integer(1, 4))
    ]
    return random.pick(["  ", " ", "", "-"]).join(groups)


def _stroke_digits(random: RandomSource) -> np.ndarray:
    """Digits of thin even strokes, as beneath the bars of retail codes."""
    text = _grouped_digits(random)
    face = random.pick([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_PLAIN, cv2.FONT_HERSHEY_DUPLEX])
    scale = 2.2 if face == cv2.FONT_HERSHEY_PLAIN else 1.2
    (width, height), _ = cv2.getTextSize(text, face, scale, 2)
    image = np.zeros((height + 6, width + 4), np.uint8)
    cv2.putText(image, text, (2, height + 2), face, scale, 255, random.integer(2, 3), cv2.LINE_AA)
    return image


def _paragraph(random: RandomSource, font: ImageFont.FreeTypeFont) -> np.ndarray:
    width, rows = random.integer(120, 340), random.integer(2, 16)
    leading = random.uniform(1.1, 1.7) * 15
    image = Image.new("L", (width, int(rows * leading + 6)))
    draw = ImageDraw.Draw(image)
    for row in range(rows):
        text = " ".join(random.pick(WORDS) for _ in range(14)).capitalize()
        draw.text((0, row * leading), text, fill=255, font=font)
        if row == rows - 1 or random.chance(0.15):
            end = int(width * random.uniform(0.2, 0.95))
            draw.rectangle((end, row * leading, width, (row + 1) * leading), fill=0)
    return np.asarray(image)
