"""Surfaces without meaning: stone, wood, cloth, carpet, marbled paper, heaps of things."""

from __future__ import annotations

import cv2
import numpy as np

from .random_source import RandomSource

SIDE = 512
"""Width and height of every texture, in pixels."""


def fractal_noise(random: RandomSource, roughness: float | None = None, stretch: float = 1) -> np.ndarray:
    """Noise of all scales, 0 to 1; `roughness` is the amplitude of a scale over that of the one twice as large."""
    roughness = random.uniform(0.35, 0.95) if roughness is None else roughness
    field = np.zeros((SIDE, SIDE), np.float32)
    amplitude = 1.0
    for cells in (3, 6, 12, 25, 50, 100, 200, 400):
        grid = random.numpy.standard_normal((cells, max(2, int(cells / stretch)))).astype(np.float32)
        field += amplitude * cv2.resize(grid, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        amplitude *= roughness
    return cv2.normalize(field, None, 0, 1, cv2.NORM_MINMAX)


def between(field: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The colour `first` where `field` is 0, `second` where it is 1."""
    table = np.clip(first + np.linspace(0, 1, 256)[:, None] * (second - first), 0, 255).astype(np.uint8)
    return table[(np.clip(field, 0, 1) * 255).astype(np.uint8)]


def two_tone(random: RandomSource, contrast: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Two colours of one material, often grey."""
    base = random.colour(15, 240)
    if random.chance(0.4):
        base = np.full(3, base.mean())
    contrast = random.uniform(20, 150) if contrast is None else contrast
    step = contrast if base.mean() < 128 else -contrast
    return base, base + step + random.colour(-15, 15)


def stone(random: RandomSource) -> np.ndarray:
    return between(fractal_noise(random), *two_tone(random))


def grain(random: RandomSource) -> np.ndarray:
    """Sand, felt, paper: noise of one fine scale."""
    noise = random.numpy.standard_normal((SIDE, SIDE)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), random.log_uniform(0.4, 5))
    return between(0.5 + noise / noise.std() * random.uniform(0.05, 0.3), *two_tone(random))


def wood(random: RandomSource) -> np.ndarray:
    field = fractal_noise(random, random.uniform(0.6, 0.95), stretch=random.uniform(6, 30))
    rings = 0.5 + 0.5 * np.sin(field * random.uniform(10, 60))
    brown = np.array([random.uniform(20, 90), random.uniform(60, 130), random.uniform(110, 190)])
    image = between(rings * 0.4 + field * 0.6, brown * random.uniform(0.3, 0.8), brown + 30)
    return image if random.chance(0.5) else np.ascontiguousarray(image.transpose(1, 0, 2))


def marbled_paper(random: RandomSource) -> np.ndarray:
    """Blotches of two tones with sharp edges, round or drawn out as a zebra's stripes."""
    fine = random.log_uniform(1.5, 9)
    stretch = random.log_uniform(1.5, 8) if random.chance(0.5) else 1
    noise = random.numpy.standard_normal((SIDE, int(SIDE / stretch))).astype(np.float32)
    band = cv2.GaussianBlur(noise, (0, 0), fine) - cv2.GaussianBlur(noise, (0, 0), fine * random.uniform(1.3, 3))
    band = cv2.resize(band, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    if random.chance(0.5):
        band = np.ascontiguousarray(band.T)
    level = random.uniform(-0.6, 0.6) * band.std()
    field = np.clip((band - level) / band.std() * random.uniform(3, 20) + 0.5, 0, 1)
    return between(field, *two_tone(random, random.uniform(80, 230)))


def cloth(random: RandomSource) -> np.ndarray:
    """Woven or knitted threads, blurred by chance, with the weave disturbed."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    bend = (fractal_noise(random, 0.4) - 0.5) * random.uniform(0, 40)
    pitch = random.log_uniform(3, 24)
    slant = random.uniform(-1, 1) if random.chance(0.4) else 0
    u, v = (x + slant * y + bend) * (2 * np.pi / pitch), (y + bend) * (2 * np.pi / pitch / random.uniform(0.4, 2.5))
    weave = random.integer(0, 3)
    if weave == 0:
        field = 0.5 + 0.25 * (np.sin(u) + np.sin(v))
    elif weave == 1:
        field = 0.5 + 0.5 * np.sin(u) * np.sin(v)
    elif weave == 2:
        field = 0.5 + 0.5 * np.sin(u + random.uniform(0.5, 2) * np.sin(v))
    else:
        field = np.where(np.sin(u / 8) * np.sin(v / 8) > 0, np.sin(u), np.sin(v)) * 0.5 + 0.5
    field = field * random.uniform(0.4, 1) + (fractal_noise(random, 0.95) - 0.5) * random.uniform(0.2, 1.4)
    return between(field, *two_tone(random))


def carpet(random: RandomSource) -> np.ndarray:
    """Rows of broken dark and light dashes, as of loop pile."""
    height, width = random.integer(2, 7), random.integer(2, 24)
    cells = random.numpy.random((SIDE // height + 1, SIDE // width + 1)).astype(np.float32)
    field = cv2.resize(cells, None, fx=width, fy=height, interpolation=random.pick([cv2.INTER_NEAREST, cv2.INTER_LINEAR]))
    field = field[:SIDE, :SIDE]
    field = field + 0.35 * np.sin(np.arange(SIDE, dtype=np.float32) * (2 * np.pi / height))[:, None]
    field = 0.5 + (field - 0.5) * random.uniform(0.3, 1.6)
    field += (fractal_noise(random, 0.9) - 0.5) * random.uniform(0, 1)
    return between(cv2.GaussianBlur(field, (0, 0), random.uniform(0.4, 1.6)), *two_tone(random))


def perforated(random: RandomSource) -> np.ndarray:
    """A lattice of holes, dots or squares."""
    pitch = random.integer(6, 40)
    tile = np.zeros((pitch * 4, pitch * 4), np.uint8)
    radius = int(pitch * 4 * random.uniform(0.15, 0.48))
    centre = pitch * 2
    if random.chance(0.6):
        cv2.circle(tile, (centre, centre), radius, 255, -1)
    else:
        cv2.rectangle(tile, (centre - radius, centre - radius), (centre + radius, centre + radius), 255, -1)
    tile = cv2.resize(tile, (pitch, pitch), interpolation=cv2.INTER_AREA)
    count = SIDE // pitch + 2
    rows = [np.roll(np.tile(tile, (1, count)), pitch // 2 * (row % 2) * random.integer(0, 1), axis=1) for row in range(count)]
    field = np.vstack(rows)[:SIDE, :SIDE].astype(np.float32) / 255
    return between(field, *two_tone(random, random.uniform(60, 220)))


def heap(random: RandomSource) -> np.ndarray:
    """Overlapping shapes of all sizes: the statistics of a photograph of many things."""
    image = np.full((SIDE, SIDE, 3), random.colour(), np.uint8)
    palette = [random.colour() for _ in range(random.integer(3, 12))]
    if random.chance(0.3):
        palette = [np.full(3, colour.mean()) for colour in palette]
    for _ in range(random.integer(40, 260)):
        size = min(SIDE * 0.7, 6 * (1 - random.numpy.random()) ** -0.8)
        centre = (random.integer(0, SIDE), random.integer(0, SIDE))
        colour = np.clip(random.pick(palette) + random.normal(15), 0, 255).tolist()
        kind = random.integer(0, 2)
        if kind == 0:
            axes = (int(size), int(size * random.uniform(0.2, 1)))
            cv2.ellipse(image, centre, axes, random.uniform(0, 180), 0, 360, colour, -1, cv2.LINE_AA)
        elif kind == 1:
            box = cv2.boxPoints((centre, (size * 2, size * random.uniform(0.1, 2)), random.uniform(-20, 20)))
            cv2.fillPoly(image, [box.astype(np.int32)], colour, cv2.LINE_AA)
        else:
            angles = np.sort(random.numpy.random(random.integer(3, 7))) * 2 * np.pi
            points = np.stack([np.cos(angles), np.sin(angles)], 1) * size + centre
            cv2.fillPoly(image, [points.astype(np.int32)], colour, cv2.LINE_AA)
    shade = (0.6 + 0.8 * fractal_noise(random, random.uniform(0.3, 0.9)))[..., None]
    image = np.clip(image * shade, 0, 255).astype(np.uint8)
    return cv2.GaussianBlur(image, (0, 0), random.log_uniform(0.3, 6))


def room(random: RandomSource) -> np.ndarray:
    """Large plain areas with soft shading, as of walls, desks and sky."""
    image = np.full((SIDE, SIDE, 3), random.colour(30, 240), np.float32)
    for _ in range(random.integer(1, 6)):
        angle, cut = random.uniform(0, np.pi), random.uniform(0.1, 0.9) * SIDE
        y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
        side = np.clip((x * np.cos(angle) + y * np.sin(angle) - cut) / random.log_uniform(1, 60), 0, 1)[..., None]
        image = image * (1 - side) + random.colour(10, 245).astype(np.float32) * side
    shade = 0.7 + 0.6 * fractal_noise(random, random.uniform(0.1, 0.5))
    return np.clip(image * shade[..., None], 0, 255).astype(np.uint8)


def undergrowth(random: RandomSource) -> np.ndarray:
    """Grass, leaves, hair, pebbles, food: thousands of small things in light and shadow, none like another."""
    palette = [random.colour(10, 220) for _ in range(random.integer(2, 6))]
    if random.chance(0.3):
        palette = [np.full(3, colour.mean()) for colour in palette]
    light = fractal_noise(random, random.uniform(0.4, 0.9))
    image = between(light, palette[0] * 0.2, palette[-1] * random.uniform(0.5, 1))
    size, slimness = random.log_uniform(2.5, 16), random.uniform(0.08, 1)
    direction, spread = random.uniform(0, 180), random.log_uniform(8, 120)
    count = int(min(3000, 2 * SIDE * SIDE / (size * size * max(0.25, slimness))))
    places = random.numpy.integers(0, SIDE, (count, 2)).tolist()
    sizes = size * np.exp(random.numpy.standard_normal(count) * 0.5)
    tones = random.numpy.standard_normal((count, 1)) * random.uniform(5, 45)
    colours = np.array(palette)[random.numpy.integers(0, len(palette), count)]
    angles = direction + random.numpy.standard_normal(count) * spread
    shape = random.integer(0, 2)
    for place, length, tone, colour, angle in zip(places, sizes, tones, colours, angles.tolist()):
        shade = 0.25 + 1.3 * light[place[1], place[0]]
        colour = np.clip(colour * shade + tone, 0, 255).tolist()
        axes = (max(1, int(length)), max(1, int(length * slimness)))
        if shape == 0:
            cv2.ellipse(image, place, axes, angle, 0, 360, colour, -1, cv2.LINE_AA)
        elif shape == 1:
            cv2.ellipse(image, place, axes, angle, 0, 180, colour, max(1, axes[1] // 3), cv2.LINE_AA)
        else:
            reach = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))]) * length * 2
            end = (place + reach).astype(int).tolist()
            cv2.line(image, place, end, colour, max(1, axes[1] // 2), cv2.LINE_AA)
    return image if random.chance(0.6) else cv2.GaussianBlur(image, (0, 0), random.log_uniform(0.5, 3))


TEXTURES = {
    stone: 8, grain: 8, wood: 7, marbled_paper: 8, cloth: 12, carpet: 10, perforated: 7, heap: 22, room: 18,
    undergrowth: 22,
}  # fmt: skip


def random_texture(random: RandomSource) -> np.ndarray:
    """A texture of `SIDE` × `SIDE` pixels, blue, green and red."""
    return random.pick_weighted(TEXTURES)(random)
