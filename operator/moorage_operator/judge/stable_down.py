"""The version that serves answers nobody, and the one that comes in is not known to be good enough for its place."""

from __future__ import annotations

from moorage_operator.api.conditions import Reason
from moorage_operator.api.problem import Problem
from moorage_operator.judge.evidence import Evidence
from moorage_operator.judge.times import seconds


def told(evidence: Evidence) -> Problem | None:
    """Since when, why the candidate is not taken, and how a person takes it."""
    stable, candidate, step = evidence.stable, evidence.state(evidence.step.candidate), evidence.step
    since = step.progress.down_since
    if not step.dark or stable is None or candidate is None or since is None:
        return None
    message = (
        f"No pod of version {stable.version}, which serves, has answered since {seconds(since)}. Version "
        f"{candidate.version} does not take its place by itself: {step.dark}. Annotate "
        f"moorage.dev/promote={candidate.revision} to bring it in, or look at the pods of version {stable.version}."
    )
    return Problem(Reason.STABLE_DOWN, message)


def lasting(evidence: Evidence) -> Problem | None:
    """The same, once it has lasted for the progress deadline."""
    since, limit = evidence.step.progress.down_since, evidence.owner.spec.progress_deadline_seconds
    late = since is not None and (evidence.now - since).total_seconds() >= limit
    return told(evidence) if late else None
