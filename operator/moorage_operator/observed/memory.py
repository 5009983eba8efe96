"""What the last pass wrote into the status, as the rollout remembers it."""

from __future__ import annotations

from datetime import UTC, datetime

from moorage_operator.api.model_deployment import ModelDeploymentStatus
from moorage_operator.api.step import Memory, Phase


def remember(status: ModelDeploymentStatus, now: datetime) -> Memory:
    """The memory in a status; times that cannot be read count as `now`."""
    rollout = status.rollout
    return Memory(
        stable=status.stable.revision if status.stable else None,
        candidate=status.candidate.revision if status.candidate else None,
        phase=_phase(rollout.phase) if rollout else Phase.RESOLVING,
        since=_time(rollout.since, now) if rollout else None,
        retiring={each.revision: _time(each.since, now) for each in status.retiring},
        stable_replicas=status.stable.replicas if status.stable else 0,
    )


def _phase(text: str) -> Phase:
    try:
        return Phase(text)
    except ValueError:
        return Phase.RESOLVING


def _time(text: str, now: datetime) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return now
    return time if time.tzinfo else time.replace(tzinfo=UTC)
