"""How many replicas each revision should have."""

from __future__ import annotations

from collections.abc import Iterable

from moorage_operator.api.step import Progress, Scene
from moorage_operator.rollout.course import Course


def replicas(
    scene: Scene, stable: str | None, candidate: str | None, here: Course | None, retiring: Iterable[str]
) -> dict[str, int | None]:
    """Replicas by revision that stays; None where the autoscaler owns the number."""
    sizes: dict[str, int | None] = {name: scene.revisions[name].desired for name in retiring}
    if candidate is not None and here is not None:
        sizes[candidate] = _candidate_size(scene, stable, candidate, here)
    if stable is not None:
        sizes[stable] = _stable_size(scene, stable, floor=here.progress.floor if here is not None else 0)
    return sizes


def floors(scene: Scene, stable: str | None, candidate: str | None, here: Course | None) -> dict[str, int]:
    """The least that an autoscaler may choose: while a candidate is on trial, the stable one can carry everything."""
    if not scene.size.scaled or stable is None:
        return {}
    if candidate is None or here is None:
        return {stable: scene.size.minimum}
    told = {stable: max(scene.size.minimum, here.progress.floor)}
    return told | {candidate: here.need} if here.progress.begun else told


def floor(scene: Scene, stable: str | None, progress: Progress) -> int:
    """Pods that the stable revision keeps while a candidate is on trial, and that the candidate needs to replace it."""
    if stable is None or not scene.size.scaled:
        return scene.size.minimum
    live = scene.revisions[stable].desired or scene.memory.stable_replicas
    return _within(scene, max(live, progress.floor))


def _candidate_size(scene: Scene, stable: str | None, candidate: str, here: Course) -> int | None:
    """One pod until it has shown that it can answer; then as many as its share takes. It never shrinks."""
    live = scene.revisions[candidate].desired
    if stable is None:
        return live or 1
    if scene.size.scaled and here.progress.begun and live is not None and live >= here.need:
        return None
    return max(live or 1, here.need)


def _stable_size(scene: Scene, stable: str, *, floor: int) -> int | None:
    live, least = scene.revisions[stable].desired, max(floor, scene.size.minimum)
    if scene.size.scaled:
        if live is not None and live >= least:
            return None
        return _within(scene, max(least, scene.memory.stable_replicas))
    return max(least, live or 0) if floor else least


def _within(scene: Scene, wished: int) -> int:
    return max(scene.size.minimum, min(wished, scene.size.maximum))
