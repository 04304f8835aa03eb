"""The options as keywords, for type checkers."""

from __future__ import annotations

from typing import TypedDict

from framegate._image import Channels, Classes


class OptionKeywords(TypedDict, total=False):
    """The fields of :class:`framegate.Options`."""

    pipeline_id: str | None
    conf: float | None
    iou: float | None
    classes: Classes | None
    max_det: int | None
    text: bool | None
    track: bool
    fps: float
    channels: Channels
    quality: int
