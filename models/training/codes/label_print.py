"""One printed code with what belongs to it: quiet zone, colours, text beneath, add-on, logo."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from .classes import AZTEC, DATA_MATRIX, IGNORED, LINEAR, QR_CODE
from .drawing import draw_ink
from .negatives import scaled, stamp
from .pools import Pools
from .random_source import RandomSource
from .symbols import Symbol, encode_add_on

RETAIL = {"EAN13", "EAN8", "UPCA", "UPCE"}


@dataclass(frozen=True)
class PlacedCode:
    """Where a code lies: its outline without the quiet zone and the text, in pixels of its image."""

    label: int
    outline: np.ndarray
    """Points × 2, clockwise."""
    pitch: float
    """Width of a module, in pixels."""
    rows_alike: bool = False
    """Whether each row across the bars holds the whole code, so that a strip of it is enough."""

    def moved(self, outline: np.ndarray) -> PlacedCode:
        return replace(self, outline=outline)


@dataclass
class Print:
    """A small image with codes in it."""

    image: np.ndarray
    codes: list[PlacedCode] = field(default_factory=list)


def rectangle_outline(left: float, top: float, width: float, height: float) -> np.ndarray:
    corners = [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]
    return np.array(corners, np.float64)


def print_code(
    symbol: Symbol, width: int, height: int, random: RandomSource, pools: Pools, ground: np.ndarray | None = None
) -> Print:
    """Prints the code `width` × `height` pixels large, on paper of its own or on the colour `ground`."""
    ink_map = draw_ink(symbol, width, height, random)
    pitch = width / symbol.modules.shape[1]
    paper, ink = _colours(random, ground)
    left, right, top, bottom = _margins(symbol, pitch, width, height, random)
    beneath = _text_beneath(symbol, width, height, random)
    add_on_width = int(width * 0.5) if symbol.format in RETAIL and random.chance(0.13) else 0
    image = np.empty((top + height + beneath + bottom, left + width + right + add_on_width, 3), np.uint8)
    image[:] = paper
    made = Print(image)
    if beneath:
        _write_beneath(image, symbol, (left, top, width, height), beneath, random, pools, ink)
    stamp(image, ink_map, left, top, ink)
    if symbol.label == QR_CODE and symbol.format == "QRCode" and random.chance(0.12):
        _add_logo(image[top : top + height, left : left + width], random, pools)
    if symbol.label in (QR_CODE, DATA_MATRIX, AZTEC) and random.chance(0.03):
        _cover_band(image[top : top + height, left : left + width], random, paper, ink)
    if symbol.label == LINEAR and random.chance(0.06):
        _break_bars(image[top : top + height, left : left + width], random, paper)
    outline = rectangle_outline(left, top, width, height)
    made.codes.append(PlacedCode(symbol.label, outline, pitch, symbol.is_stackless))
    if add_on_width:
        _print_add_on(made, (left + width, top, add_on_width, height), pitch, random, pools, ink)
    if random.chance(0.1):
        thickness = max(1, int(random.uniform(0.5, 2) * pitch))
        cv2.rectangle(image, (0, 0), (image.shape[1] - 1, image.shape[0] - 1), ink.tolist(), thickness)
    return made


def _colours(random: RandomSource, ground: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Paper and ink, far enough apart in brightness."""
    kind = random.numpy.random()
    if random.chance(0.07):  # faint: worn, printed on metal, or one grey on another
        paper = random.colour(110, 240) if ground is None else np.asarray(ground, np.float64)
        step = random.uniform(40, 100)
        return paper, paper + (step if paper.mean() < step + 10 or random.chance(0.15) else -step)
    if ground is not None:
        paper = np.asarray(ground, np.float64)
        ink = random.colour(0, 60) if paper.mean() > 110 else random.colour(195, 255)
        return paper, ink
    if kind < 0.62:
        return np.full(3, random.uniform(225, 255)), np.full(3, random.uniform(0, 45))
    if kind < 0.72:
        return random.colour(180, 255), random.colour(0, 70)
    if kind < 0.94:
        saturated = random.numpy.random(3) * 130
        return random.colour(200, 255), saturated * min(1, 95 / max(saturated.mean(), 1))
    return random.colour(0, 60), random.colour(190, 255)


def _margins(symbol: Symbol, pitch: float, width: int, height: int, random: RandomSource) -> list[int]:
    """Left, right, top and bottom quiet zones in pixels; often right, sometimes too small or none."""
    flat = symbol.label == LINEAR
    margins = []
    kind = random.numpy.random()
    for side in range(4):
        modules = {True: random.uniform(5, 14), False: random.uniform(1, 6)}[flat and side < 2]
        if flat and side >= 2:
            modules = random.uniform(0, 8)
        if kind < 0.12 or (kind < 0.25 and random.chance(0.5)):
            modules = random.uniform(0, 1.5)
        margins.append(int(min(modules * pitch, 0.3 * max(width, height))))
    return margins


