"""The next step of a rollout: make before break, one revision at a time, and time as an argument."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from moorage_operator.api.step import Answer, Failure, Phase, Progress, Scene, Step
from moorage_operator.rollout import roles
from moorage_operator.rollout.company import arm_of, arms, copies, has_won, places, present, sizes
from moorage_operator.rollout.course import Course, course
from moorage_operator.rollout.goal import goal, standing_failures
from moorage_operator.rollout.intents import Asked, asked, reconsidered
from moorage_operator.rollout.leftovers import leftovers, next_removal
from moorage_operator.rollout.rescue import DARK_SECONDS
from moorage_operator.rollout.size import floor, floors, replicas
from moorage_operator.rollout.steps import in_this_plan, path, planned
from moorage_operator.rollout.verdicts import fault


def next_step(scene: Scene) -> Step:
    """What should be true next. Pure and level-triggered: any state that the world can be in has a next step."""
    stable = roles.stable(scene)
    failures, answers = reconsidered(scene, stable, standing_failures(scene))
    candidate = _candidate(scene, stable, failures)
    if candidate != scene.memory.candidate:
        scene = replace(scene, judgement=None)
    wishes = asked(scene, stable, candidate, _progress(scene, stable, candidate))
    failed = _failed(scene, stable, candidate, wishes)
    if failed is not None:
        candidate, failures = None, (failed, *failures)
    here = course(scene, stable, candidate, wishes) if candidate is not None else None
    return _step(scene, stable, candidate, here, failures, (*answers, *wishes.answers))


def _candidate(scene: Scene, stable: str | None, failures: tuple[Failure, ...]) -> str | None:
    newcomer = roles.arriving(scene)
    if newcomer is not None and newcomer != stable:
        return newcomer
    wished = goal(scene, stable, failures)
    return wished if wished != stable and wished in scene.revisions else None


def _progress(scene: Scene, stable: str | None, candidate: str | None) -> Progress:
    """What is remembered of this very candidate."""
    memory = scene.memory
    same = candidate is not None and candidate == memory.candidate
    told = memory.progress if same else Progress(promoted=_is_proven(scene, candidate))
    dark = candidate is not None and stable is not None and not roles.ready(scene, stable)
    # Where nobody is stable nothing is shared: what the table says of it then is of another time.
    had = _had(scene, candidate, told) if same and stable is not None else 0
    told = replace(
        told,
        step=1 if had > told.weight and not told.step else told.step,
        weight=had,
        floor=floor(scene, stable, told),
        down_since=(told.down_since or scene.now) if dark else None,
    )
    return in_this_plan(scene.plan, told)


def _had(scene: Scene, candidate: str | None, told: Progress) -> int:
    """The share that it has: a pass that was cut short may have given it that of the next step already."""
    if candidate is None:
        return told.weight
    following = planned(scene.plan, max(1, told.step + (told.since is not None)))
    most = following.weight if following is not None else 100
    return max(told.weight, min(scene.routed.weights.get(candidate, 0), most))


def _is_proven(scene: Scene, candidate: str | None) -> bool:
    """The way back to a revision that served is no trial, nor is one that answers everybody already."""
    if candidate is None:
        return False
    if has_won(scene, candidate):
        return True
    stands = candidate in scene.memory.retiring and candidate in scene.previous
    return candidate != scene.wanted or (scene.plan.lenient and stands)


def _failed(scene: Scene, stable: str | None, candidate: str | None, wishes: Asked) -> Failure | None:
    """The candidate's failure, as long as there is a way back."""
    if candidate is None or stable is None or candidate == roles.arriving(scene):
        return None
    found = fault(scene, candidate, wishes)
    if found is None:
        return None
    reason, message = found
    return Failure(candidate, scene.revisions[candidate].version, reason, message, scene.now, scene.meaning)


def _step(
    scene: Scene,
    stable: str | None,
    candidate: str | None,
    here: Course | None,
    failures: tuple[Failure, ...],
    answers: tuple[Answer, ...],
) -> Step:
    phase = here.phase if here is not None else _at_rest(scene, stable)
    progress = here.progress if here is not None else Progress()
    progress = replace(progress, path=path(scene.plan, progress.step))
    company = present(scene, stable, candidate)
    retiring, removed = leftovers(scene, (stable, candidate, *company))
    since = _since(scene, phase, candidate, progress)
    return Step(
        stable=stable,
        candidate=candidate,
        retiring=retiring,
        removed=removed,
        replicas=replicas(scene, stable, candidate, here, retiring) | sizes(scene, company),
        target=candidate if here is not None and here.takes_over else stable,
        phase=phase,
        since=since,
        look_again=_look_again(scene, phase, since, retiring, here),
        weights=_weights(scene, stable, candidate, progress, arms(scene, company)),
        shadow=(here.shadow if here is not None else 0.0) or copies(scene, company),
        progress=progress,
        floors=floors(scene, stable, candidate, here),
        failed=failures,
        answers=answers,
        patient=here.patient if here is not None else False,
        stuck=here.stuck if here is not None else False,
        note=here.note if here is not None else "",
        companions=company,
        places=places(scene, stable),
        candidate_arm=arm_of(scene, candidate),
        candidate_copies=here is not None and here.shadow > 0,
        rescues=here is not None and here.rescues,
        dark=here.dark if here is not None else "",
    )


def _at_rest(scene: Scene, stable: str | None) -> Phase:
    if scene.wanted is None:
        return Phase.RESOLVING
    return Phase.SCALING if roles.ready(scene, stable) < scene.size.minimum else Phase.STEADY


def _weights(
    scene: Scene, stable: str | None, candidate: str | None, progress: Progress, arms: dict[str, int]
) -> dict[str, int]:
    """An A/B test keeps its clients while the stable revision changes."""
    room = 100 - sum(places(scene, stable).values())
    given = min(progress.weight, room) if candidate is not None else 0
    told = {candidate: given} if candidate is not None else {}
    return told | arms | ({stable: 100 - sum(arms.values()) - given} if stable is not None else {})


def _since(scene: Scene, phase: Phase, candidate: str | None, progress: Progress) -> datetime:
    memory = scene.memory
    same = (phase, candidate, progress.step) == (memory.phase, memory.candidate, memory.progress.step)
    return min(memory.since, scene.now) if same and memory.since is not None else scene.now


def _look_again(
    scene: Scene, phase: Phase, since: datetime, retiring: dict[str, datetime], here: Course | None
) -> float | None:
    moments = next_removal(scene, retiring)
    if phase is Phase.SWITCHING:
        moments.append(roles.SETTLE_SECONDS - (scene.now - since).total_seconds())
    if here is not None and here.wait is not None:
        moments.append(here.wait)
    if here is not None and here.progress.begun and phase is not Phase.SWITCHING:
        moments.append(scene.plan.interval)
    if here is not None and here.progress.down_since is not None:
        moments.append(DARK_SECONDS - (scene.now - here.progress.down_since).total_seconds())
    ahead = [moment for moment in moments if moment > 0]
    return max(min(ahead), 0.05) if ahead else None
