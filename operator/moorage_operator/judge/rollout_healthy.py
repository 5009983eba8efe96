"""RolloutHealthy: is the change under way, or the newest revision, free of problems?"""

from __future__ import annotations

from moorage_operator.api.conditions import Reason
from moorage_operator.api.problem import Problem
from moorage_operator.judge.evidence import Evidence
from moorage_operator.judge.stalled import stopped_by
from moorage_operator.judge.verdict import Verdict, blamed, true


def judge(evidence: Evidence) -> Verdict:
    """False for any problem of the newest revision, lasting or not, and for whatever stops the change."""
    generation = evidence.owner.metadata.generation
    problem = _failed(evidence) or evidence.problems.of_rollout or stopped_by(evidence)
    if problem is not None:
        return blamed(problem, generation)
    return true(Reason.HEALTHY, "The newest revision has no problem.", generation)


def _failed(evidence: Evidence) -> Problem | None:
    return stopped_by(evidence) if evidence.failure is not None else None
