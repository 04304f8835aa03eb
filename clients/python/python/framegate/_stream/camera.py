"""Cameras, and the frames that are read from them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any, Protocol, TypeAlias, runtime_checkable

from framegate._image import Image
from framegate._stream.keywords import OptionKeywords


@runtime_checkable
class Capture(Protocol):
    """What is read as OpenCV's ``VideoCapture`` is: whether there is another frame, and the frame."""

    def read(self) -> tuple[bool, Any]: ...


Camera: TypeAlias = Iterable[Image] | Capture
"""Yields frames, each when it is due, or is read for them."""


def frames_of(camera: Camera, options: OptionKeywords) -> tuple[Iterable[Image], OptionKeywords]:
    """The frames, and the options that suit them: those that are read are blue, green, red unless said otherwise."""
    if not isinstance(camera, (str, bytes, os.PathLike)):
        if isinstance(camera, Iterable):
            return camera, options
        if isinstance(camera, Capture):
            _check_open(camera)
            return _read(camera), OptionKeywords(**{"channels": "bgr", **options})
    raise TypeError(
        f"camera must yield frames, which {type(camera).__name__} does not: pass cv2.VideoCapture(...), a generator "
        "that reads them, or a list"
    )


def _check_open(camera: Any) -> None:
    if hasattr(camera, "isOpened") and not camera.isOpened():
        raise ValueError("the camera is not open: there is none, or another program has it")


def _read(camera: Capture) -> Iterator[Image]:
    while True:
        is_there, frame = camera.read()
        if not is_there:
            return
        yield frame
