"""Whether a report can be believed. Pods run other people's models: what they say ends in a status that must fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from moorage_runtime.config import LATENCY_BOUNDS, PodReport

MOST_NAMES = 64
LONGEST_NAME = 64
MOST = 2**53
"""As far as JSON counts exactly, everywhere."""


def credible(report: PodReport) -> bool:
    """Whether every count is one, and every name a name. Times between other bounds than ours cannot be compared."""
    if len(report.forwarded) > MOST_NAMES or not all(_names(each) for each in _groups(report)):
        return False
    if len(report.answered.seconds) not in (0, len(LATENCY_BOUNDS) + 1):
        return False
    return all(0 <= count <= MOST for count in _counts(report))


def _groups(report: PodReport) -> Iterator[Mapping[str, int]]:
    yield report.answered.outcomes
    yield report.answered.faults
    for each in report.forwarded.values():
        yield each.outcomes
        yield each.faults


def _names(names: Iterable[str]) -> bool:
    known = list(names)
    return len(known) <= MOST_NAMES and all(len(name) <= LONGEST_NAME for name in known)


def _counts(report: PodReport) -> Iterator[float]:
    yield report.generation
    yield from report.answered.seconds
    for group in _groups(report):
        yield from group.values()
    for each in report.forwarded.values():
        yield from (each.shielded, each.held, each.compared, each.differed, each.dropped, each.copies)
        # A candidate may be faster.
        yield abs(each.slower_seconds)
