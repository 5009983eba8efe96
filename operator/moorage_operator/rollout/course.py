"""How far the candidate has come, and what it gets now: one step after the other, each seen to be followed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from moorage_operator.api.judgement import Verdict
from moorage_operator.api.step import Phase, PlannedStep, Progress, Scene
from moorage_operator.rollout import notes, roles
from moorage_operator.rollout.company import pods
from moorage_operator.rollout.following import followed, poll
from moorage_operator.rollout.intents import Asked
from moorage_operator.rollout.rescue import is_dark, obstacle
from moorage_operator.rollout.steps import current_step, planned
from moorage_operator.rollout.verdicts import MUTE_SECONDS, current, is_judged, newest, share, unjudged_for


@dataclass(frozen=True, slots=True)
class Course:
    """`need`: ready pods that the candidate should have. `takes_over`: the public Service should select it. The others
    are as in `Step`.
    """

    phase: Phase
    progress: Progress
    need: int = 1
    shadow: float = 0.0
    takes_over: bool = False
    patient: bool = False
    stuck: bool = False
    note: str = ""
    wait: float | None = None
    rescues: bool = False
    dark: str = ""


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
    frozen = asked.frozen and not progress.promoted
    here = _entered(scene, candidate, progress, frozen=frozen)
    if roles.ready(scene, stable) or here.takes_over:
        return here
    return _in_the_dark(scene, progress, here, frozen=frozen)


def _withdrawn(scene: Scene, candidate: str, progress: Progress) -> Course:
    """Nobody is sent to pods that do not answer; the step begins anew when they do."""
    had = progress.weight > 0 or progress.judged_since is not None
    lost = scene.now if had else progress.lost_since
    kept = replace(
        progress,
        weight=0,
        since=None,
        judged_since=None,
        patience_since=None,
        withdrawn=progress.withdrawn + had,
        lost_since=lost,
    )
    gone = (scene.now - lost).total_seconds() if lost is not None else 0.0
    wait = MUTE_SECONDS - gone if lost is not None and scene.revisions[candidate].mute else None
    return Course(Phase.LOADING, kept, need=need(progress, progress.weight), wait=wait)


def _in_the_dark(scene: Scene, progress: Progress, here: Course, *, frozen: bool) -> Course:
    """The stable revision answers nobody. Who is known to be good takes its place; anybody else is not let in."""
    why_not = obstacle(scene, progress, paused=frozen or here.phase is Phase.PAUSED)
    if not why_not:
        return Course(Phase.PROMOTING, progress, need=progress.floor, takes_over=True, rescues=True, note=notes.DARK)
    return replace(here, dark=why_not) if is_dark(scene, progress) else here


def _entered(scene: Scene, candidate: str, progress: Progress, *, frozen: bool) -> Course:
    """The first step that is not done yet."""
    if not progress.begun:
        if frozen:
            return Course(Phase.PAUSED, progress, patient=True, note=notes.FROZEN)
        progress = replace(progress, step=1)
    while not progress.promoted and (step := current_step(scene.plan, progress)) is not None:
        here = _in_step(scene, candidate, progress, step, frozen=frozen)
        if here is not None:
            return here
        weight = share(scene, progress)
        progress = replace(progress, step=progress.step + 1, weight=weight, since=None, patience_since=None)
    return _promotion(scene, candidate, progress, frozen=frozen)


def _in_step(scene: Scene, candidate: str, progress: Progress, step: PlannedStep, *, frozen: bool) -> Course | None:
    """The step as it is; None when it is done."""
    weight = share(scene, progress)
    if weight > progress.weight:
        waits = _before(scene, candidate, progress, need(progress, weight), frozen=frozen)
        if waits is not None:
            return waits
    progress = _given(scene, progress, weight, step.shadow)
    here = Course(Phase.PROGRESSING, progress, need=need(progress, weight), shadow=step.shadow)
    if not _followed(scene, candidate, progress, step):
        return replace(here, wait=poll(scene), patient=progress.since is not None)
    progress = _in_force(scene, progress, frozen=frozen)
    return _held(scene, candidate, replace(here, progress=progress, patient=True), step, frozen=frozen)


def _before(scene: Scene, candidate: str, progress: Progress, wanted: int, *, frozen: bool) -> Course | None:
    """What the candidate waits for with what it has before it gets more: nobody stops it, it is good, it can."""
    last = planned(scene.plan, progress.step - 1)
    here = Course(Phase.PAUSED, progress, need(progress, progress.weight), last.shadow if last is not None else 0.0)
    if frozen:
        return replace(here, patient=True, note=notes.FROZEN)
    if _fails(scene, progress):
        return replace(here, phase=Phase.PROGRESSING, patient=True, note=notes.FAILS)
    if roles.ready(scene, candidate) < wanted:
        return replace(here, phase=Phase.SCALING, need=wanted)
    return None


def _fails(scene: Scene, progress: Progress) -> bool:
    return not progress.promoted and newest(scene, progress) is Verdict.FAIL


def _given(scene: Scene, progress: Progress, weight: int, shadow: float) -> Progress:
    """What it gets now, it is judged by, from the first pod on that follows."""
    shown = weight > 0 or shadow > 0
    return replace(progress, weight=weight, judged_since=progress.judged_since or (scene.now if shown else None))


def _followed(scene: Scene, candidate: str, progress: Progress, step: PlannedStep) -> bool:
    """Whether the step may count: every stable pod follows it, and there is one."""
    somebody = progress.since is not None or roles.ready(scene, scene.memory.stable) > 0
    return somebody and followed(scene, candidate, progress.weight, step.shadow)


def _in_force(scene: Scene, progress: Progress, *, frozen: bool) -> Progress:
    """The step's hold and its judgement begin with the first pass that sees it followed."""
    patience = None if frozen else min(progress.patience_since or scene.now, scene.now)
    if progress.since is not None:
        return replace(progress, since=min(progress.since, scene.now), patience_since=patience)
    shown = is_judged(scene, progress)
    return replace(progress, since=scene.now, judged_since=scene.now if shown else None, patience_since=patience)


