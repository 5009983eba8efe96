"""How fast calls end: what a refused client is told to wait."""

from __future__ import annotations

import math

_LONGEST = 60
_ROUND = 1.0


class Drainage:
    """Counts ends since the model last had nothing to do, or since about a second ago."""

    __slots__ = ("_mark", "_mark_ended", "ended")

    def __init__(self) -> None:
        self.ended = 0
        self._mark = 0.0
        self._mark_ended = 0

    def begin(self, now: float) -> None:
        """The first call after none."""
        self._mark, self._mark_ended = now, self.ended

    def seconds(self, ahead: int, now: float) -> int:
        """Whole seconds until `ahead` calls will have ended, at the present rate: 1 to 60."""
        passed, done = now - self._mark, self.ended - self._mark_ended
        if passed >= _ROUND:
            self.begin(now)
        if not done:
            return _LONGEST if passed >= _ROUND else 1
        return min(_LONGEST, max(1, math.ceil(ahead * passed / done)))
