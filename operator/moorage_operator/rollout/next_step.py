"""The next step of a rollout: make before break, one revision at a time, and time as an argument."""

from __future__ import annotations

from datetime import datetime

from moorage_operator.api.step import Phase, RevisionState, Scene, Step
from moorage_operator.rollout import roles
from moorage_operator.rollout.size import replicas, switch_size


def next_step(scene: Scene) -> Step:
    """What should be true next. Pure and level-triggered: any state that the world can be in has a next step."""
    stable = roles.stable(scene)
    newcomer = roles.arriving(scene)
    candidate = newcomer if newcomer is not None and newcomer != stable else _candidate(scene, stable)
    phase = _phase(scene, stable, candidate)
    retiring, removed = _leftovers(scene, stable, candidate)
    since = _since(scene, phase, candidate)
    return Step(
        stable=stable,
        candidate=candidate,
        retiring=retiring,
        removed=removed,
        replicas=replicas(scene, stable, candidate, retiring),
        target=_target(scene, stable, candidate),
        phase=phase,
        since=since,
        look_again=_look_again(scene, phase, since, retiring),
    )


def _candidate(scene: Scene, stable: str | None) -> str | None:
    return scene.wanted if scene.wanted != stable and scene.wanted in scene.revisions else None


def _phase(scene: Scene, stable: str | None, candidate: str | None) -> Phase:
    if candidate is not None:
        if candidate == roles.arriving(scene):
            return Phase.SWITCHING
        return Phase.SCALING if roles.ready(scene, candidate) else Phase.LOADING
    if scene.wanted is None:
        return Phase.RESOLVING
    return Phase.SCALING if roles.ready(scene, stable) < scene.size.minimum else Phase.STEADY


def _since(scene: Scene, phase: Phase, candidate: str | None) -> datetime:
    memory = scene.memory
    if memory.since is None or phase is not memory.phase or candidate != memory.candidate:
        return scene.now
    return min(memory.since, scene.now)


def _target(scene: Scene, stable: str | None, candidate: str | None) -> str | None:
    """Where the Service should point: to the candidate once it can carry what the stable one carries."""
    if candidate is None:
        return stable
    if stable is None or candidate == roles.arriving(scene):
        return candidate
    enough = switch_size(scene, stable) if roles.ready(scene, stable) else 1
    return candidate if roles.ready(scene, candidate) >= enough else stable


def _leftovers(scene: Scene, stable: str | None, candidate: str | None) -> tuple[dict[str, datetime], frozenset[str]]:
    """The other revisions: those that served stay for a while, the rest goes at once."""
    others = [state for name, state in scene.revisions.items() if name not in (stable, candidate)]
    since = {state.revision: _retired_at(scene, state) for state in others}
    kept = {name: at for name, at in since.items() if at is not None and _left(scene, at) > 0}
    return kept, frozenset(since) - frozenset(kept)


def _retired_at(scene: Scene, state: RevisionState) -> datetime | None:
    if state.desired is None or state.revision == scene.memory.candidate:
        return None
    return min(scene.memory.retiring.get(state.revision, scene.now), scene.now)


def _left(scene: Scene, retired_at: datetime) -> float:
    return scene.retire_seconds - (scene.now - retired_at).total_seconds()


def _look_again(scene: Scene, phase: Phase, since: datetime, retiring: dict[str, datetime]) -> float | None:
    moments = [_left(scene, at) for at in retiring.values()]
    if phase is Phase.SWITCHING:
        moments.append(roles.SETTLE_SECONDS - (scene.now - since).total_seconds())
    return max(min(moments), 0.05) if moments else None
