"""The counters of one model, and of each door to it."""

from __future__ import annotations

from moorage_runtime.metrics.histogram import ROWS, SECONDS, Histogram

OUTCOMES = ("ok", "refused", "timeout", "failed", "overloaded", "cancelled")
OK, REFUSED, TIMEOUT, FAILED, OVERLOADED, CANCELLED = range(len(OUTCOMES))
_NAMED = {429: OVERLOADED, 499: CANCELLED, 504: TIMEOUT}


def outcome(status: int) -> int:
    """Which outcome a refusal with this HTTP status is."""
    return _NAMED.get(status, REFUSED if status < 500 else FAILED)


class DoorMeter:
    """Requests of one model through one door. `outcomes`: how many, by place in `OUTCOMES`; bytes of whole bodies."""

    __slots__ = ("outcomes", "received", "seconds", "sent")

    def __init__(self) -> None:
        self.outcomes = [0] * len(OUTCOMES)
        self.seconds = Histogram(SECONDS)
        self.received = 0
        self.sent = 0

    def count(self, place: int, seconds: float) -> None:
        """One request has ended, so many seconds after its head was there."""
        self.outcomes[place] += 1
        self.seconds.observe(seconds)


class ModelMeter:
    """One version of one model."""

    __slots__ = (
        "abandoned",
        "cache",
        "doors",
        "in_flight",
        "inference",
        "load_seconds",
        "queue",
        "rows",
        "splits",
        "together",
    )

    def __init__(self) -> None:
        self.doors: dict[str, DoorMeter] = {}
        self.queue = Histogram(SECONDS)
        self.inference = Histogram(SECONDS)
        self.rows = Histogram(ROWS)
        self.cache: dict[str, int] = {}
        self.splits: dict[str, int] = {}
        self.in_flight = 0
        self.abandoned = 0
        self.together = False
        self.load_seconds = 0.0

    def door(self, name: str) -> DoorMeter:
        """The meter of one door; door names are the runtime's own, so their number is bounded."""
        found = self.doors.get(name)
        if found is None:
            found = self.doors[name] = DoorMeter()
        return found
