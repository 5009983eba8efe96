"""RolloutHealthy: is the change under way, or the newest revision, free of problems?"""

from __future__ import annotations

from moorage_operator.api.conditions import Reason
from moorage_operator.api.judgement import Verdict as Word
from moorage_operator.api.problem import Problem
from moorage_operator.judge.evidence import Evidence
from moorage_operator.judge.stalled import stopped_by
from moorage_operator.judge.times import seconds
from moorage_operator.judge.verdict import Verdict, blamed, true


def judge(evidence: Evidence) -> Verdict:
    """False for any problem of the newest revision, lasting or not, and for whatever stops the change."""
    generation = evidence.owner.metadata.generation
    problem = _failed(evidence) or evidence.problems.of_rollout or stopped_by(evidence) or _on_trial(evidence)
    if problem is not None:
        return blamed(problem, generation)
    return true(Reason.HEALTHY, "The newest revision has no problem.", generation)


def _failed(evidence: Evidence) -> Problem | None:
    return stopped_by(evidence) if evidence.failure is not None else None


def _on_trial(evidence: Evidence) -> Problem | None:
    """What is held against a candidate that has not been rolled back for it, or not yet."""
    lost, told = evidence.step.progress.lost_since, evidence.trial.judgement
    if lost is not None:
        message = f"None of its pods has answered its own test request since {seconds(lost)}; it gets no traffic."
        return Problem(Reason.CANDIDATE_UNREACHABLE, message)
    if evidence.step.candidate is None or told is None or told.verdict is not Word.FAIL:
        return None
    return Problem(told.reason or Reason.JUDGED_BAD, f"The last judgement was Fail: {told.message}")
