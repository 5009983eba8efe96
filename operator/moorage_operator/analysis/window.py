"""What happened between two readings of the pods, told from counters that only grow.

The laws of this file: a request is counted at most once, whatever happens to pods and to readings; nothing is negative;
what cannot be told for sure (a pod seen for the first time, a process that began anew) is left out and counts from its
next reading. A pod that gave no answer loses nothing: it goes on counting from its last one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from itertools import zip_longest
from operator import le

from moorage_operator.analysis.tally import plus
from moorage_operator.api.judgement import Reading, Tally
from moorage_runtime.config import Answered, Forwarded, PodReport

Readings = tuple[Reading, ...]

_COUNTERS = ("shielded", "held", "compared", "differed", "dropped", "copies")


def carried(before: Readings, now: Readings) -> Readings:
    """`now`, where a pod that gave no answer keeps its last one: from there its counting goes on."""
    last = {each.uid: each for each in before}
    return tuple(last[each.uid] if each.report is None and each.uid in last else each for each in now)


def lifetime(now: Readings, revision: str | None) -> Tally:
    """What the pods of `revision` have answered since they started."""
    reports = [each.report for each in now if each.revision == revision and each.report is not None]
    return _total(_answered(Answered(), report.answered) for report in reports)


@dataclass(frozen=True, slots=True)
class Window:
    """Two readings of the same pods. `since`: what was read earlier belongs to another step."""

    before: Readings
    now: Readings
    since: datetime

    def joined(self, stable: str | None) -> bool:
        """Whether any process of `stable` tells what happened in between."""
        return next(self._pairs(stable), None) is not None

    def stable_side(self, stable: str | None) -> Tally:
        """What the pods of `stable` answered themselves."""
        return _total(_answered(old.answered, new.answered) for old, new in self._pairs(stable))

    def candidate_side(self, stable: str | None, candidate: str) -> Tally:
        """What became of requests that the pods of `stable` gave to `candidate`; its own pods say how long they took.

        While a pod of the candidate goes away its connections break: no fault of the version.
        """
        given = _total(_given(old, new, candidate) for old, new in self._pairs(stable))
        own = _total(_answered(old.answered, new.answered) for old, new in self._pairs(candidate))
        excused = given.outcomes.get("broken", 0) if self._went(candidate) else 0
        return plus(given, Tally(seconds=own.seconds, excused=excused))

    def _pairs(self, revision: str | None) -> Iterator[tuple[PodReport, PodReport]]:
        last = {each.uid: each.report for each in self.before if each.revision == revision and each.at >= self.since}
        for each in self.now:
            old = last.get(each.uid)
            if each.revision == revision and old is not None and each.report is not None and _goes_on(old, each.report):
                yield old, each.report

    def _went(self, revision: str) -> bool:
        there = {each.uid for each in self.now}
        return any(each.revision == revision and each.uid not in there for each in self.before)


def _goes_on(old: PodReport, new: PodReport) -> bool:
    """Whether it is the same life of the same process. No counter of one falls; one that does tells of another life."""
    if old.started != new.started or old.revision != new.revision:
        return False
    return _answered_grew(old.answered, new.answered) and all(
        _forwarded_grew(counted, new.forwarded[revision])
        for revision, counted in old.forwarded.items()
        if revision in new.forwarded
    )


def _answered_grew(old: Answered, new: Answered) -> bool:
    return _grew(old.outcomes, new.outcomes) and all(map(le, old.seconds, new.seconds))


def _forwarded_grew(old: Forwarded, new: Forwarded) -> bool:
    return _grew(old.outcomes, new.outcomes) and all(getattr(old, name) <= getattr(new, name) for name in _COUNTERS)


def _grew(old: dict[str, int], new: dict[str, int]) -> bool:
    return all(new.get(name, 0) >= count for name, count in old.items())


def _answered(old: Answered, new: Answered) -> Tally:
    return Tally(
        outcomes=_more(old.outcomes, new.outcomes),
        faults=_more(old.faults, new.faults),
        seconds=tuple(b - a for a, b in zip_longest(old.seconds, new.seconds, fillvalue=0)),
    )


def _given(before: PodReport, after: PodReport, candidate: str) -> Tally:
    old, new = before.forwarded.get(candidate, Forwarded()), after.forwarded.get(candidate)
    if new is None:
        return Tally()
    return Tally(
        outcomes=_more(old.outcomes, new.outcomes),
        faults=_more(old.faults, new.faults),
        shielded=new.shielded - old.shielded,
        held=new.held - old.held,
        compared=new.compared - old.compared,
        differed=new.differed - old.differed,
        dropped=new.dropped - old.dropped,
        copies=new.copies - old.copies,
        slower_seconds=new.slower_seconds - old.slower_seconds,
    )


def _more(old: dict[str, int], new: dict[str, int]) -> dict[str, int]:
    grown = {name: count - old.get(name, 0) for name, count in new.items()}
    return {name: count for name, count in grown.items() if count > 0}


def _total(tallies: Iterable[Tally]) -> Tally:
    return reduce(plus, tallies, Tally())
