"""A flat thing with print on it: label, package, page, screen, ticket."""

from __future__ import annotations

import cv2
import numpy as np

from .label_print import PlacedCode, Print, print_code
from .negatives import scaled, stamp
from .pools import Pools
from .random_source import RandomSource
from .symbols import Symbol

CELL = 8
"""Side of a cell of the map of what is taken, in pixels."""


class Surface:
    """A canvas that knows which parts are taken."""

    def __init__(self, width: int, height: int, random: RandomSource, pools: Pools) -> None:
        self.random, self.pools = random, pools
        self.colour = _ground_colour(random)
        self.ink = random.colour(0, 90) if self.colour.mean() > 110 else random.colour(170, 255)
        self.image = np.empty((height, width, 3), np.uint8)
        self.image[:] = self.colour
        self.codes: list[PlacedCode] = []
        self.taken = np.zeros((-(-height // CELL), -(-width // CELL)), bool)
        if random.chance(0.35):
            self._add_fabric()

    def _add_fabric(self) -> None:
        """Lets a texture shine through, as of cardboard, foil or a printed ground."""
        height, width = self.image.shape[:2]
        texture = cv2.resize(self.random.pick(self.pools.textures), (width, height), interpolation=cv2.INTER_LINEAR)
        strength = self.random.uniform(0.05, 0.25) if self.random.chance(0.7) else self.random.uniform(0.3, 0.9)
        self.image = cv2.addWeighted(texture, strength, self.image, 1 - strength, 0)

    def _cells(self, left: int, top: int, width: int, height: int) -> np.ndarray:
        return self.taken[
            max(0, top // CELL) : -(-(top + height) // CELL), max(0, left // CELL) : -(-(left + width) // CELL)
        ]

    def find_room(self, width: int, height: int) -> tuple[int, int] | None:
        """A free place for something of this size, if a few tries find one."""
        spare_x, spare_y = self.image.shape[1] - width, self.image.shape[0] - height
        if spare_x < 0 or spare_y < 0:
            return None
        for _ in range(5):
            left, top = self.random.integer(0, spare_x), self.random.integer(0, spare_y)
            if not self._cells(left, top, width, height).any():
                return left, top
        return None

    def paste(self, made: Print, left: int, top: int) -> None:
        """Puts a print with its top left corner at `left`, `top`, all of it inside."""
        height, width = made.image.shape[:2]
        window = self.image[top : top + height, left : left + width]
        if self.random.chance(0.1) and min(height, width) > 20:
            mask = np.zeros((height, width), np.uint8)
            radius = int(min(height, width) * self.random.uniform(0.03, 0.09))
            cv2.rectangle(mask, (radius, 0), (width - radius - 1, height - 1), 255, -1)
            cv2.rectangle(mask, (0, radius), (width - 1, height - radius - 1), 255, -1)
            for x in (radius, width - radius - 1):
                for y in (radius, height - radius - 1):
                    cv2.circle(mask, (x, y), radius, 255, -1, cv2.LINE_AA)
            cv2.copyTo(made.image, mask, window)
        else:
            window[:] = made.image
        self._cells(left, top, width, height)[:] = True
        self.codes += [code.moved(code.outline + (left, top)) for code in made.codes]

    def add_code(self, symbol: Symbol, width: int, height: int) -> bool:
        """Prints a code somewhere if there is room."""
        made = print_code(symbol, width, height, self.random, self.pools)
        place = self.find_room(made.image.shape[1], made.image.shape[0])
        if place:
            self.paste(made, *place)
        return place is not None

    def furnish(self, scale: float, density: float) -> None:
        """Fills free places with text, rules, panels and images; `scale` is the height of ordinary text in pixels."""
        for _ in range(int(density)):
            self.random.pick_weighted(_FURNITURE)(self, scale * self.random.log_uniform(0.6, 2.5))

    def _add_ink(self, ink: np.ndarray) -> None:
        place = self.find_room(ink.shape[1], ink.shape[0])
        if place:
            stamp(self.image, ink, *place, self.ink if self.random.chance(0.8) else self.random.colour())
            self._cells(*place, ink.shape[1], ink.shape[0])[:] = True

    def _add_line(self, size: float) -> None:
        ink = scaled(self.random.pick(self.pools.lettering.lines), max(4, int(size)))
        self._add_ink(np.ascontiguousarray(np.rot90(ink)) if self.random.chance(0.12) else ink)

    def _add_heading(self, size: float) -> None:
        self._add_ink(scaled(self.random.pick(self.pools.lettering.lines), max(6, int(size * 2.5))))

    def _add_paragraph(self, size: float) -> None:
        block = self.random.pick(self.pools.lettering.paragraphs)
        factor = max(0.2, size / 22)
        self._add_ink(cv2.resize(block, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA))

    def _add_rule(self, size: float) -> None:
        length, thickness = int(size * self.random.uniform(3, 30)), max(1, int(size * self.random.uniform(0.05, 0.5)))
        shape = (thickness, length) if self.random.chance(0.7) else (length, thickness)
        self._add_ink(np.full(shape, 255, np.uint8))

    def _add_panel(self, size: float) -> None:
        width, height = int(size * self.random.uniform(2, 14)), int(size * self.random.uniform(1.5, 8))
        place = self.find_room(width, height)
        if not place:
            return
        left, top = place
        colour = self.random.colour().tolist()
        fill = -1 if self.random.chance(0.6) else self.random.integer(1, max(1, int(size / 6)))
        corner = (left + width - 1, top + height - 1)
        if self.random.chance(0.8):
            cv2.rectangle(self.image, place, corner, colour, fill)
        else:
            middle = (left + width // 2, top + height // 2)
            cv2.ellipse(self.image, middle, (width // 2, height // 2), 0, 0, 360, colour, fill, cv2.LINE_AA)
        if self.random.chance(0.5):
            ink = scaled(self.random.pick(self.pools.lettering.lines), max(4, int(height * 0.5)))[:, : width - 4]
            stamp(self.image, ink, left + 3, top + height // 4, self.random.colour())
        self._cells(left, top, width, height)[:] = True

    def _add_image(self, size: float) -> None:
        width, height = (int(size * self.random.uniform(3, 12)) for _ in range(2))
        place = self.find_room(width, height)
        if place:
            pool = self.pools.textures if self.random.chance(0.5) else self.pools.negatives
            image = random_window(self.random.pick(pool), self.random, width, height)
            self.image[place[1] : place[1] + height, place[0] : place[0] + width] = image
            self._cells(*place, width, height)[:] = True


_FURNITURE = {
    Surface._add_line: 45,
    Surface._add_heading: 10,
    Surface._add_paragraph: 18,
    Surface._add_rule: 8,
    Surface._add_panel: 10,
    Surface._add_image: 12,
}


def _ground_colour(random: RandomSource) -> np.ndarray:
    kind = random.numpy.random()
    if kind < 0.5:
        return np.clip(np.full(3, random.uniform(215, 255)) + random.normal(6), 0, 255)
    if kind < 0.58:  # cardboard
        return np.array([95, 145, 185]) * random.uniform(0.6, 1.15)
    if kind < 0.7:
        return random.colour(0, 60)
    return random.colour(30, 250)


def random_window(
    texture: np.ndarray, random: RandomSource, width: int, height: int, least: float = 0.3
) -> np.ndarray:
    """A window of a texture at a random place and scale, flipped by chance, `width` × `height` pixels large.

    Its longer side is `least` to all of the texture's.
    """
    side = int(min(texture.shape[:2]) * random.uniform(least, 1))
    span_x, span_y = (side, max(2, side * height // width)) if width >= height else (max(2, side * width // height), side)
    left, top = random.integer(0, texture.shape[1] - span_x), random.integer(0, texture.shape[0] - span_y)
    window = texture[top : top + span_y, left : left + span_x]
    if random.chance(0.5):
        window = window[:, ::-1]
    shrinks = width < span_x
    return cv2.resize(window, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
