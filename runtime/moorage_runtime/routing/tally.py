"""Counts of what other revisions did with the requests they were given."""

from __future__ import annotations

from collections.abc import Collection

from moorage_runtime.config import LATENCY_BOUNDS, Forwarded
from moorage_runtime.metrics.histogram import Histogram

OUTCOMES = ("ok", "refused", "faulty", "failed", "invalid", "timeout", "broken", "overloaded", "cancelled")
_REASONS = 32
_REVISIONS = 16
_OTHER = "Other"
_SAMPLES = 5


class Tally:
    """Of one revision; see `Forwarded`. `seconds`: what it took to answer well."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.outcomes = dict.fromkeys(OUTCOMES, 0)
        self.faults: dict[str, int] = {}
        self.seconds = Histogram(LATENCY_BOUNDS)
        self.in_flight = 0
        self.shielded = self.held = self.picked = 0
        self.compared = self.differed = self.dropped = self.copies = 0
        self.slower_seconds = 0.0
        self.samples: list[str] = []

    def count(self, outcome: str, reason: str | None = None) -> None:
        """One request has ended; `reason`: why not well."""
        self.outcomes[outcome] += 1
        if reason is not None:
            if reason not in self.faults and len(self.faults) >= _REASONS:
                reason = _OTHER
            self.faults[reason] = self.faults.get(reason, 0) + 1

    def differs(self, sample: str) -> None:
        """One comparison found a difference; the first few are told, each once."""
        self.differed += 1
        if len(self.samples) < _SAMPLES and sample not in self.samples:
            self.samples.append(sample)

    def report(self) -> Forwarded:
        """The counts as they are now."""
        return Forwarded(
            outcomes={name: count for name, count in self.outcomes.items() if count},
            faults=dict(self.faults),
            shielded=self.shielded,
            held=self.held,
            compared=self.compared,
            differed=self.differed,
            dropped=self.dropped,
            copies=self.copies,
            slower_seconds=round(self.slower_seconds, 6),
            samples=tuple(self.samples),
        )


class Tallies:
    """By revision, the last few that there were."""

    def __init__(self) -> None:
        self.by_revision: dict[str, Tally] = {}

    def of(self, revision: str, version: str, needed: Collection[str]) -> Tally:
        """The counts of one revision, made at the first question; the oldest that nobody needs makes room."""
        found = self.by_revision.get(revision)
        if found is None:
            if len(self.by_revision) >= _REVISIONS:
                spare = next((each for each in self.by_revision if each not in needed), None)
                if spare is not None:
                    del self.by_revision[spare]
            found = self.by_revision[revision] = Tally(version)
        return found

    def report(self) -> dict[str, Forwarded]:
        """The counts of all."""
        return {revision: tally.report() for revision, tally in self.by_revision.items()}
