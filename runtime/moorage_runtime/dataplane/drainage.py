"""How fast calls end: what a refused client is told to wait."""

from __future__ import annotations

import math

_LONGEST = 60
_ROUND = 1.0
# After so long without a refusal it is another rush, and what was counted before says nothing of it.
_STALE = 5.0


class Drainage:
    """Looks at the number of ended calls whenever one is refused."""

    def __init__(self) -> None:
        self._marked = self._asked = -math.inf
        self._ended = 0
        self._rate = 0.0

    def seconds(self, ahead: int, ended: int, guess: float, now: float) -> int:
        """Whole seconds, 1 to 60, until `ahead` calls will have ended, when `ended` have so far.

        `guess`: seconds for one call, until there is a rate to go by.
        """
        if now - self._asked > _STALE:
            self._marked, self._ended, self._rate = now, ended, 0.0
        elif now - self._marked >= _ROUND:
            self._rate = (ended - self._ended) / (now - self._marked)
            self._marked, self._ended = now, ended
            if not self._rate:
                return _LONGEST
        self._asked = now
        wait = ahead / self._rate if self._rate else ahead * guess
        return min(_LONGEST, max(1, math.ceil(wait)))
