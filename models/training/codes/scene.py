"""A scene before the camera: surfaces with codes before a background, hands and pens before them."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from .classes import LINEAR
from .drawing import natural_aspect
from .foreground import add_foreground
from .frame import Frame, composite
from .geometry import Bend, bounding_box, dense_outline, project, tilt
from .label_print import Print, print_code
from .pools import Pools
from .random_source import RandomSource
from .surface import Surface, random_window
from .symbols import random_symbol

LONGEST_CANVAS = 1100
"""Longer side of the largest canvas, in pixels."""


def code_length(random: RandomSource) -> float:
    """Longer side of a code as a share of the frame's longer side."""
    if random.chance(0.58):
        return random.uniform(0.33, 0.98)
    return random.log_uniform(0.037, 0.6)


def make_scene(width: int, height: int, random: RandomSource, pools: Pools) -> Frame:
    """A scene with one to many codes."""
    frame = Frame(background(width, height, random, pools), [])
    count = 1 if random.chance(0.8) else random.integer(2, 4)
    for _ in range(count):
        length = code_length(random) if count == 1 else random.log_uniform(0.045, 0.4)
        add_surface(frame, length * max(width, height), random, pools)
    if random.chance(0.14):
        add_foreground(frame, random)
    return frame


def make_empty_scene(width: int, height: int, random: RandomSource, pools: Pools) -> Frame:
    """A scene without codes."""
    frame = Frame(background(width, height, random, pools, negative_share=0.85), [])
    for _ in range(random.pick([0, 0, 0, 1, 1, 2])):
        add_surface(frame, random.uniform(0.2, 0.9) * max(width, height), random, pools, empty=True)
    if random.chance(0.2):
        add_foreground(frame, random)
    return frame


def make_plain_print(width: int, height: int, random: RandomSource, pools: Pools) -> Frame:
    """A code as software draws it: upright, nothing or little around it, no camera."""
    ground = np.full(3, 255.0) if random.chance(0.8) else random.colour()
    if random.chance(0.25):
        return make_document(width, height, random, pools)
    frame = Frame(np.full((height, width, 3), np.clip(ground, 0, 255), np.uint8), [])
    symbol = random_symbol(random, LINEAR if width > 3 * height and random.chance(0.8) else None)
    aspect = natural_aspect(symbol, random)
    share = 1.0 if random.chance(0.45) else random.log_uniform(0.12, 1)
    if width > 3 * height and symbol.is_stackless:  # the image is hardly more than the code
        aspect, share = height / width * random.uniform(0.6, 1.1), 1.0
    for shrink in (1, 0.8, 0.6, 0.4):
        code_width = int(min(width, height / aspect) * share * shrink)
        made = print_code(symbol, max(8, code_width), max(4, int(code_width * aspect)), random, pools)
        if made.image.shape[1] <= width and made.image.shape[0] <= height:
            break
        code = made.codes[0].outline.astype(int)
        if share == 1 and shrink == 1 and code[2, 0] - code[0, 0] >= min(width, height) * 0.3:
            # Fills the frame to its edge: only the code, without all that surrounds it.
            left, top = code[0]
            image = np.ascontiguousarray(made.image[top : code[2, 1], left : code[2, 0]][:height, :width])
            made = Print(image, [made.codes[0].moved(made.codes[0].outline - (left, top))])
            break
    made_height, made_width = made.image.shape[:2]
    if made_width > width or made_height > height:
        return frame
    left, top = random.integer(0, width - made_width), random.integer(0, height - made_height)
    frame.image[top : top + made_height, left : left + made_width] = made.image
    frame.codes = [code.moved(code.outline + (left, top)) for code in made.codes]
    return frame


def make_document(width: int, height: int, random: RandomSource, pools: Pools) -> Frame:
    """A page as software draws it, with several codes and text."""
    page = Surface(width, height, random, pools)
    label = random_symbol(random).label if random.chance(0.5) else None
    for _ in range(random.integer(1, 6)):
        symbol = random_symbol(random, label)
        aspect = natural_aspect(symbol, random)
        length = random.log_uniform(0.12, 0.6) * max(width, height)
        code_width = max(6, int(length if aspect <= 1 else length / aspect))
        page.add_code(symbol, code_width, max(3, int(code_width * aspect)))
    page.furnish(random.uniform(8, 20), random.uniform(0, 12))
    return Frame(page.image, page.codes)


def background(
    width: int, height: int, random: RandomSource, pools: Pools, negative_share: float = 0.25
) -> np.ndarray:
    """Something to be behind, or a look-alike of codes that fills the frame."""
    if random.chance(0.18) and negative_share < 0.5:
        return np.full((height, width, 3), np.clip(random.colour(), 0, 255), np.uint8)
    negative = random.chance(negative_share)
    texture = random.pick(pools.negatives if negative else pools.textures)
    if not random.chance(0.5 if negative else 0.2):
        return random_window(texture, random, width, height, least=0.5 if negative else 0.3)
    side = texture.shape[0]
    corners = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float64)
    homography = tilt(random, corners, np.array([side / 2, side / 2]), side)
    scale = max(width, height) * random.uniform(1.1, 2.2)
    place = np.array([[scale, 0, width / 2], [0, scale, height / 2], [0, 0, 1]])
    return cv2.warpPerspective(
        texture, place @ homography, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )


