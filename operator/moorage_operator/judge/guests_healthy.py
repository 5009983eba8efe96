"""GuestsHealthy: do the shadow and every arm of the A/B test answer?"""

from __future__ import annotations

from collections.abc import Iterable

from moorage_operator.api.conditions import Reason
from moorage_operator.judge.evidence import Evidence, worst
from moorage_operator.judge.guest_word import named, word
from moorage_operator.judge.verdict import Verdict, false, true, unknown


def asked(evidence: Evidence) -> bool:
    """Whether there are any."""
    return bool(evidence.company)


def judge(evidence: Evidence) -> Verdict:
    """False for a problem of any of them. Nothing else depends on it: those who serve, serve."""
    generation = evidence.owner.metadata.generation
    words = [word(evidence, each) for each in evidence.company]
    problem = worst(*(each.problem for each in evidence.company))
    if problem is not None:
        return false(problem.reason, _joined(each.message for each in words if each.bad), generation)
    if any(each.reason for each in words):
        return unknown(Reason.LOADING, _joined(each.message for each in words if each.reason), generation)
    names = [named(each.guest, each.resolved.version if each.resolved else None) for each in evidence.company]
    return true(Reason.GUESTS_ANSWER, f"Answering: {', '.join(names)}.", generation)


def _joined(messages: Iterable[str | None]) -> str:
    return " ".join(each for each in messages if each is not None)
