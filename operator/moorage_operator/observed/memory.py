"""What the last pass wrote into the status, as the rollout remembers it."""

from __future__ import annotations

from datetime import UTC, datetime

from moorage_operator.api.judgement import Check, Counted, Judgement, Verdict
from moorage_operator.api.model_deployment import ModelDeploymentStatus
from moorage_operator.api.status import CheckStatus, JudgementStatus, RolloutStatus
from moorage_operator.api.step import Answer, Failure, Memory, Phase, Progress


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
        progress=_progress(rollout, now) if rollout else Progress(),
        judgement=_judgement(rollout.judgement, now) if rollout and rollout.judgement else None,
        failed=tuple(
            Failure(each.revision, each.version, each.reason, each.message, _time(each.at, now), each.intent)
            for each in status.failed
        ),
        answers=tuple(Answer(each.name, each.value, each.answer, each.message) for each in status.intents),
    )


def counted_before(status: ModelDeploymentStatus, role: str, name: str, revision: str, now: datetime) -> Counted | None:
    """What was told last of this very revision as that guest; None when nothing was."""
    told = next((each for each in status.guests if (each.role, each.name) == (role, name)), None)
    if told is None or told.counts is None or told.revision != revision:
        return None
    counts = told.counts.model_dump()
    return Counted(**{**counts, "at": _time(told.counts.at, now)})


def _progress(rollout: RolloutStatus, now: datetime) -> Progress:
    return Progress(
        step=rollout.step or 0,
        weight=rollout.traffic_percent or 0,
        since=_maybe(rollout.step_since, now),
        # A release that knew no path told no judgedSince either.
        judged_since=_maybe(rollout.judged_since if rollout.path else rollout.step_since, now),
        patience_since=_maybe(rollout.patience_since, now),
        approved=rollout.approved or 0,
        promoted=bool(rollout.promoted),
        withdrawn=rollout.withdrawn or 0,
        lost_since=_maybe(rollout.lost_since, now),
        floor=rollout.stable_size or 0,
        down_since=_maybe(rollout.stable_down_since, now),
        path=rollout.path or "",
    )


def _judgement(told: JudgementStatus, now: datetime) -> Judgement:
    """As it was told; what it asked for was done in the pass that told it."""
    return Judgement(
        verdict=_verdict(told.verdict),
        at=_time(told.at, now),
        checks=tuple(_check(each) for each in told.checks),
        reason=told.reason,
        message=told.message,
        failures=told.failures,
        samples=told.samples,
    )


def _check(told: CheckStatus) -> Check:
    return Check(told.name, _verdict(told.verdict), told.candidate, told.stable, told.limit, told.samples, told.message)


def _verdict(text: str) -> Verdict:
    try:
        return Verdict(text)
    except ValueError:
        return Verdict.INCONCLUSIVE


def _maybe(text: str | None, now: datetime) -> datetime | None:
    return None if text is None else _time(text, now)


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
