"""Reconciling: is a change under way, and within its deadline?"""

from __future__ import annotations

from moorage_operator.api.conditions import Reason
from moorage_operator.api.step import Phase, RevisionState
from moorage_operator.judge.evidence import Evidence
from moorage_operator.judge.stalled import stopped_by
from moorage_operator.judge.times import seconds
from moorage_operator.judge.verdict import Verdict, false, true

_REASONS = {
    Phase.RESOLVING: Reason.RESOLVING,
    Phase.LOADING: Reason.LOADING,
    Phase.SCALING: Reason.SCALING,
    Phase.PROGRESSING: Reason.PROGRESSING,
    Phase.PAUSED: Reason.PAUSED,
    Phase.PROMOTING: Reason.PROMOTING,
    Phase.SWITCHING: Reason.SWITCHING,
}


def judge(evidence: Evidence) -> Verdict:
    """True between the first step and the last, unless something has stopped it."""
    generation = evidence.owner.metadata.generation
    if stopped_by(evidence) is not None:
        return false(Reason.STOPPED, "The change cannot go on by itself; read Stalled.", generation)
    if evidence.cleaning:
        return true(
            Reason.CLEANING_UP,
            "Children that were deleted are still going away; they come back after that.",
            generation,
        )
    if evidence.step.phase is Phase.STEADY:
        return false(Reason.STEADY, "Everything is as the spec says.", generation)
    problem = evidence.problems.any
    so_far = f" So far: {problem.message}" if problem is not None else ""
    reason = Reason.STABLE_REPLACED if evidence.step.rescues else _REASONS[evidence.step.phase]
    return true(reason, f"{_doing(evidence)}{so_far}", generation)


def _doing(evidence: Evidence) -> str:
    newest = evidence.newest
    if evidence.step.phase is Phase.RESOLVING or newest is None:
        return f"Asking the registry what {evidence.owner.spec.model.storage_uri} means."
    if evidence.step.progress.lost_since is not None:
        since = seconds(evidence.step.progress.lost_since)
        return (
            f"Version {newest.version} gets no traffic: none of its pods has answered its own test request since "
            f"{since}. Its step begins anew when one does; else it is rolled back."
        )
    if evidence.step.phase is Phase.LOADING:
        return f"The first pod of version {newest.version} downloads, loads and tests the model."
    if evidence.step.phase is Phase.SCALING:
        size = evidence.step.replicas.get(newest.revision) or newest.desired or 1
        return f"{newest.ready} of {size} pods of version {newest.version} answer."
    if evidence.step.phase in (Phase.PROGRESSING, Phase.PAUSED):
        return _trial(evidence, newest)
    if evidence.step.phase is Phase.PROMOTING:
        return f"{evidence.step.note} Version {newest.version} takes over.".strip()
    return f"The Service has moved to version {newest.version}; the cluster is learning it."


def _trial(evidence: Evidence, candidate: RevisionState) -> str:
    """Without the numbers of the last judgement, which move every few seconds: those stand in status.rollout."""
    step, steps = evidence.step, len(evidence.trial.plan.steps)
    share = step.weights.get(candidate.revision, 0)
    where = f", step {step.progress.step} of {steps}" if 0 < step.progress.step <= steps else ""
    return f"Version {candidate.version} gets {share} % of the traffic{where}. {step.note}".strip()
