"""Why a candidate is rolled back: an ordered chain, the first that says something wins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from moorage_operator.api.conditions import Reason
from moorage_operator.api.judgement import Judgement, Verdict
from moorage_operator.api.step import Progress, Scene
from moorage_operator.rollout import roles
from moorage_operator.rollout.intents import Asked
from moorage_operator.rollout.steps import current_step

Fault = tuple[str, str]
"""A reason and a sentence."""

MUTE_SECONDS = 15.0
"""Pods that are up and do not answer may catch their breath for so long."""
WITHDRAWALS = 3
"""A candidate whose pods stop answering again and again is not waited for for ever."""


def fault(scene: Scene, candidate: str, asked: Asked) -> Fault | None:
    """Why the candidate must go now; None when it may go on."""
    chain: tuple[Callable[[Scene, str, Asked], Fault | None], ...] = (_aborted, _misfit, _judged, _open, _lost)
    return next((found for check in chain if (found := check(scene, candidate, asked)) is not None), None)


def share(scene: Scene, progress: Progress) -> int:
    """Percent that the candidate gets in its step: what it once had it keeps."""
    step = current_step(scene.plan, progress)
    return max(progress.weight, step.weight if step is not None else 0)


def current(scene: Scene, progress: Progress) -> Judgement | None:
    """The judgement of this very step."""
    return _made_since(scene, progress.since)


def newest(scene: Scene, progress: Progress) -> Verdict | None:
    """What the last look at what it gets came to, whether or not every stable pod follows the step."""
    told = _made_since(scene, progress.judged_since)
    return told.verdict if told is not None else None


def unjudged_for(scene: Scene, progress: Progress) -> float | None:
    """Seconds beyond `max_hold` for which the step could not be judged, negative before; None when it is judged."""
    step, told = current_step(scene.plan, progress), current(scene, progress)
    if step is None or progress.patience_since is None or not is_judged(scene, progress):
        return None
    if told is not None and told.verdict is not Verdict.INCONCLUSIVE:
        return None
    return (scene.now - progress.patience_since).total_seconds() - max(scene.plan.max_hold, step.hold)


def is_judged(scene: Scene, progress: Progress) -> bool:
    """Whether the step shows the candidate any request."""
    step = current_step(scene.plan, progress)
    return step is not None and (share(scene, progress) > 0 or step.shadow > 0)


def _made_since(scene: Scene, begun: datetime | None) -> Judgement | None:
    told = scene.judgement
    return told if told is not None and begun is not None and told.at > begun else None


def _aborted(_scene: Scene, _candidate: str, asked: Asked) -> Fault | None:
    return (Reason.ABORTED_BY_USER, "It was aborted by annotation.") if asked.aborted else None


def _misfit(scene: Scene, candidate: str, _asked: Asked) -> Fault | None:
    if scene.misfit is None or candidate != scene.wanted:
        return None
    return Reason.SCHEMA_INCOMPATIBLE, scene.misfit


def _judged(scene: Scene, _candidate: str, asked: Asked) -> Fault | None:
    told = scene.judgement
    if told is None or not told.abort or asked.progress.promoted or not asked.progress.begun:
        return None
    return told.reason or Reason.CANDIDATE_ERRORS, told.message


def _open(scene: Scene, _candidate: str, asked: Asked) -> Fault | None:
    beyond = unjudged_for(scene, asked.progress)
    if asked.frozen or beyond is None or beyond < 0 or scene.plan.on_inconclusive != "abort":
        return None
    told = current(scene, asked.progress)
    so_far = f" {told.message}" if told is not None else ""
    return Reason.INCONCLUSIVE_TOO_LONG, f"The step could not be judged within rollout.maxHold.{so_far}"


def _lost(scene: Scene, candidate: str, asked: Asked) -> Fault | None:
    progress = asked.progress
    if roles.ready(scene, candidate) or progress.lost_since is None:
        return None
    gone = (scene.now - progress.lost_since).total_seconds()
    mute = scene.revisions[candidate].mute > 0 and gone >= MUTE_SECONDS
    if not mute and gone < scene.deadline_seconds and progress.withdrawn <= WITHDRAWALS:
        return None
    message = "None of its pods answers its own test request any more, though they did when it came in."
    return Reason.CANDIDATE_UNREACHABLE, message
