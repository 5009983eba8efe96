"""Stalled: does the change need somebody's help?"""

from __future__ import annotations

from moorage_operator.api.conditions import Reason
from moorage_operator.api.problem import Problem
from moorage_operator.judge.evidence import Evidence
from moorage_operator.judge.verdict import Verdict, false, true


def judge(evidence: Evidence) -> Verdict:
    """True for a problem that time will not heal, or any once the progress deadline has passed."""
    generation = evidence.owner.metadata.generation
    cause = stopped_by(evidence)
    if cause is None:
        return false(Reason.NOT_STALLED, "Nothing needs help.", generation)
    return true(cause.reason, cause.message, generation)


def stopped_by(evidence: Evidence) -> Problem | None:
    """What the change cannot get past."""
    problem = evidence.problems.any
    if problem is not None and (problem.terminal or evidence.late):
        return problem
    return _deadline(evidence) if evidence.late else None


def _deadline(evidence: Evidence) -> Problem:
    seconds = evidence.owner.spec.progress_deadline_seconds
    message = (
        f"{evidence.step.phase.value} did not come to an end within {seconds} seconds "
        "(spec.progressDeadlineSeconds). Look at the pods of the newest revision, or raise the deadline."
    )
    return Problem(Reason.PROGRESS_DEADLINE_EXCEEDED, message, terminal=True)
