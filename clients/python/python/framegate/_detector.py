"""A detector in this process."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import EllipsisType
from typing import Any, TypeVar, overload

from framegate import _image, _native
from framegate._detections import Detections
from framegate._image import Channels, Classes, Image
from framegate._native import ModelError

_DEFAULTS: dict[str, Any] = {"conf": 0.25, "iou": 0.45, "classes": None, "max_det": 300, "text": True}

_LARGEST_SIDE = 1 << 16
_ADDRESSES = ("https://", "http://", "hf:")

_I = TypeVar("_I", bound=Image)


class Detector:
    """An ONNX detector, ready to run.

    ``model`` is the path of an ONNX file, or ``"codes"`` for the built-in model, which finds barcodes. ``backend`` is
    ``"auto"`` for the best that runs here, or a name from ``framegate backends``. ``conf``, ``iou``, ``classes``,
    ``max_det`` and ``text`` choose what is reported; :meth:`select` changes them.

    ``channels`` is the order of the channels of arrays: ``"rgb"`` unless said otherwise. **OpenCV reads "bgr".**

    Several threads may call one detector; they take turns, and the interpreter runs on while it computes.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        *,
        backend: str = "auto",
        conf: float = 0.25,
        iou: float = 0.45,
        classes: Classes | None = None,
        max_det: int = 300,
        text: bool = True,
        channels: Channels = "rgb",
        masks: bool = False,
        labels: str | os.PathLike[str] | None = None,
        input_size: tuple[int, int] | None = None,
        threads: int | None = None,
        max_batch: int = 8,
    ) -> None:
        """``labels`` is the path of a text file with a class name in each line, for models that have none;
        ``input_size`` is width and height, for models that leave them open; ``threads`` is one per core by default;
        ``max_batch`` is the number of images of a list that are computed at once, 1 to 16."""
        _image.is_bgr(channels)
        if not isinstance(model, (str, os.PathLike)):
            raise TypeError(f"model must be the path of an ONNX file, or \"codes\", not {type(model).__name__}")
        if isinstance(model, str) and model.startswith(_ADDRESSES):
            raise ModelError(
                f"{model} is an address: fetch it with `framegate models pull {model}`, and pass the path that is printed"
            )
        self.channels: Channels = channels
        self._native = _native.Detector(
            model,
            backend=backend,
            labels=labels,
            input_size=None if input_size is None else _size(input_size),
            masks=masks,
            threads=None if threads is None else _image.count("threads", threads, _native.MAX_THREADS),
            max_batch=_image.count("max_batch", max_batch, _native.MAX_BATCH),
        )
        self._labels = self._native.labels
        self._chosen = _DEFAULTS
        self.select(conf=conf, iou=iou, classes=classes, max_det=max_det, text=text)

    def select(
        self,
        *,
        conf: float | None | EllipsisType = ...,
        iou: float | None | EllipsisType = ...,
        classes: Classes | None | EllipsisType = ...,
        max_det: int | None | EllipsisType = ...,
        text: bool | None | EllipsisType = ...,
    ) -> None:
        """Reports these detections from now on: with a score of at least ``conf``, of boxes that overlap by more than
        ``iou`` the better one, of these classes, and no more than ``max_det``. ``text`` has codes read, and boxes by the
        second model that the model's sidecar names. What is left out stays as it is; ``None`` is the default again, as
        in a session's ``configure``."""
        changes = {"conf": conf, "iou": iou, "classes": classes, "max_det": max_det, "text": text}
        given = {name: value for name, value in changes.items() if value is not ...}
        chosen = self._chosen | {name: _DEFAULTS[name] if value is None else value for name, value in given.items()}
        _image.fraction("conf", chosen["conf"])
        _image.fraction("iou", chosen["iou"])
        chosen["max_det"] = _image.count("max_det", chosen["max_det"])
        numbers = _image.class_numbers(chosen["classes"], self._labels)
        self._native.select(chosen["conf"], chosen["iou"], chosen["max_det"], chosen["text"], numbers)
        self._chosen = chosen

    @overload
    def __call__(self, image: Image, *, channels: Channels | None = None) -> Detections: ...
    @overload
    def __call__(self, image: list[_I] | tuple[_I, ...], *, channels: Channels | None = None) -> list[Detections]: ...
    def __call__(
        self, image: Image | list[_I] | tuple[_I, ...], *, channels: Channels | None = None
    ) -> Detections | list[Detections]:
        """The objects in an image, or in each of a list of images.

        An array is read in place, whatever its strides; do not write to it meanwhile.

        Raises :class:`FrameError` for a JPEG that cannot be decoded, ``ValueError`` for an array that is not an image.
        Of a list, the first image that fails is named, and nothing is returned.
        """
        if isinstance(image, (list, tuple)):
            return self._batch(image, channels or self.channels)
        frame, bgr = _image.read(image, channels or self.channels)
        return Detections._of(self._native.detect(frame, bgr), self._labels)

    def _batch(self, images: Sequence[Image], channels: Channels) -> list[Detections]:
        frames = []
        for index, image in enumerate(images):
            try:
                frame, bgr = _image.read(image, channels)
            except ValueError as error:
                raise type(error)(f"image {index}: {error}") from None
            # One order for all: what differs is turned by a view.
            turned = not isinstance(frame, bytes) and frame.ndim == 3 and bgr != (channels == "bgr")
            frames.append(frame[..., ::-1] if turned and not isinstance(frame, bytes) else frame)
        results = []
        for index, found in enumerate(self._native.detect_batch(frames, channels == "bgr")):
            if isinstance(found, Exception):
                raise type(found)(f"image {index}: {found}")
            results.append(Detections._of(found, self._labels))
        return results

    @property
    def labels(self) -> list[str]:
        """Name of each class, by class number."""
        return list(self._labels)

    @property
    def input_size(self) -> tuple[int, int]:
        """Width and height of the model's input."""
        return self._native.input_size

    @property
    def backend(self) -> str:
        """Name of the backend that computes."""
        return self._native.backend

    @property
    def device(self) -> str:
        """What it computes on."""
        return self._native.device

    @property
    def guesses(self) -> list[str]:
        """What neither the model nor a file beside it says, and was guessed; each with how to say otherwise."""
        return self._native.guesses

    def __repr__(self) -> str:
        return f"<Detector of {len(self._labels)} classes on {self.backend}>"


def _size(size: Sequence[int]) -> tuple[int, int]:
    """Width and height."""
    if not isinstance(size, Sequence) or isinstance(size, str) or len(size) != 2:
        raise ValueError(f"input_size must be (width, height), not {size!r}")
    width, height = (_image.count("input_size", side, _LARGEST_SIDE) for side in size)
    return width, height
