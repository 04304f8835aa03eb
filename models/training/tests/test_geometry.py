"""Boxes lie where the pixels are: after tilting, bending and letterboxing."""

import cv2
import numpy as np

from codes.frame import Frame
from codes.geometry import (
    Bend,
    bounding_box,
    clip_box,
    dense_outline,
    project,
    share_inside,
    share_of_whole_rows,
    tilt,
    visible_box,
)
from codes.label_print import PlacedCode, rectangle_outline
from codes.sample import letterbox, make_sample
from codes.pools import Pools
from codes.random_source import RandomSource

WIDTH, HEIGHT = 400, 300
MARK = rectangle_outline(150, 100, 120, 80)


def marked_canvas() -> np.ndarray:
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    canvas[100:180, 150:270] = 255
    return canvas


def box_of_pixels(image: np.ndarray, least: int) -> np.ndarray:
    rows, columns = np.nonzero(image.max(2) > least)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], float)


def test_a_tilted_code_is_where_its_outline_says() -> None:
    corners = rectangle_outline(0, 0, WIDTH, HEIGHT)
    for index in range(60):
        homography = tilt(RandomSource(5, index), corners, np.array([210.0, 140.0]), WIDTH)
        place = np.array([[500.0, 0, 300], [0, 500.0, 300], [0, 0, 1]]) @ homography
        seen = cv2.warpPerspective(marked_canvas(), place, (600, 600))
        expected = bounding_box(project(place, MARK))
        assert np.abs(expected - box_of_pixels(seen, 100)).max() < 2.5, index


def test_a_bent_code_is_where_its_outline_says() -> None:
    moved = 0
    for index in range(60):
        bend = Bend(WIDTH, HEIGHT, RandomSource(6, index))
        outline = bend.move(dense_outline(MARK, 40))
        error = np.abs(bounding_box(outline) - box_of_pixels(bend.apply(marked_canvas()), 30)).max()
        assert error < 4, (index, error)
        moved += np.abs(outline - dense_outline(MARK, 40)).max() > 4
    assert moved > 20


def test_shares_and_clipping() -> None:
    box = np.array([-50.0, 0, 50, 100])
    assert share_inside(box, 200, 200) == 0.5
    assert clip_box(box, 200, 80).tolist() == [0, 0, 50, 80]


def test_letterboxing_asks_only_for_what_can_be_seen() -> None:
    frame = Frame(
        np.zeros((208, 416, 3), np.uint8),
        [
            PlacedCode(0, rectangle_outline(10, 10, 100, 100), 3),
            PlacedCode(1, rectangle_outline(-60, 10, 100, 100), 3),  # mostly out of the frame
            PlacedCode(2, rectangle_outline(200, 20, 9, 9), 0.5),  # too small
            PlacedCode(3, rectangle_outline(200, 60, 90, 90), 0.1),  # its modules are too narrow
            PlacedCode(4, rectangle_outline(500, 60, 90, 90), 3),  # gone
        ],
    )
    sample = letterbox(frame, 416)
    assert sample.labels.tolist() == [0, -1, -1, -1]
    assert sample.boxes[0].tolist() == [10, 10, 110, 110]
    assert (sample.image[208:] == 114).all() and (sample.image[:208] == 0).all()


def test_a_image_is_a_function_of_the_seed() -> None:
    pools = [Pools(1, 0, share=0.05) for _ in range(2)]
    labels = set()
    for index in range(40):
        first, second = (make_sample(416, RandomSource(9, index), each) for each in pools)
        assert np.array_equal(first.image, second.image) and np.array_equal(first.boxes, second.boxes)
        assert first.image.shape == (416, 416, 3) and len(first.boxes) == len(first.labels)
        assert (first.boxes >= 0).all() and (first.boxes <= 416).all()
        labels.update(first.labels.tolist())
    assert labels >= {0, 1, 2, 3, 4}


def test_linear_codes_are_asked_for_while_the_frame_shows_every_bar() -> None:
    black = np.zeros((208, 416, 3), np.uint8)

    def seen(outline: np.ndarray, rows_alike: bool = True) -> tuple[list[int], list[list[float]]]:
        sample = letterbox(Frame(black, [PlacedCode(4, outline, 2, rows_alike)]), 416)
        return sample.labels.tolist(), sample.boxes.round().tolist()

    below = rectangle_outline(50, 180, 200, 90)  # the frame ends at 208: a strip of 28 pixels is left
    assert seen(below) == ([4], [[50, 180, 250, 208]])
    assert seen(dense_outline(below)) == ([4], [[50, 180, 250, 208]])
    assert seen(below, rows_alike=False)[0] == [-1]
    assert seen(rectangle_outline(50, 204, 200, 90))[0] == [-1]  # too thin a strip
    assert seen(rectangle_outline(-100, 50, 200, 90))[0] == [-1]  # bars are missing
    standing = np.roll(rectangle_outline(380, 20, 90, 150), 1, axis=0)  # its bars lie, the frame ends at 416
    assert seen(standing) == ([4], [[380, 20, 416, 170]])
    assert seen(np.roll(standing, 1, axis=0))[0] == [-1]  # its bars stand


def test_the_box_of_what_is_visible_follows_a_slanting_outline() -> None:
    slanting = np.array([[100.0, 100], [300, 100], [400, 300], [200, 300]])
    left, top, right, bottom = visible_box(slanting, 500, 200)
    assert np.allclose([left, top, right, bottom], [100, 100, 350, 200])
    assert np.allclose(visible_box(slanting, 200, 500), [100, 100, 200, 300])
    assert np.allclose(visible_box(rectangle_outline(-9, -9, 99, 99), 50, 60), [0, 0, 50, 60])
    assert visible_box(slanting, 90, 90) is None
    assert abs(share_of_whole_rows(slanting, 500, 200) - 0.5) < 0.03
    assert share_of_whole_rows(slanting, 500, 300) == 1
    assert share_of_whole_rows(slanting, 150, 300) == 0
