"""What is told of a guest: sums over the pods that serve, as they stand now. No window, and no judgement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from moorage_operator.analysis.look import DIFFERENCE_LENGTH
from moorage_operator.api.judgement import Counted
from moorage_operator.api.step import Role
from moorage_runtime.config import Forwarded, PodReport

MOST_SAMPLES = 3
QUIET_ROUNDS = 6
"""Intervals between two looks at numbers that stand still."""
_NOT_FAILED = ("ok", "faulty", "cancelled")


def counted(
    reports: Sequence[PodReport | None],
    revision: str,
    role: Role,
    before: Counted | None,
    *,
    now: datetime,
    interval: float,
) -> Counted | None:
    """What the pods that serve say of `revision`; `before` while that is younger than `interval` seconds, says the
    same, or is all there is because a pod keeps silent. None before the first request or copy.
    """
    heard = [each for each in reports if each is not None]
    if not heard or len(heard) < len(reports) or (before is not None and _age(before, now) < interval):
        return before
    fresh = _summed([each.forwarded[revision] for each in heard if revision in each.forwarded], role, now)
    said = replace(before, at=now) if before is not None else Counted(at=now)
    return before if fresh == said else fresh


def due_in(told: Counted | None, now: datetime, interval: float) -> float:
    """Seconds until the next look: soon while the numbers move, seldom while they stand still."""
    left = interval - _age(told, now) if told is not None else 0.0
    return left if left > 0 else QUIET_ROUNDS * interval


def _age(told: Counted, now: datetime) -> float:
    return (now - told.at).total_seconds()


def _summed(told: Sequence[Forwarded], role: Role, at: datetime) -> Counted:
    outcomes = [(name, count) for each in told for name, count in each.outcomes.items()]
    compared = _sum(told, lambda each: each.compared)
    slower = sum(each.slower_seconds for each in told)
    samples = dict.fromkeys(sample[:DIFFERENCE_LENGTH] for each in told for sample in each.samples)
    return Counted(
        at=at,
        requests=_sum(told, lambda each: each.copies) if role is Role.SHADOW else sum(count for _, count in outcomes),
        failed=sum(count for name, count in outcomes if name not in _NOT_FAILED),
        shielded=_sum(told, lambda each: each.shielded),
        held=_sum(told, lambda each: each.held),
        compared=compared,
        differing=_sum(told, lambda each: each.differed),
        dropped=_sum(told, lambda each: each.dropped),
        slower_millis=round(1000 * slower / compared, 3) if compared else None,
        samples=tuple(samples)[:MOST_SAMPLES],
    )


def _sum(told: Sequence[Forwarded], count: Callable[[Forwarded], int]) -> int:
    return sum(map(count, told))
