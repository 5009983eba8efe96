"""What a client does beside its calls, and how much of it is too much.

Everything counted here is cheap to send and costs the server more. Calls that are answered, and time, make up for it.
"""

from __future__ import annotations

from moorage_runtime.servers.http2.faults import calm

PINGS = 32
RESETS = 400
CHATTER = 1000
_CHATTER_A_CALL = 4
_PINGS_A_TICK = 1
_RESETS_A_TICK = 50
_CHATTER_A_TICK = 100


class Strain:
    """Counts for one connection. `answers`: how much has been answered on it so far."""

    __slots__ = ("_chatter", "_pings", "_resets", "_seen")

    def __init__(self) -> None:
        self._seen = 0
        self._pings = 0
        self._resets = 0
        self._chatter = 0

    def ping(self, answers: int) -> None:
        """Raises `ConnectionFault` when nothing was answered between too many of them."""
        self._make_up(answers)
        self._pings += 1
        if self._pings > PINGS:
            raise calm("too_many_pings")

    def reset(self, answers: int) -> None:
        """A stream ended before its answer. Raises `ConnectionFault`."""
        self._make_up(answers)
        self._resets += 1
        if self._resets > RESETS:
            raise calm("too many streams are given up")

    def chatter(self, answers: int) -> None:
        """A frame that moves nothing. Raises `ConnectionFault`."""
        self._make_up(answers)
        self._chatter += 1
        if self._chatter > CHATTER:
            raise calm("too many frames that move nothing")

    def tick(self) -> None:
        """Time has passed: so much of all is no strain."""
        self._pings = max(0, self._pings - _PINGS_A_TICK)
        self._resets = max(0, self._resets - _RESETS_A_TICK)
        self._chatter = max(0, self._chatter - _CHATTER_A_TICK)

    def _make_up(self, answers: int) -> None:
        calls = answers - self._seen
        if calls:
            self._seen = answers
            self._pings = 0
            self._resets = max(0, self._resets - calls)
            self._chatter = max(0, self._chatter - calls * _CHATTER_A_CALL)
