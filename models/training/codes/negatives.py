"""Things that look like codes and are none: keyboards, blinds, fences, tables, shelves, grids, stripes."""

from __future__ import annotations

import cv2
import numpy as np

from .lettering import Lettering
from .random_source import RandomSource
from .textures import SIDE, between, fractal_noise, two_tone


def _canvas(colour: np.ndarray) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), np.clip(colour, 0, 255), np.uint8)


def stamp(image: np.ndarray, ink: np.ndarray, left: int, top: int, colour: np.ndarray) -> None:
    """Prints the mask `ink` (0 to 255) in `colour` with its top left corner at `left`, `top`; what sticks out is lost."""
    height, width = image.shape[:2]
    ink = ink[max(0, -top) : max(0, height - top), max(0, -left) : max(0, width - left)]
    if ink.size == 0:
        return
    top, left = max(0, top), max(0, left)
    window = image[top : top + ink.shape[0], left : left + ink.shape[1]]
    share = ink[..., None].astype(np.float32) / 255
    window[:] = window + share * (np.clip(colour, 0, 255).astype(np.float32) - window)


def scaled(ink: np.ndarray, height: int) -> np.ndarray:
    """The mask `ink`, `height` pixels high."""
    width = max(1, round(ink.shape[1] * height / ink.shape[0]))
    return cv2.resize(ink, (width, max(1, height)), interpolation=cv2.INTER_AREA)


def stripes(random: RandomSource, lettering: Lettering) -> np.ndarray:
    """Regular stripes, sharp or soft: blinds, radiators, corrugated iron, crossings."""
    pitch, share = random.log_uniform(4, 90), random.uniform(0.2, 0.8)
    position = np.arange(SIDE, dtype=np.float32) / pitch
    position += random.uniform(0, 0.5) * np.sin(position * random.uniform(0.02, 0.2))
    phase = position % 1
    if random.chance(0.6):
        profile = np.clip((share / 2 - np.abs(phase - 0.5)) * pitch / random.log_uniform(0.7, 8) + 0.5, 0, 1)
    else:
        profile = phase
    field = np.repeat(profile[:, None], SIDE, 1)
    if random.chance(0.3):
        edges = np.sort(random.numpy.integers(0, SIDE, random.integer(1, 6)))
        for column in np.split(np.arange(SIDE), edges):
            field[:, column] = np.roll(field[:, column], random.integer(0, int(pitch)), axis=0)
    field = field + (fractal_noise(random, 0.6) - 0.5) * random.uniform(0, 0.8)
    image = between(field, *two_tone(random, random.log_uniform(15, 230)))
    return image if random.chance(0.5) else np.ascontiguousarray(image.transpose(1, 0, 2))


def fence(random: RandomSource, lettering: Lettering) -> np.ndarray:
    """Posts and rails, or a lattice of wire, before something else."""
    image = between(fractal_noise(random), *two_tone(random))
    colour = random.colour().tolist()
    pitch, thickness = random.integer(14, 70), random.integer(1, 12)
    if random.chance(0.5):
        for x in range(random.integer(0, pitch), SIDE, pitch):
            cv2.line(image, (x, 0), (x, SIDE), colour, thickness, cv2.LINE_AA)
        for y in (random.integer(0, SIDE), random.integer(0, SIDE)):
            cv2.line(image, (0, y), (SIDE, y), colour, thickness + 2, cv2.LINE_AA)
    else:
        lean = random.integer(-SIDE, SIDE) if random.chance(0.7) else 0
        for start in range(-SIDE, 2 * SIDE, pitch):
            cv2.line(image, (start, 0), (start + lean, SIDE), colour, thickness, cv2.LINE_AA)
            if lean:
                cv2.line(image, (start, 0), (start - lean, SIDE), colour, thickness, cv2.LINE_AA)
            else:
                cv2.line(image, (0, start), (SIDE, start), colour, thickness, cv2.LINE_AA)
    return image


