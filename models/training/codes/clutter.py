"""Scenes without order, and the choice among all images of things that are not codes."""

from __future__ import annotations

import cv2
import numpy as np

from .lettering import Lettering
from .negatives import (
    bookshelf,
    bricks,
    checks,
    fence,
    keyboard,
    shelf,
    stripes,
    table,
    targets,
    text_page,
)
from .ornaments import ornaments
from .random_source import RandomSource
from .textures import (
    SIDE,
    carpet,
    cloth,
    fractal_noise,
    heap,
    marbled_paper,
    perforated,
    random_texture,
    room,
    stone,
    undergrowth,
)


def clutter(random: RandomSource, lettering: Lettering) -> np.ndarray:
    """Things of many materials and sizes before each other, lit from one side: streets, rooms, crowds, meadows."""
    materials = [random_texture(random), random.pick([undergrowth, heap, room])(random), undergrowth(random)]
    materials.append(random.pick([stripes, fence, checks, bricks, text_page])(random, lettering))
    image = _landscape(random, materials)
    smooth = random.chance(0.6)
    for _ in range(random.integer(15, 130)):
        size = min(SIDE * 0.6, 7 * (1 - random.numpy.random()) ** -0.75)
        middle = np.array([random.uniform(0, SIDE), random.uniform(0, SIDE)])
        mask = np.zeros((SIDE, SIDE), np.uint8)
        count = random.integer(3, 12)
        angles = (np.arange(count) + random.numpy.random(count) * 0.8) * (2 * np.pi / count)
        reach = size * (0.4 + random.numpy.random((count, 1)))
        points = middle + np.stack([np.cos(angles), np.sin(angles) * random.uniform(0.4, 2)], 1) * reach
        cv2.fillPoly(mask, [points.astype(np.int32)], 255, cv2.LINE_AA)
        left, top = np.maximum(points.min(0).astype(int) - 8, 0)
        right, bottom = np.minimum(points.max(0).astype(int) + 8, SIDE)
        if right <= left or bottom <= top:
            continue
        window = (slice(top, bottom), slice(left, right))
        cover = mask[window]
        if smooth and size > 12:
            cover = cv2.GaussianBlur(cover, (0, 0), size * 0.12)
            cover = np.clip((cover.astype(np.float32) - 96) * 4, 0, 255).astype(np.uint8)
        if random.chance(0.4):
            filling = np.clip(random.colour() + np.zeros((bottom - top, right - left, 3)), 0, 255)
        else:
            filling = random.pick(materials)[window] * random.uniform(0.5, 1.4)
        y, x = np.mgrid[0 : bottom - top, 0 : right - left].astype(np.float32) / max(1.0, size)
        light = 1 + random.normal(0.25) * (x - x.mean()) + random.normal(0.25) * (y - y.mean())
        share = cover[..., None].astype(np.float32) / 255
        body = np.clip(filling * np.maximum(light, 0.2)[..., None], 0, 255)
        image[window] = image[window] + share * (body - image[window])
    return image if random.chance(0.5) else cv2.GaussianBlur(image, (0, 0), random.log_uniform(0.4, 2.5))


def patches(random: RandomSource, lettering: Lettering) -> np.ndarray:
    """Busy things before plain ones: a sofa, a meal, a crowd, a mountain, a bush, a printed square.

    A code is a busy thing before a plain one, too; here that is all there is.
    """
    image = random.pick([room, room, heap, stone])(random)
    if random.chance(0.3):
        image = np.full_like(image, image.mean((0, 1)))
    for _ in range(random.integer(1, 5)):
        filling = _busy(random, lettering)
        extent = np.array([random.log_uniform(0.08, 0.5), random.log_uniform(0.08, 0.5)]) * SIDE
        middle = np.array([random.uniform(0, SIDE), random.uniform(0, SIDE)])
        cover = np.zeros((SIDE, SIDE), np.uint8)
        kind = random.integer(0, 3)
        if kind == 0:
            cv2.ellipse(cover, middle.astype(int).tolist(), extent.astype(int).tolist(), random.uniform(0, 180), 0, 360, 255, -1)
        elif kind == 1:
            box = cv2.boxPoints((middle.tolist(), (2 * extent).tolist(), random.uniform(-45, 45)))
            cv2.fillConvexPoly(cover, box.astype(np.int32), 255, cv2.LINE_AA)
        else:  # an uneven outline
            y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
            reach = np.hypot((x - middle[0]) / extent[0], (y - middle[1]) / extent[1])
            reach += (fractal_noise(random, random.uniform(0.3, 0.9)) - 0.5) * random.uniform(0.5, 2)
            cover = (np.clip((1 - reach) * random.log_uniform(3, 60) + 0.5, 0, 1) * 255).astype(np.uint8)
        light = (0.5 + fractal_noise(random, 0.4))[..., None] if random.chance(0.6) else 1.0
        share = cover[..., None].astype(np.float32) / 255
        image = np.clip(image + share * (filling * light - image), 0, 255).astype(np.uint8)
    return image if random.chance(0.6) else cv2.GaussianBlur(image, (0, 0), random.log_uniform(0.4, 2.5))


def _busy(random: RandomSource, lettering: Lettering) -> np.ndarray:
    """A texture of strong contrast, fine or coarse."""
    kind = random.integer(0, 12)
    if kind <= 3:
        texture = undergrowth(random)
    elif kind <= 7:
        texture = random.pick([marbled_paper, carpet, cloth, perforated, stone])(random)
    else:
        regular = [stripes, stripes, bookshelf, bookshelf, checks, text_page, table, ornaments]
        texture = random.pick(regular)(random, lettering)
    if random.chance(0.6):
        middle = texture.mean((0, 1))
        texture = np.clip(middle + (texture - middle) * random.uniform(1, 3), 0, 255).astype(np.uint8)
    if random.chance(0.5):
        side = int(SIDE * random.uniform(0.35, 0.9))
        tile = cv2.resize(texture, (side, side), interpolation=cv2.INTER_AREA)
        repeats = -(-SIDE // side)
        texture = np.tile(tile, (repeats, repeats, 1))[:SIDE, :SIDE]
    return texture


def _landscape(random: RandomSource, materials: list[np.ndarray]) -> np.ndarray:
    """Sky over ground, wall over floor: materials one above the other with an uneven edge between them."""
    image = random.pick(materials).copy()
    for _ in range(random.integer(0, 3)):
        height = random.uniform(0.1, 0.9) * SIDE
        edge = height + (fractal_noise(random, random.uniform(0.3, 0.8))[0] - 0.5) * random.uniform(0, 0.5) * SIDE
        below = np.arange(SIDE)[:, None] > edge[None]
        image[below] = random.pick(materials)[below]
    return image if random.chance(0.8) else np.ascontiguousarray(image.transpose(1, 0, 2))


NEGATIVES = {
    stripes: 14, fence: 8, keyboard: 10, text_page: 16, checks: 12, bricks: 6, bookshelf: 10, table: 8, targets: 6,
    shelf: 10, ornaments: 16, clutter: 50, patches: 80,
}  # fmt: skip


def random_negative(random: RandomSource, lettering: Lettering) -> np.ndarray:
    """A pattern of `SIDE` × `SIDE` pixels, blue, green and red."""
    return random.pick_weighted(NEGATIVES)(random, lettering)
