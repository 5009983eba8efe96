"""How many replicas each revision should have."""

from __future__ import annotations

from collections.abc import Iterable

from moorage_operator.api.step import Scene
from moorage_operator.rollout import roles


def replicas(scene: Scene, stable: str | None, candidate: str | None, retiring: Iterable[str]) -> dict[str, int | None]:
    """Replicas by revision that stays; None where the autoscaler owns the number."""
    sizes: dict[str, int | None] = {name: scene.revisions[name].desired for name in retiring}
    if candidate is not None:
        sizes[candidate] = _candidate_size(scene, stable, candidate)
    if stable is not None:
        sizes[stable] = _stable_size(scene, stable, rolling=candidate is not None)
    return sizes


def switch_size(scene: Scene, stable: str) -> int:
    """How many ready pods the candidate needs before it may take over from the stable one."""
    if not scene.size.scaled:
        return scene.size.minimum
    return _within(scene, scene.revisions[stable].desired or scene.memory.stable_replicas)


def _candidate_size(scene: Scene, stable: str | None, candidate: str) -> int:
    """One pod until it has shown that it can answer; then as many as the stable one has. It never shrinks."""
    live = scene.revisions[candidate].desired or 1
    if stable is None or not roles.ready(scene, candidate):
        return live
    return max(live, switch_size(scene, stable))


def _stable_size(scene: Scene, stable: str, *, rolling: bool) -> int | None:
    live = scene.revisions[stable].desired
    if scene.size.scaled:
        if live is not None and live >= scene.size.minimum:
            return None
        return _within(scene, scene.memory.stable_replicas)
    return max(scene.size.minimum, live or 0) if rolling else scene.size.minimum


def _within(scene: Scene, wished: int) -> int:
    return max(scene.size.minimum, min(wished, scene.size.maximum))
