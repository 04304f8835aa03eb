"""What counts as an image, and what to do about the rest."""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Channels: TypeAlias = Literal["rgb", "bgr"]
"""Order of the channels of an array. OpenCV's is ``bgr``."""

Classes: TypeAlias = Sequence[str | int] | Mapping[str, float | None] | Mapping[int, float | None]
"""Labels or class numbers; in a mapping each with a lowest score of its own, or ``None``."""


_JPEG_STARTS = b"\xff\xd8"
_LONGEST_SIDE = 65535
_ORIENTATION = 0x0112
"""EXIF's tag: 1 is upright."""


class PillowImage(Protocol):
    """An image of Pillow."""

    @property
    def mode(self) -> str: ...
    @property
    def __array_interface__(self) -> dict[str, Any]: ...


Image: TypeAlias = NDArray[Any] | PillowImage | bytes | bytearray | memoryview | str | os.PathLike[str]
"""An image: pixels (``uint8``, ``[height, width, 3]`` or ``[height, width]``), a JPEG, or the path of one.
Anything else that NumPy can read as such an array will do, too."""


def is_bgr(channels: str) -> bool:
    if channels not in ("rgb", "bgr"):
        raise ValueError(f'channels must be "rgb" or "bgr" (what OpenCV reads), not {channels!r}')
    return channels == "bgr"


def read(image: Image, channels: str) -> tuple[bytes | NDArray[np.uint8], bool]:
    """The bytes of a JPEG, or an array that was not copied; and whether that is blue, green, red."""
    if isinstance(image, bytes):
        return image, False
    if isinstance(image, (bytearray, memoryview)) and memoryview(image).ndim == 1:
        return bytes(image), False
    if isinstance(image, (str, os.PathLike)):
        return Path(image).read_bytes(), False
    # NumPy's arrays of files have a mode, too.
    mode = None if isinstance(image, np.ndarray) else getattr(image, "mode", None)
    if isinstance(mode, str):
        _check_pillow(image, mode)
        channels = "rgb"
    return array(image), is_bgr(channels)


def _check_pillow(image: Any, mode: str) -> None:
    """Refuses images whose pixels are not what they stand for."""
    if mode in ("I", "F") or mode.startswith("I;"):
        raise ValueError(
            f"the image has the mode {mode!r}, whose values may go beyond 255: scale them to 0 to 255 in an array of uint8"
        )
    if mode not in ("RGB", "L"):
        raise ValueError(f'the image has the mode {mode!r}: pass image.convert("RGB")')
    orientation = image.getexif().get(_ORIENTATION, 1) if hasattr(image, "getexif") else 1
    if orientation in range(2, 9):
        raise ValueError(
            f"the image lies otherwise than its EXIF says (orientation {orientation}): pass "
            "PIL.ImageOps.exif_transpose(image) to have it upright, or numpy.asarray(image) as it lies"
        )


def check_sendable(pixels: bytes | NDArray[np.uint8]) -> None:
    """Refuses what a server would, or what cannot become a JPEG."""
    if isinstance(pixels, bytes):
        if not pixels.startswith(_JPEG_STARTS):
            raise ValueError("the bytes are not a JPEG: pass an array of the pixels, which is made one")
    elif max(pixels.shape[:2]) > _LONGEST_SIDE:
        raise ValueError(f"an image of {pixels.shape[1]}x{pixels.shape[0]} pixels is too large for a JPEG")


def array(image: Any) -> NDArray[np.uint8]:
    """The pixels, in place."""
    pixels = np.asarray(image)
    if pixels.dtype != np.uint8:
        raise ValueError(f"the image has elements of {pixels.dtype}: {_as_bytes(pixels)}")
    if pixels.size == 0:
        raise ValueError(f"the image of shape {pixels.shape} has no pixels: was the frame read?")
    if pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3):
        return pixels
    raise ValueError(
        f"the image has the shape {pixels.shape}, not [height, width, 3] or [height, width]: {_as_image(pixels.shape)}"
    )


def _as_bytes(pixels: NDArray[Any]) -> str:
    if pixels.dtype == object:
        return "pass an array of uint8, the bytes of a JPEG, or a path (an image that could not be read is None)"
    if pixels.dtype.kind == "f":
        return "pass (image * 255).astype(numpy.uint8) if they are 0 to 1, image.astype(numpy.uint8) if 0 to 255"
    return "pass uint8, from 0 to 255"


def _as_image(shape: tuple[int, ...]) -> str:
    match shape:
        case (_,):
            return "if these are the bytes of a JPEG, pass image.tobytes()"
        case (_, _, 4):
            return "leave the alpha channel out: image[..., :3]"
        case (_, _, 1):
            return "leave the last axis out: image[..., 0]"
        case (3, _, _):
            return "move the channels to the end: image.transpose(1, 2, 0)"
        case (_, _, _, _):
            return "pass a list of images: list(images)"
        case _:
            return "pass one image, or a list of images"


def check_classes(classes: Classes) -> None:
    """Refuses what names no class, and thresholds that cannot be."""
    if isinstance(classes, (str, int)):
        raise TypeError(f"classes must be a list or a mapping: [{classes!r}]")
    if len(classes) == 0:
        raise ValueError("classes names no class; None stands for all")
    if isinstance(classes, Mapping):
        for name, lowest in classes.items():
            if lowest is not None:
                fraction(f"the threshold of {name!r}", lowest)


def class_numbers(classes: Classes | None, labels: list[str]) -> dict[int, float | None] | None:
    """The classes by their numbers, each with its lowest score if it has one of its own."""
    if classes is None:
        return None
    check_classes(classes)
    own = list(classes.items()) if isinstance(classes, Mapping) else [(name, None) for name in classes]
    numbers: dict[int, float | None] = {}
    for name, lowest in own:
        found = [number for number, label in enumerate(labels) if label == name]
        found = found or [number for number in range(len(labels)) if str(number) == str(name)]
        if not found:
            raise ValueError(f"there is no class {name!r}; there are {', '.join(labels)}")
        numbers.update(dict.fromkeys(found, lowest))
    return numbers


def count(name: str, value: object, most: int = sys.maxsize) -> int:
    """A whole number from 1 on, of any type that is one, such as NumPy's."""
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = 0
    if isinstance(value, (bool, np.bool_)) or not 1 <= number <= most:
        limits = "at least 1" if most == sys.maxsize else f"from 1 to {most}"
        raise ValueError(f"{name} must be a whole number, {limits}, not {value!r}")
    return number


def fraction(name: str, value: float) -> float:
    if isinstance(value, str) or not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} must be from 0 to 1, not {value}")
    return value
