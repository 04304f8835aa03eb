"""How many frames may be under way: as many as the link carries without delay."""

from __future__ import annotations

import math

_FEWEST = 2
_AT_FIRST = 3
_MOST = 64
_GAIN = 0.25
"""Per answer in time: small, so that a step shows its effect before the next one."""
_SLACK = 0.1


class LinkWatch:
    """Watches the time that frames spend in transit. What waits in the buffers of systems and routers arrives late:
    while the time stays near the shortest seen, more may be under way, and when it grows well beyond that, fewer."""

    def __init__(self) -> None:
        self._shortest = math.inf
        self._allowed: float = _AT_FIRST

    def answered(self, transit: float, in_flight: int) -> None:
        """An answer came whose frame and result were in transit for this many seconds."""
        transit = max(transit, 0.0)
        self._shortest = min(self._shortest, transit)
        if transit > 2 * self._shortest + _SLACK:
            self._allowed = max(self._allowed / 2, _FEWEST)
        else:
            # Never far above what is in use, or a link that gets worse would fill up before it is noticed.
            self._allowed = min(self._allowed + _GAIN, max(in_flight + 3, _AT_FIRST), _MOST)

    def may_carry(self, in_flight: int) -> bool:
        return in_flight < math.floor(self._allowed)
