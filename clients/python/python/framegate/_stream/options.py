"""What a session asks for."""

from __future__ import annotations

import json
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import numpy as np

from framegate._image import Channels, Classes, check_classes, count, fraction, is_bgr

_PATH = "/ws/video/stream"
_CHANGES = ("conf", "iou", "classes", "max_det", "text")
"""What may change while a session lasts."""
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


@dataclass(frozen=True, kw_only=True)
class Options:
    """``None`` is the server's own."""

    pipeline_id: str | None = None
    conf: float | None = None
    """Lowest score."""
    iou: float | None = None
    """Of two boxes that overlap by more, the one with the lower score is dropped."""
    classes: Classes | None = None
    max_det: int | None = None
    """Most detections per frame."""
    text: bool | None = None
    """Whether codes are read, and boxes by a second model."""
    track: bool = False
    """Whether detections have ``track_id``."""
    fps: float = 30.0
    """Most frames per second; fewer are sent when the server asks for fewer."""
    channels: Channels = "rgb"
    """Order of the channels of frames that are arrays. OpenCV reads ``"bgr"``."""
    quality: int = 90
    """Of the JPEGs that arrays are sent as."""

    def __post_init__(self) -> None:
        for name, value in _plain({name: getattr(self, name) for name in _CHANGES}).items():
            object.__setattr__(self, name, value)
        if not self.fps > 0:
            raise ValueError(f"fps must be above 0, not {self.fps}")
        if not 1 <= self.quality <= 100:
            raise ValueError(f"quality must be 1 to 100, not {self.quality}")
        is_bgr(self.channels)

    def address(self, url: str) -> str:
        """Of the session on the server at ``url``."""
        parts = urlsplit(url)
        try:
            (parts.hostname or "").encode("idna")
        except UnicodeError as error:
            raise ValueError(f"{url!r} does not name a host: {error}") from None
        # A port that is not a number is a ValueError by itself.
        if parts.scheme not in _SCHEMES or not parts.hostname or parts.port == 0:
            raise ValueError(f"{url!r} is not the address of a server, like ws://localhost:8000")
        query = dict(parse_qsl(parts.query)) | {"hello": "1"}
        asked = {"pipeline_id": self.pipeline_id, "conf": self.conf, "iou": self.iou, "max_det": self.max_det}
        query |= {name: str(value) for name, value in asked.items() if value is not None}
        if self.classes is not None:
            query["classes"] = ",".join(map(str, class_entries(self.classes)))
        if self.text is not None:
            query["text"] = "1" if self.text else "0"
        if self.track:
            query["track"] = "1"
        path = parts.path if parts.path not in ("", "/") else _PATH
        return urlunsplit((_SCHEMES[parts.scheme], parts.netloc, path, urlencode(query), ""))


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as Python's own types, in place of NumPy's; a server ends the session for a value that cannot be."""
    return {name: value if value is None else _plain_value(name, value) for name, value in values.items()}


def _plain_value(name: str, value: Any) -> Any:
    match name:
        case "max_det":
            return count(name, value)
        case "text":
            if not isinstance(value, (bool, np.bool_)):
                raise ValueError(f"text must be True or False, not {value!r}")
            return bool(value)
        case "classes":
            check_classes(value)
            if isinstance(value, Mapping):
                return {_plain_class(key): None if least is None else float(least) for key, least in value.items()}
            return [_plain_class(key) for key in value]
        case _:
            return float(fraction(name, value))


def _plain_class(name: Any) -> str | int:
    return name if isinstance(name, str) else operator.index(name)


def class_entries(classes: Classes) -> list[str | int]:
    """Classes as the server takes them."""
    if isinstance(classes, Mapping):
        return [name if lowest is None else f"{name}:{lowest}" for name, lowest in classes.items()]
    return list(classes)


def configure_message(changes: dict[str, Any]) -> str:
    """The text message for these changes."""
    unknown = changes.keys() - set(_CHANGES)
    if unknown:
        raise TypeError(f"a session has no option {min(unknown)!r} that can change")
    changes = _plain(changes)
    if changes.get("classes") is not None:
        changes = changes | {"classes": class_entries(changes["classes"])}
    return json.dumps({"configure": changes})
