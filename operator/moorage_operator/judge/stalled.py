"""Stalled: does the change need somebody's help?"""

from __future__ import annotations

from moorage_operator.api.conditions import Reason
from moorage_operator.api.problem import Problem
from moorage_operator.api.step import Failure, Phase
from moorage_operator.judge.evidence import Evidence
from moorage_operator.judge.stable_down import lasting
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
    if evidence.failure is not None:
        return _rolled_back(evidence.failure)
    problem = evidence.problems.any
    if problem is not None and (problem.terminal or evidence.late):
        return problem
    if (down := lasting(evidence)) is not None:
        return down
    if evidence.step.stuck:
        return _undecided(evidence)
    return _deadline(evidence) if evidence.late else None


def _rolled_back(failure: Failure) -> Problem:
    said = failure.message.rstrip(". ")
    message = (
        f"Version {failure.version} ({failure.revision}) was rolled back: {said}. It is not tried again until the spec "
        f"or the alias changes, or the annotation moorage.dev/retry={failure.revision} asks for it."
    )
    return Problem(failure.reason, message, terminal=True)


def _undecided(evidence: Evidence) -> Problem:
    step, judgement = evidence.step, evidence.trial.judgement
    so_far = f" {judgement.message.rstrip('. ')}." if judgement is not None and judgement.message else ""
    message = (
        f"{step.note}{so_far} Annotate moorage.dev/promote={step.candidate} or moorage.dev/abort={step.candidate}, "
        "lower analysis.minSamples, or send the step more traffic."
    )
    return Problem(Reason.INCONCLUSIVE_TOO_LONG, message, terminal=True)


def _deadline(evidence: Evidence) -> Problem:
    seconds, phase = evidence.owner.spec.progress_deadline_seconds, evidence.step.phase
    if phase in (Phase.PROGRESSING, Phase.PROMOTING):
        message = (
            f"Not every pod of the version that serves says within {seconds} seconds (spec.progressDeadlineSeconds) "
            "that it follows the newest route table. Look at their logs; the operator must reach port 8081 of the pods."
        )
        return Problem(Reason.ROUTES_NOT_APPLIED, message, terminal=True)
    message = (
        f"{phase.value} did not come to an end within {seconds} seconds "
        "(spec.progressDeadlineSeconds). Look at the pods of the newest revision, or raise the deadline."
    )
    return Problem(Reason.PROGRESS_DEADLINE_EXCEEDED, message, terminal=True)
