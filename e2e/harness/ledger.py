"""What staged pods tell of themselves: as if users asked them all the time, by the route table as it stands.

A version whose name begins with `bad` fails every request; every other one answers as well as the one before it.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from moorage_runtime.config import LATENCY_BOUNDS, Answered, Forwarded, PodReport, RouteTable

RATE = 2000
"""Requests a second that each pod of the stable revision gets."""
SECONDS_PLACE = 14
"""Of a pod's latencies: every request takes 1 to 1.25 ms."""
STATE = re.compile(
    r"/api/v1/namespaces/[^/]+/pods/http:(?P<pod>[^/]+?-(?P<revision>[0-9a-f]{10})-[^/]+):\d+/proxy/state"
)
NOTHING = RouteTable(generation=0, revisions={})


def is_bad(version: str) -> bool:
    """Whether this version fails."""
    return version.startswith("bad")


@dataclass
class Life:
    """One pod since it was first asked. `counted_until`: up to when its requests are counted."""

    revision: str
    counted_until: float
    answered: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    forwarded: dict[str, Counter[str]] = field(default_factory=dict)

    def count(self, table: RouteTable, now: float) -> None:
        """Count what came in until `now`."""
        arrived = int((now - self.counted_until) * RATE)
        self.counted_until += arrived / RATE
        own = table.revisions.get(self.revision)
        shares = {
            name: arrived * route.weight // 100 for name, route in table.revisions.items() if route.role == "candidate"
        }
        if own is not None and own.role == "stable":
            self._forward(table, shares)
            self.answered["ok"] += arrived - sum(shares.values())
        elif own is not None and self.revision in shares:
            bad = is_bad(own.version)
            self.answered["failed" if bad else "ok"] += shares[self.revision]
            self.faults["ModelFailed"] += shares[self.revision] * bad

    def _forward(self, table: RouteTable, shares: dict[str, int]) -> None:
        for name, share in shares.items():
            bad = is_bad(table.revisions[name].version)
            given = self.forwarded.setdefault(name, Counter())
            given["failed" if bad else "ok"] += share
            # What the shield answered is an answer of this pod as well.
            self.answered["ok"] += share * bad

    def report(self, pod: str, generation: int) -> PodReport:
        """As the admin port tells it."""
        seconds = [0] * (len(LATENCY_BOUNDS) + 1)
        seconds[SECONDS_PLACE] = self.answered.total()
        given = {
            name: Forwarded(outcomes=+counts, shielded=counts["failed"], compared=counts["ok"])
            for name, counts in self.forwarded.items()
        }
        return PodReport(
            started=pod,
            revision=self.revision,
            ready=True,
            generation=generation,
            answered=Answered(outcomes=+self.answered, seconds=tuple(seconds), faults=+self.faults),
            forwarded=given,
        )


class Ledger:
    """All pods of one namespace. `table`: the route table as it stands, None before the first."""

    def __init__(self, table: Callable[[], RouteTable | None]) -> None:
        self.table = table
        self._lives: dict[str, Life] = {}
        self._lock = threading.Lock()

    def answer(self, path: str) -> bytes | None:
        """What the API server's proxy would bring from a pod's admin port; None for every other path."""
        found = STATE.fullmatch(path)
        if found is None:
            return None
        table, now = self.table() or NOTHING, time.monotonic()
        with self._lock:
            life = self._lives.setdefault(found["pod"], Life(found["revision"], now))
            life.count(table, now)
            return msgspec.json.encode(life.report(found["pod"], table.generation))
