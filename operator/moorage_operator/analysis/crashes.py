"""Did a container of the candidate end while it was judged? One is enough: a version that works does not."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from moorage_operator.api.conditions import Reason
from moorage_operator.api.judgement import Check, Crash, Verdict

NAME = "crashes"


def check(crashes: Sequence[Crash], since: datetime, ended: Collection[str] | None = None) -> Check:
    """The crashes from `since` on; the kubelet tells their times to the second. `ended`: names of all that were known
    when judging began: another one is new, even where the node's clock is behind.
    """
    counted = [each for each in crashes if in_time(each, since) or (ended is not None and each.name not in ended)]
    if not counted:
        return Check(NAME, Verdict.PASS, candidate=0.0)
    first = min(counted, key=lambda each: (not each.out_of_memory, each.at))
    how = "needed more memory than its limit" if first.out_of_memory else f"ended by itself (exit code {first.code})"
    return Check(
        name=NAME,
        verdict=Verdict.FAIL,
        candidate=float(len(counted)),
        limit=0.0,
        samples=len(counted),
        message=f"the container of pod {first.pod} {how}",
        reason=Reason.CANDIDATE_OUT_OF_MEMORY if first.out_of_memory else Reason.CANDIDATE_CRASHED,
        final=True,
    )


def in_time(crash: Crash, since: datetime) -> bool:
    """Whether it happened from `since` on, by the clock of its node."""
    return crash.at >= since.replace(microsecond=0)
