"""Where the rollout stands, as the status tells it."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from moorage_operator.api.judgement import Check, Judgement
from moorage_operator.api.status import GREATEST, MOST_CHECKS
from moorage_operator.api.step import Failure, Step
from moorage_operator.judge.evidence import Evidence
from moorage_operator.judge.times import milliseconds

MESSAGE_LENGTH = 2000
FAILURES = 10


def rollout(evidence: Evidence) -> dict[str, Any]:
    """Phase and times always; the steps and the numbers while a candidate is on trial."""
    step = evidence.step
    told = {"phase": step.phase.value, "since": milliseconds(step.since), **_trial(evidence)}
    return {key: value for key, value in told.items() if value is not None}


def failed(step: Step) -> list[dict[str, Any]]:
    """The revisions that are not tried again, the newest first."""
    return [_failure(each) for each in step.failed[:FAILURES]]


def intents(step: Step) -> list[dict[str, Any]]:
    """What was asked for, and what was made of it."""
    return [
        {"name": each.name, "value": each.value, "answer": each.word, "message": each.message} for each in step.answers
    ]


def traffic(evidence: Evidence) -> str | None:
    """Versions with their shares, for example 3=95%, 4=5%; the one that serves first."""
    weights = sorted(_shares(evidence.step).items(), key=lambda each: each[0] != evidence.step.stable)
    shown = [(name, weight) for name, weight in weights if weight]
    versions = [evidence.states[name].version for name, _ in shown]
    twins = len(set(versions)) < len(versions)
    told = [
        f"{version} ({name})={weight}%" if twins else f"{version}={weight}%"
        for version, (name, weight) in zip(versions, shown, strict=True)
    ]
    return ", ".join(told) or None


def _shares(step: Step) -> dict[str, int]:
    """Percent by revision; what an arm has of the candidate's is the candidate's."""
    moved = step.places.get(step.candidate_arm, 0) if step.candidate_arm is not None else 0
    if step.candidate is None or step.stable is None or not moved:
        return dict(step.weights)
    given = {step.stable: step.weights[step.stable] - moved, step.candidate: step.weights[step.candidate] + moved}
    return {**step.weights, **given}


def _trial(evidence: Evidence) -> dict[str, Any]:
    step, trial, progress = evidence.step, evidence.trial, evidence.step.progress
    judgement = _judgement(trial.judgement) if trial.judgement is not None else None
    if step.candidate is None:
        return {"judgement": judgement}
    return {
        "step": progress.step,
        "steps": len(trial.plan.steps),
        "trafficPercent": progress.weight,
        "stepSince": _maybe(progress.since),
        "judgedSince": _maybe(progress.judged_since),
        "patienceSince": _maybe(progress.patience_since),
        "path": progress.path or None,
        "approved": progress.approved or None,
        "promoted": progress.promoted or None,
        "withdrawn": progress.withdrawn or None,
        "lostSince": _maybe(progress.lost_since),
        "stableSize": progress.floor or None,
        "stableDownSince": _maybe(progress.down_since),
        "judgement": judgement,
        "totals": trial.totals,
    }


def _maybe(time: datetime | None) -> str | None:
    return milliseconds(time) if time is not None else None


def _judgement(told: Judgement) -> dict[str, Any]:
    whole = {
        "verdict": told.verdict.value,
        "at": milliseconds(told.at),
        "reason": str(told.reason) if told.reason is not None else None,
        "message": told.message[:MESSAGE_LENGTH],
        "failures": told.failures,
        "checks": [_check(each) for each in told.checks[:MOST_CHECKS]],
        "samples": [each[:MESSAGE_LENGTH] for each in told.samples],
    }
    return {key: value for key, value in whole.items() if value is not None}


def _check(told: Check) -> dict[str, Any]:
    whole = {
        "name": told.name,
        "verdict": told.verdict.value,
        "candidate": _bounded(told.candidate),
        "stable": _bounded(told.stable),
        "limit": _bounded(told.limit),
        "samples": told.samples,
        "message": told.message[:MESSAGE_LENGTH],
    }
    return {key: value for key, value in whole.items() if value is not None}


def _bounded(number: float | None) -> float | None:
    """JSON has no other numbers than finite ones, and the schema none that are greater; the message has it in full."""
    if number is None or math.isnan(number):
        return None
    return max(-GREATEST, min(number, GREATEST))


def _failure(told: Failure) -> dict[str, Any]:
    return {
        "revision": told.revision,
        "version": told.version,
        "reason": str(told.reason),
        "message": told.message[:MESSAGE_LENGTH],
        "at": milliseconds(told.at),
        "intent": told.intent,
    }