def keyboard(random: RandomSource, lettering: Lettering) -> np.ndarray:
    base = random.colour(10, 60) if random.chance(0.6) else random.colour(150, 230)
    image = _canvas(base)
    key = base + random.uniform(-40, 50)
    letters = np.full(3, 230.0) if key.mean() < 120 else np.full(3, 30.0)
    pitch = random.integer(28, 80)
    gap = max(1, int(pitch * random.uniform(0.04, 0.25)))
    for row, y in enumerate(range(0, SIDE, pitch)):
        x = -random.integer(0, pitch)
        while x < SIDE:
            width = pitch if random.chance(0.9) else int(pitch * random.uniform(1.3, 4))
            tone = np.clip(key + random.normal(4), 0, 255).tolist()
            cv2.rectangle(image, (x + gap, y + gap), (x + width - gap, y + pitch - gap), tone, -1)
            ink = scaled(random.pick(lettering.digits)[:, : LETTER_WIDTH], max(5, pitch // 4))
            stamp(image, ink, x + pitch // 4, y + pitch // 4, letters)
            x += width
    return image


LETTER_WIDTH = 26
"""About the width of one character of a line, in pixels."""


def text_page(random: RandomSource, lettering: Lettering) -> np.ndarray:
    """Columns of text on paper."""
    paper = random.colour(170, 255) if random.chance(0.75) else random.colour(10, 80)
    ink = random.colour(0, 70) if paper.mean() > 128 else random.colour(180, 255)
    image = _canvas(paper)
    scale = random.log_uniform(0.6, 2.5)
    x = random.integer(-40, 20)
    while x < SIDE:
        y, widest = random.integer(-40, 20), 40
        while y < SIDE:
            if random.chance(0.85):
                block = random.pick(lettering.paragraphs)
                block = cv2.resize(block, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            else:
                block = scaled(random.pick(lettering.lines), int(24 * scale))
            stamp(image, block, x, y, ink)
            y += block.shape[0] + random.integer(4, 24)
            widest = max(widest, block.shape[1])
        x += widest + random.integer(8, 40)
    return image


def checks(random: RandomSource, lettering: Lettering) -> np.ndarray:
    """Checkerboards, crosswords, mosaics, pixel art: cells of two or more tones."""
    pitch = int(random.log_uniform(5, 60))
    count = SIDE // pitch + 1
    kind = random.integer(0, 3)
    if kind == 0:
        cells = np.indices((count, count)).sum(0) % 2
    elif kind == 1:  # a crossword: few dark cells
        cells = (random.numpy.random((count, count)) < random.uniform(0.1, 0.25)).astype(int)
    elif kind == 2:  # a mosaic of many tones
        cells = random.numpy.random((count, count))
    else:  # pixel art: mirrored blocks
        half = random.numpy.random((count, count // 2 + 1)) < random.uniform(0.2, 0.5)
        cells = np.hstack([half, half[:, ::-1]])[:count, :count].astype(int)
    field = np.kron(cells, np.ones((pitch, pitch)))[:SIDE, :SIDE].astype(np.float32)
    image = between(field, *two_tone(random, random.uniform(60, 230)))
    if random.chance(0.6):
        line = np.clip(random.colour(), 0, 255).tolist()
        for place in range(0, SIDE, pitch):
            cv2.line(image, (place, 0), (place, SIDE), line, max(1, pitch // 10))
            cv2.line(image, (0, place), (SIDE, place), line, max(1, pitch // 10))
    return image


def bricks(random: RandomSource, lettering: Lettering) -> np.ndarray:
    mortar = random.colour(60, 220)
    image = _canvas(mortar)
    height, ratio = random.integer(10, 70), random.uniform(1, 4)
    brick = random.colour(20, 220)
    gap = max(1, height // random.integer(6, 20))
    for row, y in enumerate(range(0, SIDE, height)):
        width = int(height * ratio)
        for x in range(-(width // 2) * (row % 2), SIDE, width):
            tone = np.clip(brick + random.normal(12), 0, 255).tolist()
            cv2.rectangle(image, (x, y), (x + width - gap, y + height - gap), tone, -1)
    shade = 0.8 + 0.4 * fractal_noise(random, 0.8)[..., None]
    return np.clip(image * shade, 0, 255).astype(np.uint8)


def bookshelf(random: RandomSource, lettering: Lettering) -> np.ndarray:
    """Spines side by side in many colours, as of books, records and files."""
    image = _canvas(random.colour(0, 60))
    grey = random.chance(0.4)
    shelf = random.integer(120, 400)
    for top in range(random.integer(-100, 0), SIDE, shelf):
        x = 0
        while x < SIDE:
            width = random.integer(5, 44)
            colour = np.full(3, random.uniform(20, 245)) if grey else random.colour(15, 245)
            height = int(shelf * random.uniform(0.7, 0.95))
            bottom = top + shelf - 6
            cv2.rectangle(image, (x, bottom - height), (x + width - 2, bottom), colour.tolist(), -1)
            if width > 10 and random.chance(0.7):
                ink = scaled(random.pick(lettering.lines), width // 2)[:, : height - 10]
                stamp(image, np.rot90(ink), x + width // 4, bottom - height + 8, 255 - colour)
            x += width
    return image


def table(random: RandomSource, lettering: Lettering) -> np.ndarray:
    """A sheet of figures with rules."""
    dark = random.chance(0.2)
    image = _canvas(random.colour(10, 50) if dark else random.colour(200, 255))
    ink = random.colour(170, 255) if dark else random.colour(0, 80)
    row, column = random.integer(14, 50), random.integer(40, 140)
    for y in range(0, SIDE, row):
        for x in range(0, SIDE, column):
            if random.chance(0.7):
                text = scaled(random.pick(lettering.digits), max(6, int(row * 0.5)))[:, : column - 8]
                stamp(image, text, x + 4, y + row // 4, ink)
    rule = np.clip(ink + 60, 0, 255).tolist()
    for y in range(0, SIDE, row):
        cv2.line(image, (0, y), (SIDE, y), rule, 1)
    if random.chance(0.7):
        for x in range(0, SIDE, column):
            cv2.line(image, (x, 0), (x, SIDE), rule, 1)
    return image


def targets(random: RandomSource, lettering: Lettering) -> np.ndarray:
    """Squares and circles inside each other, far from the order of a finder pattern."""
    image = _canvas(random.colour(120, 255))
    for _ in range(random.integer(2, 14)):
        centre = np.array([random.integer(0, SIDE), random.integer(0, SIDE)])
        radius, rings = random.log_uniform(12, 140), random.integer(1, 6)
        first, second = random.colour(0, 90).tolist(), random.colour(150, 255).tolist()
        round_ = random.chance(0.6)
        for ring in range(rings, 0, -1):
            size = int(radius * ring / rings)
            colour = first if ring % 2 else second
            if round_:
                cv2.circle(image, centre.tolist(), size, colour, -1, cv2.LINE_AA)
            else:
                cv2.rectangle(image, (centre - size).tolist(), (centre + size).tolist(), colour, -1)
    return image


def shelf(random: RandomSource, lettering: Lettering) -> np.ndarray:
    """Packages in rows, with their names on them."""
    image = _canvas(random.colour(20, 120))
    row = random.integer(90, 260)
    for y in range(random.integer(-60, 0), SIDE, row):
        x = 0
        while x < SIDE:
            width, height = random.integer(40, 160), int(row * random.uniform(0.6, 0.92))
            colour = random.colour(20, 250)
            top = y + row - height
            cv2.rectangle(image, (x, top), (x + width - 3, y + row), colour.tolist(), -1)
            for _ in range(random.integer(0, 3)):
                text = scaled(random.pick(lettering.lines), random.integer(8, 24))[:, : width - 8]
                stamp(image, text, x + 4, top + random.integer(2, max(3, height - 20)), 255 - colour)
            x += width
    return image