def _held(scene: Scene, candidate: str, here: Course, step: PlannedStep, *, frozen: bool) -> Course | None:
    """The step in force: what it waits for; None when there is nothing left to wait for."""
    progress = here.progress
    passed = (scene.now - (progress.since or scene.now)).total_seconds()
    beyond = unjudged_for(scene, progress)
    moments = [step.hold - passed, -beyond if beyond is not None else 0.0]
    here = replace(here, wait=min((each for each in moments if each > 0), default=None))
    if frozen:
        return replace(here, phase=Phase.PAUSED, note=notes.FROZEN)
    if passed < step.hold:
        return replace(here, note="" if progress.step else notes.AGAIN)
    if not _good(scene, progress):
        stuck = beyond is not None and beyond >= 0
        waits = replace(here, note=notes.unjudged(scene, beyond))
        return replace(here, phase=Phase.PAUSED, stuck=True, note=notes.STUCK) if stuck else waits
    if step.pause and progress.approved < progress.step:
        return replace(here, phase=Phase.PAUSED, note=notes.approval(scene, candidate, progress))
    return None


def _good(scene: Scene, progress: Progress) -> bool:
    """Whether the step's hold may end, once it is over."""
    if not is_judged(scene, progress):
        return True
    told = current(scene, progress)
    if told is not None and told.verdict is not Verdict.INCONCLUSIVE:
        return told.verdict is Verdict.PASS
    beyond = unjudged_for(scene, progress)
    return scene.plan.lenient or (scene.plan.on_inconclusive == "promote" and beyond is not None and beyond >= 0)


def _promotion(scene: Scene, candidate: str, progress: Progress, *, frozen: bool) -> Course:
    """All of the traffic, once there are as many pods as the stable revision has; then the Service."""
    wanted = progress.floor if progress.weight < 100 else 0
    waits = _before(scene, candidate, progress, wanted, frozen=frozen)
    if waits is not None:
        return waits
    progress = _given(scene, progress, 100, 0.0)
    ready = followed(scene, candidate, 100, 0.0)
    wait = None if ready else poll(scene)
    return Course(Phase.PROMOTING, progress, need=progress.floor, takes_over=ready, wait=wait)


def need(progress: Progress, weight: int) -> int:
    """Ready pods that a share of the stable revision's traffic takes."""
    return pods(weight, progress.floor)
