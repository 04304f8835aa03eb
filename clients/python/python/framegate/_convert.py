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
        data=_data(detections),
    )


def _data(detections: Detections) -> dict[str, NDArray[Any]]:
    """What supervision has no place of its own for; "xyxyxyxy" is where its annotators look for corners."""
    data: dict[str, NDArray[Any]] = {"class_name": np.array(detections.labels, dtype=np.str_)}
    arrays = {"xyxyxyxy": detections.corners, "angle": detections.angle, "keypoints": detections.keypoints}
    data |= {key: values for key, values in arrays.items() if values is not None}
    words = {"text": detections.text, "format": detections.format, "content": detections.content}
    return data | {key: np.array(values, dtype=object) for key, values in words.items() if values is not None}


def to_coco(
    detections: Detections, image_id: int | np.integer, category_ids: Sequence[int] | NDArray[np.integer] | None
) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for index, found in enumerate(detections):
        left, top, right, bottom = found.xyxy
        entry: dict[str, Any] = {
            "image_id": int(image_id),
            "category_id": found.class_id if category_ids is None else int(category_ids[found.class_id]),
            "bbox": [left, top, right - left, bottom - top],
            "score": found.confidence,
        }
        if found.keypoints is not None:
            entry["keypoints"] = found.keypoints.flatten().tolist()
        lengths = detections.run_lengths and detections.run_lengths[index]
        if lengths:
            entry["segmentation"] = _run_lengths(lengths)
        entries.append(entry)
    return entries


def _run_lengths(lengths: RunLengths) -> dict[str, Any]:
    height, width, counts = lengths
    return {"size": [height, width], "counts": counts}


def to_pandas(detections: Detections) -> pandas.DataFrame:
    import pandas

    columns: dict[str, Any] = {
        "label": detections.labels,
        "class_id": detections.class_id,
        "confidence": detections.confidence,
        **dict(zip(("left", "top", "right", "bottom"), detections.xyxy.T, strict=True)),
    }
    for name in ("track_id", "text", "format", "content", "angle"):
        columns[name] = getattr(detections, name)
    for name in ("corners", "keypoints"):
        points = getattr(detections, name)
        columns[name] = None if points is None else points.tolist()
    masks = detections.run_lengths
    columns["mask"] = None if masks is None else [lengths and _run_lengths(lengths) for lengths in masks]
    columns = {name: values for name, values in columns.items() if values is not None}
    return pandas.DataFrame(columns)
