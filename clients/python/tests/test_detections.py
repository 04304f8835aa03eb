"""Detections as arrays, and in the forms of others."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import framegate
import numpy as np
import pytest


def detections() -> framegate.Detections:
    """Two objects in an image of 4 × 3 pixels, of which one has a mask."""
    return framegate.Detections(
        xyxy=np.array([[0, 0, 2, 3], [1, 1, 4, 2]], np.float32),
        confidence=np.array([0.9, 0.5], np.float32),
        class_id=np.array([2, 0], np.int64),
        labels=["car", "person"],
        size=(4, 3),
        track_id=np.array([7, 8], np.int64),
        keypoints=np.arange(12, dtype=np.float32).reshape(2, 2, 3),
        text=["K 1", None],
        format=[None, None],
        content=["gs1", None],
        run_lengths=[(3, 4, [1, 2, 9]), None],
    )


def test_one_and_several_are_taken_out() -> None:
    found = detections()
    assert len(found) == 2
    first, second = found
    assert (first.label, first.class_id, first.track_id) == ("car", 2, 7)
    assert first.xyxy == (0, 0, 2, 3) and found[-1].label == second.label == "person"
    assert second.mask is None and second.keypoints is not None and second.keypoints.tolist()[1] == [9, 10, 11]
    for part in (found[found.confidence > 0.7], found[:1], found[[0]]):
        assert part.labels == ["car"] and part.xyxy.shape == (1, 4)
        assert part.track_id is not None and part.track_id.tolist() == [7]
        assert part.run_lengths == [(3, 4, [1, 2, 9])]
        assert part.text == ["K 1"]
        assert part.content == ["gs1"]
    assert (first.text, second.text, first.format) == ("K 1", None, None)
    assert (first.content, second.content) == ("gs1", None)
    assert len(found[found.confidence > 0.95]) == len(found[[]]) == len(found[5:]) == 0
    with pytest.raises(IndexError):
        found[2]
    scalar: Any = np.array(1)
    assert found[scalar].label == "person"
    pair: Any = (0, 1)
    with pytest.raises(TypeError, match="one axis"):
        found[pair]


def test_masks_go_down_the_columns() -> None:
    masks = detections().masks
    assert masks is not None and masks.shape == (2, 3, 4)
    assert np.argwhere(masks).tolist() == [[0, 1, 0], [0, 2, 0]]
    assert detections()[[1, 0]].masks is not None


def test_the_form_of_coco() -> None:
    car, person = detections().to_coco(17, category_ids=[1, 2, 3])
    assert car["bbox"] == [0, 0, 2, 3] and car["category_id"] == 3 and car["image_id"] == 17
    assert car["segmentation"] == {"size": [3, 4], "counts": [1, 2, 9]} and "segmentation" not in person
    assert person["category_id"] == 1 and person["score"] == 0.5 and len(person["keypoints"]) == 6
    assert detections().to_coco(1)[0]["category_id"] == 2
    of_numpy = detections().to_coco(np.int64(17), np.array([1, 2, 3]))
    assert json.loads(json.dumps(of_numpy)) == detections().to_coco(17, [1, 2, 3])


def test_the_form_of_supervision() -> None:
    pytest.importorskip("supervision", reason="supervision is not installed")
    found = detections().to_supervision()
    assert len(found) == 2 and found.tracker_id.tolist() == [7, 8]
    assert found["class_name"].tolist() == ["car", "person"]
    assert found.mask is not None and found.mask.sum() == 2
    assert found["content"].tolist() == ["gs1", None]
    assert found["text"].tolist() == ["K 1", None] and found["keypoints"].shape == (2, 2, 3)
    corners = np.arange(16, dtype=np.float32).reshape(2, 4, 2)
    oriented = replace(detections(), corners=corners, angle=np.zeros(2, np.float32)).to_supervision()
    assert oriented["xyxyxyxy"].tolist() == corners.tolist() and oriented["angle"].tolist() == [0, 0]
    nothing = detections()[[False, False]]
    assert len(nothing.to_supervision()) == 0


def test_the_form_of_pandas() -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    table = detections().to_pandas()
    assert table[table.label == "car"].right.tolist() == [2]
    assert table.track_id.tolist() == [7, 8] and table.text[0] == "K 1" and table.content[0] == "gs1"
    assert table["mask"].tolist() == [{"size": [3, 4], "counts": [1, 2, 9]}, None]
    assert table.keypoints[1] == [[6, 7, 8], [9, 10, 11]] and "angle" not in table
    everything = replace(
        detections(), angle=np.zeros(2, np.float32), corners=np.zeros((2, 4, 2), np.float32), format=["qr_code", None]
    ).to_pandas()
    assert {"angle", "corners", "format"} <= set(everything.columns) and everything.format[0] == "qr_code"


def test_tracks_last_over_frames_that_were_left_out() -> None:
    tracker = framegate.Tracker()

    def at(left: float, order: list[int]) -> framegate.Detections:
        boxes = np.array([[left, 0, left + 40, 80], [300, 0, 340, 80]], np.float32)
        return framegate.Detections(
            xyxy=boxes[order],
            confidence=np.array([0.9, 0.9], np.float32),
            class_id=np.zeros(2, np.int64),
            labels=["person", "person"],
            size=(640, 480),
        )

    numbers = []
    for seconds, left, order in [(5.0, 0, [0, 1]), (5.1, 5, [1, 0]), (5.2, 10, [0, 1]), (5.6, 30, [1, 0])]:
        track_id = tracker.update(at(left, order), seconds).track_id
        assert track_id is not None
        numbers.append(track_id[np.argsort(order)].tolist())
    assert numbers == [[1, 2]] * 4
    with pytest.raises(ValueError, match="before the first frame"):
        tracker.update(at(0, [0, 1]), 1.0)
