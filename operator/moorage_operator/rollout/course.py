"""How far the candidate has come, and what it gets now: one step after the other, each seen to be followed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from moorage_operator.api.judgement import Verdict
from moorage_operator.api.step import Phase, PlannedStep, Progress, Scene
from moorage_operator.rollout import roles
from moorage_operator.rollout.company import copies, places, present
from moorage_operator.rollout.intents import Asked
from moorage_operator.rollout.verdicts import (
    MUTE_SECONDS,
    current,
    is_judged,
    planned,
    share,
    unjudged_for,
)

DARK_SECONDS = 10.0
"""How long a stable revision that answers nobody is waited for, before a candidate on trial takes its place."""
UNSEEN_SECONDS = 30.0
"""How long pods may keep silent on the route table before a rollout without steps goes on anyway, and before they are
asked less often."""
POLL_SECONDS = 0.5
SLOW_POLL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Course:
    """`need`: ready pods that the candidate should have. `takes_over`: the public Service should select it."""

    phase: Phase
    progress: Progress
    need: int = 1
    shadow: float = 0.0
    takes_over: bool = False
    patient: bool = False
    stuck: bool = False
    note: str = ""
    wait: float | None = None


def course(scene: Scene, stable: str | None, candidate: str, asked: Asked) -> Course:
    """Where the candidate stands."""
    progress = asked.progress
    if candidate == roles.arriving(scene):
        return Course(Phase.SWITCHING, progress, need=progress.floor, takes_over=True)
    if stable is None:
        phase = Phase.SCALING if roles.ready(scene, candidate) else Phase.LOADING
        return Course(phase, progress, need=progress.floor if phase is Phase.SCALING else 1, takes_over=True)
    if not roles.ready(scene, candidate) or scene.revisions[candidate].address is None:
        return _withdrawn(scene, candidate, progress)
    if progress.lost_since is not None:
        progress = replace(progress, lost_since=None, since=None)
    if not roles.ready(scene, stable) and _may_rescue(scene, progress):
        return Course(Phase.PROMOTING, progress, need=progress.floor, takes_over=True, note=_DARK)
    return _entered(scene, candidate, progress, frozen=asked.frozen or scene.plan.paused)


_DARK = "The version that serves answers nobody."


def _withdrawn(scene: Scene, candidate: str, progress: Progress) -> Course:
    """Nobody is sent to pods that do not answer; the step begins anew when they do."""
    had = progress.weight > 0
    lost = scene.now if had else progress.lost_since
    kept = replace(progress, weight=0, withdrawn=progress.withdrawn + had, lost_since=lost)
    gone = (scene.now - lost).total_seconds() if lost is not None else 0.0
    wait = MUTE_SECONDS - gone if lost is not None and scene.revisions[candidate].mute else None
    return Course(Phase.LOADING, kept, need=need(progress, progress.weight), wait=wait)


def _may_rescue(scene: Scene, progress: Progress) -> bool:
    told = scene.judgement
    if told is not None and told.verdict is Verdict.FAIL:
        return False
    return scene.plan.lenient or _dark_for(scene, progress) >= DARK_SECONDS


def _dark_for(scene: Scene, progress: Progress) -> float:
    return (scene.now - progress.down_since).total_seconds() if progress.down_since is not None else 0.0


def _entered(scene: Scene, candidate: str, progress: Progress, *, frozen: bool) -> Course:
    """The first step that is not done yet."""
    if progress.step == 0:
        if frozen and not progress.promoted:
            return Course(Phase.PAUSED, progress, patient=True, note=_FROZEN)
        progress = replace(progress, step=1)
    while not progress.promoted and (step := planned(scene, progress.step)) is not None:
        here = _in_step(scene, candidate, progress, step, frozen=frozen)
        if here is not None:
            return here
        progress = replace(progress, step=progress.step + 1, weight=share(scene, progress), since=None)
    return _promotion(scene, candidate, progress)


_FROZEN = "The rollout is paused by spec.rollout.paused or by annotation."


def _in_step(scene: Scene, candidate: str, progress: Progress, step: PlannedStep, *, frozen: bool) -> Course | None:
    """The step as it is; None when it is done."""
    weight = share(scene, progress)
    wanted = need(progress, weight)
    if roles.ready(scene, candidate) < wanted and weight > progress.weight:
        return Course(Phase.SCALING, progress, need=wanted, shadow=scene.routed.shadow)
    progress = replace(progress, weight=weight)
    here = Course(Phase.PROGRESSING, progress, need=wanted, shadow=step.shadow)
    if not _in_force(scene, candidate, weight, step.shadow):
        return replace(here, wait=_poll(scene), patient=progress.since is not None)
    since = progress.since if progress.since is not None else scene.now
    progress = replace(progress, since=min(since, scene.now))
    return _held(scene, candidate, replace(here, progress=progress, patient=True), step, frozen=frozen)


def _held(scene: Scene, candidate: str, here: Course, step: PlannedStep, *, frozen: bool) -> Course | None:
    """The step in force: what it waits for; None when there is nothing left to wait for."""
    progress = here.progress
    passed = (scene.now - (progress.since or scene.now)).total_seconds()
    beyond = unjudged_for(scene, progress)
    moments = [step.hold - passed, -beyond if beyond is not None else 0.0]
    here = replace(here, wait=min((each for each in moments if each > 0), default=None))
    if frozen:
        return replace(here, phase=Phase.PAUSED, note=_FROZEN)
    if passed < step.hold:
        return here
    if not _good(scene, progress):
        stuck = beyond is not None and beyond >= 0
        return replace(here, phase=Phase.PAUSED, stuck=True, note=_STUCK) if stuck else here
    if step.pause and progress.approved < progress.step:
        return replace(here, phase=Phase.PAUSED, note=_approval(candidate, progress))
    return None


_STUCK = "The step could not be judged within rollout.maxHold, and analysis.onInconclusive is hold."


def _approval(candidate: str, progress: Progress) -> str:
    value = f"{candidate}@{progress.step}"
    return f"Step {progress.step} waits for a person: annotate moorage.dev/promote={value} to go on."


def _good(scene: Scene, progress: Progress) -> bool:
    """Whether the step's hold may end, once it is over."""
    if not is_judged(scene, progress):
        return True
    told = current(scene, progress)
    if told is not None and told.verdict is not Verdict.INCONCLUSIVE:
        return told.verdict is Verdict.PASS
    beyond = unjudged_for(scene, progress)
    return scene.plan.lenient or (scene.plan.on_inconclusive == "promote" and beyond is not None and beyond >= 0)