def _text_beneath(symbol: Symbol, width: int, height: int, random: RandomSource) -> int:
    """Height of the strip for human-readable text, in pixels; 0 for none."""
    if symbol.label == LINEAR:
        chance = 0.88 if symbol.format in RETAIL else 0.65
        return int(min(random.uniform(0.07, 0.16) * width, max(6, height))) if random.chance(chance) else 0
    return int(random.uniform(0.06, 0.16) * width) if random.chance(0.12) else 0


def _write_beneath(
    image: np.ndarray,
    symbol: Symbol,
    box: tuple[int, int, int, int],
    strip: int,
    random: RandomSource,
    pools: Pools,
    ink: np.ndarray,
) -> None:
    left, top, width, height = box
    size = max(3, int(strip * random.uniform(0.65, 0.95)))
    if symbol.format not in RETAIL:
        text = scaled(random.pick(pools.lettering.digits), size)
        if text.shape[1] > width * 1.1:
            text = cv2.resize(text, (width, size), interpolation=cv2.INTER_AREA)
        start = left + (width - text.shape[1]) * (0 if random.chance(0.1) else 1) // 2
        stamp(image, text, start, top + height + max(1, (strip - size) // 2), ink)
        return
    line = random.pick(pools.lettering.digits)
    guard = int(height * 5 / 55)  # Guard bars reach five rows of fifty-five further down than the others.
    level = top + height - guard + max(1, guard // 5)
    halves = [(0.06, 0.46), (0.54, 0.94)] if symbol.format != "UPCE" else [(0.08, 0.86)]
    for start, end in halves:
        room = int((end - start) * width)
        text = cv2.resize(line[:, : max(8, line.shape[1] // 2)], (max(1, room), size), interpolation=cv2.INTER_AREA)
        stamp(image, text, left + int(start * width), level, ink)
    if symbol.format != "EAN8":
        digit = scaled(random.pick(pools.lettering.digits)[:, :22], size)
        stamp(image, digit, left - digit.shape[1] - 2, level, ink)
        if symbol.format != "EAN13":
            stamp(image, digit, left + width + 2, level, ink)


def _print_add_on(
    made: Print, box: tuple[int, int, int, int], pitch: float, random: RandomSource, pools: Pools, ink: np.ndarray
) -> None:
    """The two or five digits to the right of a retail code, which are not a code of their own."""
    start, top, room, height = box
    symbol = encode_add_on(random)
    width = max(4, min(int(symbol.modules.shape[1] * pitch), room - int(4 * pitch)))
    below = height // random.integer(4, 9)
    left = start + room - width
    stamp(made.image, draw_ink(symbol, width, max(2, height - below), random), left, top + below, ink)
    text = scaled(random.pick(pools.lettering.digits)[:, :90], max(3, int(below * 0.8)))
    stamp(made.image, text, left, top, ink)
    made.codes.append(PlacedCode(IGNORED, rectangle_outline(left, top + below, width, height - below), pitch))


def _add_logo(code: np.ndarray, random: RandomSource, pools: Pools) -> None:
    height, width = code.shape[:2]
    side = max(4, int(min(height, width) * random.uniform(0.12, 0.3)))
    top, left = (height - side) // 2, (width - side) // 2
    window = code[top : top + side, left : left + side]
    if random.chance(0.6):
        window[:] = 255
    middle, radius = (side // 2, side // 2), side // 2 - 1
    colour = random.colour().tolist()
    if random.chance(0.5):
        cv2.circle(window, middle, radius, colour, -1, cv2.LINE_AA)
    else:
        cv2.rectangle(window, (1, 1), (side - 2, side - 2), colour, -1)
    letter = scaled(random.pick(pools.lettering.lines)[:, : random.integer(20, 60)], max(2, side // 2))
    stamp(window, letter[:, : side // 2], side // 4, side // 4, random.colour())


def _cover_band(code: np.ndarray, random: RandomSource, paper: np.ndarray, ink: np.ndarray) -> None:
    """A bar of one colour across the middle: a caption, or artwork that replaces modules. It stays one code."""
    height, width = code.shape[:2]
    share = random.uniform(0.12, 0.4)
    start, inset = int(height * random.uniform(0.25, 0.75 - share)), int(width * random.uniform(0, 0.2))
    colour = [ink, paper, random.colour()][random.integer(0, 2)]
    band = code[start : start + max(1, int(height * share)), inset : width - inset]
    if random.chance(0.7):
        band[:] = np.clip(colour, 0, 255)
    else:
        band[:] = np.clip(colour, 0, 255) * 0.8 + band * 0.2


def _break_bars(code: np.ndarray, random: RandomSource, paper: np.ndarray) -> None:
    """A dead row of a thermal printer, or a scratch."""
    for _ in range(random.integer(1, 3)):
        row = random.integer(0, code.shape[0] - 1)
        code[row : row + max(1, code.shape[0] // 60)] = paper
