"""One session after another with a server: which frame to send when, and what the server's messages mean."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from framegate._detections import Detections
from framegate._stream.ledger import FrameLedger
from framegate._stream.link import LinkWatch
from framegate._stream.rate import Pacer, RateControl

_LOG = logging.getLogger("framegate")
SILENCE = 10.0
"""A connection with a frame under way that is silent for this many seconds is lost."""
_PERMANENT = ("invalid_pipeline", "invalid_message")


class StreamError(Exception):
    """A failure that connecting again would not mend."""


@dataclass(frozen=True, eq=False)
class Result:
    """What was found in a frame."""

    frame: Any
    """The frame as it was given to ``send``."""
    frame_index: int
    """Its number in the session, from 1."""
    detections: Detections
    age_ms: float
    """Milliseconds from the frame's arrival at the server to its result."""
    round_trip_ms: float
    """Milliseconds from sending the frame to receiving its result."""


@dataclass
class Counts:
    """What became of the frames: ``offered = sent + replaced`` and the one that waits, and
    ``sent = results + dropped + failed + refused + lost`` and those under way."""

    offered: int = 0
    sent: int = 0
    replaced: int = 0
    """Not sent: a newer one took their place."""
    results: int = 0
    dropped: int = 0
    """By the server, because it was busy."""
    failed: int = 0
    refused: int = 0
    """Not counted by the server, as no JPEGs or too large."""
    lost: int = 0
    """With their connection."""


class Offered(NamedTuple):
    """A frame as it was given to ``send``, and as it was read: a JPEG or pixels, blue, green, red or not."""

    frame: Any
    pixels: bytes | NDArray[np.uint8]
    bgr: bool


@dataclass
class StreamState:
    """All that lasts longer than a connection, and what is known of the present one."""

    fps: float
    counts: Counts = field(default_factory=Counts)
    session: Mapping[str, Any] | None = None
    """The server's greeting; ``None`` while there is no session."""
    newest: Offered | None = None
    """The frame that waits to be sent."""
    result: Result | None = None
    """The newest that was not received yet."""
    is_draining: bool = False
    refusal: str | None = None
    """Why the server will not have this client."""

    def __post_init__(self) -> None:
        self.rate = RateControl(self.fps)
        self._pacer = Pacer()
        self._begin()

    def _begin(self) -> None:
        self._ledger = FrameLedger()
        self._link = LinkWatch()
        self._heard_at = 0.0
        self.rate.reset()
        self.session = None
        self.is_draining = False

    @property
    def in_flight(self) -> int:
        return self._ledger.in_flight

    @property
    def is_idle(self) -> bool:
        """Nothing waits to be sent or answered."""
        return self.newest is None and self.in_flight == 0

    def offer(self, frame: Offered) -> None:
        self.counts.offered += 1
        if self.newest is not None:
            self.counts.replaced += 1
        self.newest = frame

    def wait(self, now: float) -> float | None:
        """Seconds until the frame that waits may be sent; ``None`` if something must happen first."""
        if self.newest is None or self.session is None or not self._link.may_carry(self.in_flight):
            return None
        return self._pacer.wait(now, self.rate.rate(now))

    def take(self, now: float) -> Offered:
        """The frame that waits, to be sent now: :meth:`wait` has returned 0."""
        assert self.newest is not None
        self._pacer.taken(now, self.rate.rate(now))
        frame, self.newest = self.newest, None
        return frame

    def sent(self, frame: Any, size: int, now: float) -> None:
        self.counts.sent += 1
        self._ledger.sent(frame, size, now)

    def is_silent(self, now: float) -> bool:
        """The connection is as good as lost."""
        oldest = self._ledger.oldest_sent_at
        return oldest is not None and now - max(oldest, self._heard_at) >= SILENCE

    def ended(self) -> None:
        """The connection is lost, and with it the frames under way."""
        self.counts.lost += self.in_flight
        self._begin()

    def heard(self, text: str, now: float) -> None:
        """A message of the server."""
        self._heard_at = now
        message = json.loads(text)
        if "session" in message:
            self.session = message["session"]
        elif "result" in message:
            self._found(message, now)
        elif message.get("dropped"):
            self.counts.dropped += 1
            frame = self._ledger.answered(message["frame_index"])
            # Pacing is decided on arrival; for other reasons the frame has waited for an unknown time.
            if frame and message["reason"] == "pacing":
                self._link.answered(now - frame.sent_at, self.in_flight)
        elif message.get("warning") == "slow_down":
            self.rate.slow_down(message["recommended_fps"])
        elif message.get("notice") == "recovered":
            self.rate.recovered(message["recommended_fps"], now)
        elif message.get("notice") == "draining":
            self.is_draining = True
        elif "error" in message:
            self._failed(message)

    def _found(self, message: Mapping[str, Any], now: float) -> None:
        self.counts.results += 1
        sent = self._ledger.answered(message["frame_index"])
        if sent is None:
            return
        round_trip, age = now - sent.sent_at, message["age_ms"] / 1000
        self._link.answered(round_trip - age, self.in_flight)
        detections = detections_of(message["result"], message["timings_ms"])
        self.result = Result(sent.frame, message["frame_index"], detections, age * 1000, round_trip * 1000)

    def _failed(self, message: Mapping[str, Any]) -> None:
        code, detail = message["error"], message.get("detail", "")
        if "frame_index" in message:
            self.counts.failed += 1
            self._ledger.answered(message["frame_index"])
        elif code in ("invalid_frame", "frame_too_large"):
            self.counts.refused += 1
            _LOG.warning("the server refused a frame: %s", detail)
            self._ledger.refused(detail)
        elif code in _PERMANENT:
            self.refusal = detail


def detections_of(result: Mapping[str, Any], timings_ms: Mapping[str, float]) -> Detections:
    """A result of the protocol."""
    found = result["detections"]

    def column(key: str, dtype: type[np.generic]) -> Any:
        present = bool(found) and all(key in one for one in found)
        return np.array([one[key] for one in found], dtype=dtype) if present else None

    def words(key: str) -> list[str | None] | None:
        values = [one.get(key) for one in found]
        return values if any(value is not None for value in values) else None

    boxes = np.array([[one["x"], one["y"], one["w"], one["h"]] for one in found], dtype=np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    masks = [one.get("mask") for one in found]
    return Detections(
        xyxy=boxes,
        confidence=np.array([one["score"] for one in found], dtype=np.float32),
        class_id=np.array([one["class_id"] for one in found], dtype=np.int64),
        labels=[one["label"] for one in found],
        size=(result["width"], result["height"]),
        track_id=column("track_id", np.int64),
        keypoints=column("keypoints", np.float32),
        angle=column("angle", np.float32),
        corners=column("corners", np.float32),
        text=words("text"),
        format=words("format"),
        content=words("content"),
        run_lengths=[mask and (*mask["size"], mask["counts"]) for mask in masks] if any(masks) else None,
        timings_ms=dict(timings_ms),
    )