def _promotion(scene: Scene, candidate: str, progress: Progress) -> Course:
    """All of the traffic, once there are as many pods as the stable revision has; then the Service."""
    if roles.ready(scene, candidate) < progress.floor and progress.weight < 100:
        return Course(Phase.SCALING, progress, need=progress.floor)
    progress = replace(progress, weight=100)
    followed = _in_force(scene, candidate, 100, 0.0)
    wait = None if followed else _poll(scene)
    return Course(Phase.PROMOTING, progress, need=progress.floor, takes_over=followed, wait=wait)


def need(progress: Progress, weight: int) -> int:
    """Ready pods that a share of the stable revision's traffic takes."""
    return max(1, math.ceil(weight * progress.floor / 100))


def _in_force(scene: Scene, candidate: str, weight: int, shadow: float) -> bool:
    routed, company = scene.routed, present(scene, scene.memory.stable, candidate)
    given = min(weight, 100 - sum(places(scene, scene.memory.stable).values()))
    says = (routed.weights.get(candidate, 0), routed.shadow) == (given, shadow or copies(scene, company))
    return says and (routed.acked or (scene.plan.lenient and _waited(scene) >= UNSEEN_SECONDS))


def _waited(scene: Scene) -> float:
    memory = scene.memory
    if memory.since is None or memory.phase not in (Phase.PROGRESSING, Phase.PROMOTING):
        return 0.0
    return (scene.now - memory.since).total_seconds()


def _poll(scene: Scene) -> float:
    return POLL_SECONDS if _waited(scene) < UNSEEN_SECONDS else SLOW_POLL_SECONDS
