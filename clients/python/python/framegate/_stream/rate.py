"""When to send: as often as wanted, until the server advises less. Times are in seconds."""

from __future__ import annotations

import math

_CLIMB = 1.0
"""Back to the recommended rate, in frames per second gained each second."""
_PROBE = 0.25
"""Beyond it the server's capacity is unknown: climb slowly."""
_SLOWEST = 0.5


class RateControl:
    """The frame rate: the wanted one, the recommended one after ``slow_down``, and in between after ``recovered``."""

    def __init__(self, wanted: float) -> None:
        self.wanted = wanted
        self._recommended = math.inf
        self._slowed = False
        self._from: tuple[float, float] | None = None

    def slow_down(self, recommended: float) -> None:
        self._recommended = max(recommended, _SLOWEST)
        self._slowed, self._from = True, None

    def recovered(self, recommended: float, now: float) -> None:
        if not self._slowed:
            return
        self._from = (min(self._recommended, self.wanted), now)
        self._slowed = False
        if recommended > 0:
            self._recommended = recommended

    def reset(self) -> None:
        """A new session: its server knows nothing of the old advice."""
        self._slowed, self._from = False, None

    def rate(self, now: float) -> float:
        """Frames per second to send now."""
        if self._slowed:
            return min(self.wanted, self._recommended)
        if self._from is None:
            return self.wanted
        start, at = self._from
        climbing = min(now - at, max(self._recommended - start, 0.0) / _CLIMB)
        rate = start + _CLIMB * climbing + _PROBE * (now - at - climbing)
        if rate < self.wanted:
            return rate
        self._from = None
        return self.wanted


class Pacer:
    """Spaces frames evenly. A late frame does not make the next ones early: no bursts."""

    def __init__(self) -> None:
        self._last = -math.inf

    def wait(self, now: float, rate: float) -> float:
        """Seconds until the next frame is due."""
        return max(self._last + 1.0 / rate - now, 0.0)

    def taken(self, now: float, rate: float) -> None:
        """A frame is sent now. Timers fire late; up to half an interval is made up for."""
        due = self._last + 1.0 / rate
        self._last = due if now - due <= 0.5 / rate else now


class Backoff:
    """Waits of 1, 2, 4 … 30 seconds between attempts to connect, with jitter so that clients do not come in step."""

    def __init__(self) -> None:
        self._attempt = 0

    def next(self, random: float, *, at_once: bool = False) -> float:
        """The next wait; ``random`` is from 0 to 1. The first attempt after a success may be made at once."""
        planned = 0.0 if at_once and self._attempt == 0 else min(2.0**self._attempt, 30.0)
        self._attempt = min(self._attempt + 1, 5)
        return min(planned * (0.8 + 0.4 * random), 30.0)

    def succeeded(self) -> None:
        self._attempt = 0
