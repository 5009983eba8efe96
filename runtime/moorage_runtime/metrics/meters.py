"""The counters of one model, and of each door to it."""

from __future__ import annotations

from moorage_runtime.config import LATENCY_BOUNDS
from moorage_runtime.metrics.histogram import ROWS, SECONDS, Histogram

OUTCOMES = ("ok", "refused", "timeout", "failed", "overloaded", "cancelled")
OK, REFUSED, TIMEOUT, FAILED, OVERLOADED, CANCELLED = range(len(OUTCOMES))
_NAMED = {429: OVERLOADED, 499: CANCELLED, 504: TIMEOUT}


def outcome(status: int) -> int:
    """Which outcome a refusal with this HTTP status is."""
    return _NAMED.get(status, REFUSED if status < 500 else FAILED)


class DoorMeter:
    """Requests of one model through one door. `ends`: how many ended otherwise than well, by place in `OUTCOMES`;
    `faults`: those that were no client's fault, by reason.

    Those that ended well are not counted apart: they are all that `seconds` has seen, but for the others.
    """

    __slots__ = ("ends", "faults", "name", "received", "seconds", "sent")

    def __init__(self, name: str) -> None:
        self.name = name
        self.ends = [0] * len(OUTCOMES)
        self.faults: dict[str, int] = {}
        self.seconds = Histogram(LATENCY_BOUNDS)
        self.received = 0
        self.sent = 0

    def count(self, place: int, seconds: float) -> None:
        """One request has ended, not well, so many seconds after its head was there."""
        self.ends[place] += 1
        self.seconds.observe(seconds)

    def fault(self, reason: str) -> None:
        """One of them failed, and this is why; reasons are the runtime's own, so their number is bounded."""
        self.faults[reason] = self.faults.get(reason, 0) + 1

    @property
    def answered(self) -> int:
        """How many had an end of any kind, but for those that were turned away at once."""
        return sum(self.seconds.counts) - self.ends[OVERLOADED]

    def outcomes(self) -> list[tuple[str, int]]:
        """How many ended in which way."""
        ok = sum(self.seconds.counts) - sum(self.ends)
        return [(OUTCOMES[OK], ok), *zip(OUTCOMES[1:], self.ends[1:], strict=True)]


class ModelMeter:
    """One version of one model. `lone`: runs of one row that never waited; `rows` and `queue` learn of them late."""

    __slots__ = (
        "abandoned",
        "cache",
        "doors",
        "in_flight",
        "inference",
        "load_seconds",
        "lone",
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
        self.lone = 0
        self.in_flight = 0
        self.abandoned = 0
        self.together = False
        self.load_seconds = 0.0

    def door(self, name: str) -> DoorMeter:
        """The meter of one door; door names are the runtime's own, so their number is bounded."""
        found = self.doors.get(name)
        if found is None:
            found = self.doors[name] = DoorMeter(name)
        return found

    def settle(self) -> None:
        """Bring `rows` and `queue` up to date."""
        lone, self.lone = self.lone, 0
        self.queue.counts[0] += lone
        self.rows.counts[0] += lone
        self.rows.total += lone
