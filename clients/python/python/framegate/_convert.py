"""Detections in the forms of others. Their packages are imported when they are asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas
    import supervision

    from framegate._detections import Detections, RunLengths


def mask(lengths: RunLengths) -> NDArray[np.bool_]:
    """The pixels of COCO's run lengths, which go down the columns and begin outside."""
    height, width, counts = lengths
    inside = np.arange(len(counts)) % 2 == 1
    return np.repeat(inside, counts).reshape(width, height).T


def tensor(shape: Sequence[int], data: Sequence[float]) -> NDArray[np.float32]:
    """An output; of one that is very long only the beginning is there, as a flat array."""
    values = np.array(data, dtype=np.float32)
    return values.reshape(shape) if math.prod(shape) == len(data) else values


def to_supervision(detections: Detections) -> supervision.Detections:
    import supervision

    return supervision.Detections(
        xyxy=detections.xyxy,
        mask=detections.masks,
        confidence=detections.confidence,
        class_id=detections.class_id,
        tracker_id=detections.track_id,
        data={"class_name": np.array(detections.labels, dtype=np.str_)},
    )


def to_coco(detections: Detections, image_id: int, category_ids: Sequence[int] | None) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for index, found in enumerate(detections):
        left, top, right, bottom = found.xyxy
        entry: dict[str, Any] = {
            "image_id": image_id,
            "category_id": found.class_id if category_ids is None else category_ids[found.class_id],
            "bbox": [left, top, right - left, bottom - top],
            "score": found.confidence,
        }
        if found.keypoints is not None:
            entry["keypoints"] = found.keypoints.flatten().tolist()
        lengths = detections.run_lengths and detections.run_lengths[index]
        if lengths:
            height, width, counts = lengths
            entry["segmentation"] = {"size": [height, width], "counts": counts}
        entries.append(entry)
    return entries


def to_pandas(detections: Detections) -> pandas.DataFrame:
    import pandas

    columns: dict[str, Any] = {
        "label": detections.labels,
        "class_id": detections.class_id,
        "confidence": detections.confidence,
        **dict(zip(("left", "top", "right", "bottom"), detections.xyxy.T, strict=True)),
    }
    if detections.track_id is not None:
        columns["track_id"] = detections.track_id
    if detections.text is not None:
        columns["text"] = detections.text
    return pandas.DataFrame(columns)
