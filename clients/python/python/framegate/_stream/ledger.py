"""Matches answers to frames. The server numbers the frames that it counts from 1, in the order in which they came;
one that it refuses has no number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any


@dataclass
class SentFrame:
    """A frame that waits for its answer."""

    number: int
    frame: Any
    """As it was given to ``send``."""
    size: int
    """Bytes of its JPEG."""
    sent_at: float


class FrameLedger:
    def __init__(self) -> None:
        self._under_way: list[SentFrame] = []
        self._counted = 0
        self._highest_answered = 0

    @property
    def in_flight(self) -> int:
        return len(self._under_way)

    @property
    def oldest_sent_at(self) -> float | None:
        return self._under_way[0].sent_at if self._under_way else None

    def sent(self, frame: Any, size: int, now: float) -> None:
        self._counted += 1
        self._under_way.append(SentFrame(self._counted, frame, size, now))

    def answered(self, number: int) -> SentFrame | None:
        """Takes out the frame with this number."""
        self._highest_answered = max(self._highest_answered, number)
        for place, sent in enumerate(self._under_way):
            if sent.number == number:
                return self._under_way.pop(place)
        return None

    def refused(self, detail: str) -> SentFrame | None:
        """Takes out the frame that an error without a number is about, and renumbers those after it."""
        # A number up to one that was answered has been counted.
        candidates = [place for place, sent in enumerate(self._under_way) if sent.number > self._highest_answered]
        if not candidates:
            return None
        size = re.search(r"\((\d+) bytes\)", detail)
        matching = [place for place in candidates if size and self._under_way[place].size == int(size[1])]
        place = (matching or candidates)[0]
        refused = self._under_way.pop(place)
        for later in self._under_way[place:]:
            later.number -= 1
        self._counted -= 1
        return refused