def add_surface(frame: Frame, length: float, random: RandomSource, pools: Pools, empty: bool = False) -> None:
    """Adds a surface whose main code is about `length` pixels long in the frame."""
    oversampling = random.uniform(1, 1.35) if random.chance(0.7) else random.uniform(1.35, 2.4)
    surface, hero = _print_surface(frame, length * oversampling, random, pools, empty)
    canvas = surface.image
    height, width = canvas.shape[:2]
    outlines = [dense_outline(code.outline) for code in surface.codes]
    hero_outline = dense_outline(hero)
    if random.chance(0.25):
        bend = Bend(width, height, random)
        canvas = bend.apply(canvas)
        outlines = [bend.move(outline) for outline in outlines]
        hero_outline = bend.move(hero_outline)
    is_cut = not empty and surface.codes[0].rows_alike and random.chance(0.25)
    homography = _aim(frame, (width, height), hero_outline, length, random, is_cut)
    composite(frame, canvas, homography, random)
    added = []
    for code, outline in zip(surface.codes, outlines):
        seen = project(homography, outline)
        shrink = np.ptp(seen, 0).max() / max(1e-6, np.ptp(outline, 0).max())
        added.append(replace(code, outline=seen, pitch=code.pitch * shrink))
    frame.codes += added


def _print_surface(
    frame: Frame, length: float, random: RandomSource, pools: Pools, empty: bool
) -> tuple[Surface, np.ndarray]:
    """A surface with its main code `length` pixels long, and the outline of that code (or of its empty place)."""
    symbol = random_symbol(random)
    aspect = natural_aspect(symbol, random)
    code_width = max(6, int(length if aspect <= 1 else length / aspect))
    code_height = max(3, int(code_width * aspect))
    limit = int(min(LONGEST_CANVAS, 2.2 * max(length, 0.6 * max(frame.width, frame.height))))
    extent = 1 if random.chance(0.2) else random.uniform(1, 4) if random.chance(0.5) else 12
    made = print_code(symbol, code_width, code_height, random, pools)
    height, width = made.image.shape[:2]
    canvas_width = max(width, min(limit, int(width * random.uniform(1, 1.4) * extent)))
    canvas_height = max(height, min(limit, int(height * random.uniform(1, 1.6) * extent)))
    surface = Surface(canvas_width, canvas_height, random, pools)
    if random.chance(0.35):  # printed on the ground itself
        made = print_code(symbol, code_width, code_height, random, pools, surface.image.mean((0, 1)))
        height, width = made.image.shape[:2]
    if random.chance(0.12):
        made = _quarter_turn(made)
        height, width = made.image.shape[:2]
    place = surface.find_room(width, height)
    if place is None:
        surface = Surface(max(canvas_width, width), max(canvas_height, height), random, pools)
        place = (0, 0)
    if not empty:
        surface.paste(made, *place)
    hero = made.codes[0].outline + place
    room = surface.image.shape[0] * surface.image.shape[1] / max(1, width * height)
    if room > 1.8 or empty:
        size = random.log_uniform(0.05, 0.2) * max(length, 60)
        if not empty and random.chance(0.3):
            _add_more_codes(surface, length, random)
        surface.furnish(size, random.uniform(0, 9) if random.chance(0.5) else random.uniform(6, 26))
    return surface, hero


def _add_more_codes(surface: Surface, length: float, random: RandomSource) -> None:
    same_kind = random.chance(0.5)
    label = random_symbol(random).label if same_kind else None
    for _ in range(random.integer(1, 6)):
        symbol = random_symbol(random, label)
        aspect = natural_aspect(symbol, random)
        other = length * random.log_uniform(0.35, 1.2)
        width = max(6, int(other if aspect <= 1 else other / aspect))
        surface.add_code(symbol, width, max(3, int(width * aspect)))


def _quarter_turn(made: Print) -> Print:
    height = made.image.shape[0]
    turned = np.ascontiguousarray(made.image.transpose(1, 0, 2)[:, ::-1])
    codes = [
        code.moved(np.stack([height - code.outline[:, 1], code.outline[:, 0]], 1)) for code in made.codes
    ]
    return Print(turned, codes)


def _aim(
    frame: Frame, canvas: tuple[int, int], hero: np.ndarray, length: float, random: RandomSource, is_cut: bool
) -> np.ndarray:
    """The homography from the canvas to the frame that shows the code `hero` at the wanted length.

    With `is_cut` an edge of the frame takes the upper or lower end of its bars.
    """
    width, height = canvas
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    centre = (hero.min(0) + hero.max(0)) / 2
    homography = tilt(random, corners, centre, max(width, height))
    box = bounding_box(project(homography, hero))
    size = box[2:] - box[:2]
    scale = length / size.max()
    size = size * scale
    fit = min(1, frame.width * 0.99 / size[0], frame.height * 0.99 / size[1])
    scale, size = scale * fit, size * fit
    spare = np.array([frame.width, frame.height]) - size
    where = np.array([random.uniform(0, 1), random.uniform(0, 1)])
    if random.chance(0.6):
        where = 0.5 + (where - 0.5) * 0.5
    corner = spare * where
    if random.chance(0.05):  # partly out of the frame
        corner = spare * where + (random.uniform(-0.5, 0.5) * size[0], random.uniform(-0.5, 0.5) * size[1])
    if is_cut:
        along = np.diff(project(homography, hero[[0, -(len(hero) // 4)]]), axis=0)[0]
        axis = int(np.abs(along).argmax())
        hidden = size[axis] * random.uniform(0.2, 0.85)
        corner[axis] = -hidden if random.chance(0.5) else (frame.width, frame.height)[axis] - size[axis] + hidden
    shift = corner - box[:2] * scale
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]], [0, 0, 1]]) @ homography
