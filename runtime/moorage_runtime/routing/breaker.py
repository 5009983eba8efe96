"""When another revision fails much, its share is held back, and only single requests try whether it is well again."""

from __future__ import annotations

import enum
from collections import deque

IN_A_ROW = 5
WINDOW_SECONDS = 10.0
SAMPLES = 20
SHARE = 0.5
PROBE_SECONDS = 0.5
GOOD_PROBES = 5


class Pass(enum.Enum):
    """How a request may go: as one of many, or as the one that tries; a held one is answered by somebody else."""

    FREE = enum.auto()
    PROBE = enum.auto()
    HELD = enum.auto()


class Breaker:
    """Opens after `IN_A_ROW` failures, or when more than half of at least `SAMPLES` in ten seconds failed; lets a probe
    through every half second then; closes after `GOOD_PROBES` good ones in a row. Times are seconds of one clock.
    """

    __slots__ = ("_failed", "_good_probes", "_in_a_row", "_next_probe", "_recent", "open")

    def __init__(self) -> None:
        self.open = False
        self._recent: deque[tuple[float, bool]] = deque()
        self._failed = 0
        self._in_a_row = 0
        self._good_probes = 0
        self._next_probe = 0.0

    def ask(self, now: float) -> Pass:
        """Whether one more request may go."""
        if not self.open:
            return Pass.FREE
        if now < self._next_probe:
            return Pass.HELD
        self._next_probe = now + PROBE_SECONDS
        return Pass.PROBE

    def tell(self, went: Pass, now: float, *, good: bool) -> None:
        """How a request ended. What went before the breaker opened says nothing of whether to close it."""
        if self.open:
            if went is Pass.PROBE:
                self._probed(good)
        elif good:
            self._in_a_row = 0
            self._remember(now, failed=False)
        else:
            self._in_a_row += 1
            self._remember(now, failed=True)
            if self._in_a_row >= IN_A_ROW or self._mostly_fails():
                self._open(now)

    def _probed(self, good: bool) -> None:
        self._good_probes = self._good_probes + 1 if good else 0
        if self._good_probes >= GOOD_PROBES:
            self.open = False
            self._in_a_row = 0

    def _open(self, now: float) -> None:
        self.open = True
        self._good_probes = 0
        self._next_probe = now + PROBE_SECONDS
        self._recent.clear()
        self._failed = 0

    def _mostly_fails(self) -> bool:
        return len(self._recent) >= SAMPLES and self._failed > SHARE * len(self._recent)

    def _remember(self, now: float, *, failed: bool) -> None:
        recent = self._recent
        recent.append((now, failed))
        self._failed += failed
        while recent[0][0] <= now - WINDOW_SECONDS or len(recent) > _MOST:
            self._failed -= recent.popleft()[1]


_MOST = 2000
