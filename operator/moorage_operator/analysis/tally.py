"""Tallies: adding them, and what they say about a side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import zip_longest

from moorage_operator.api.judgement import Tally

MAX_FAULTS = 8
"""Reasons of failures that are told apart."""
OTHERS = "Others"


def plus(one: Tally, other: Tally) -> Tally:
    """What both counted."""
    return Tally(
        outcomes=_sum(one.outcomes, other.outcomes),
        faults=_fewest(_sum(one.faults, other.faults)),
        seconds=_places(one.seconds, other.seconds),
        shielded=one.shielded + other.shielded,
        held=one.held + other.held,
        compared=one.compared + other.compared,
        differed=one.differed + other.differed,
        dropped=one.dropped + other.dropped,
        copies=one.copies + other.copies,
        excused=one.excused + other.excused,
        slower_seconds=one.slower_seconds + other.slower_seconds,
    )


def outcome(tally: Tally, *names: str) -> int:
    """Requests that came to one of these."""
    return sum(tally.outcomes.get(name, 0) for name in names)


def sent(tally: Tally) -> int:
    """Requests, however they ended."""
    return sum(tally.outcomes.values())


def asked_of_candidate(tally: Tally) -> int:
    """Requests that it should have answered: without what clients got wrong or gave up, nor what is excused."""
    return sent(tally) - outcome(tally, "cancelled", "faulty") - tally.excused


def failed_by_candidate(tally: Tally) -> int:
    """Of them those that it did not answer well. `refused`: what the stable version would have answered."""
    return outcome(tally, "failed", "invalid", "timeout", "broken", "refused", "overloaded") - tally.excused


def asked_of_stable(tally: Tally, candidate: Tally) -> int:
    """Its own share: without what its clients got wrong or gave up, nor what it did in the candidate's place."""
    own = sent(tally) - outcome(tally, "cancelled", "refused") - candidate.shielded
    return max(own, failed_by_stable(tally))


def failed_by_stable(tally: Tally) -> int:
    """Of them those that it did not answer well."""
    return outcome(tally, "failed", "timeout", "overloaded")


def _places(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    if not one or not other:
        return one or other
    return tuple(a + b for a, b in zip_longest(one, other, fillvalue=0))


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return dict(Counter(one) + Counter(other))


def _fewest(faults: dict[str, int]) -> dict[str, int]:
    """The status has no room for every reason that a model can think of."""
    if len(faults) <= MAX_FAULTS:
        return faults
    told = sorted((count, name) for name, count in faults.items() if name != OTHERS)[-MAX_FAULTS + 1 :]
    kept = {name: count for count, name in told}
    return kept | {OTHERS: sum(faults.values()) - sum(kept.values())}
