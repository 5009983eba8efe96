"""Who is stable, and who is just taking over.

The live selector of the public Service is the authority: whatever it selects and is ready is what users get. The
memory (the CR's status) only tells a revision that has settled from one that is still arriving, and which ones failed.
"""

from __future__ import annotations

from datetime import datetime

from moorage_operator.api.step import Phase, RevisionState, Scene
from moorage_operator.rollout.goal import revisions, standing_failures

SETTLE_SECONDS = 1.0
"""How long the Service must select a revision before every kube-proxy can be trusted to know it."""


def ready(scene: Scene, revision: str | None) -> int:
    """The ready pods of a revision; 0 for none."""
    state: RevisionState | None = scene.revisions.get(revision) if revision is not None else None
    return state.ready if state is not None else 0


def arriving(scene: Scene) -> str | None:
    """The revision that the Service selects, that answers, and that is not known as stable yet."""
    selected, memory = scene.selected, scene.memory
    if not ready(scene, selected) or selected == memory.stable or selected in _failed(scene):
        return None
    return selected if selected in (memory.candidate, scene.wanted) else None


def arrived_at(scene: Scene, revision: str) -> datetime:
    """Since when the Service has been seen to select the arriving revision."""
    memory = scene.memory
    if memory.phase is Phase.SWITCHING and memory.candidate == revision and memory.since is not None:
        return min(memory.since, scene.now)
    return scene.now


def settled(scene: Scene, revision: str) -> bool:
    """Whether the arriving revision has been selected for long enough."""
    return (scene.now - arrived_at(scene, revision)).total_seconds() >= SETTLE_SECONDS


def stable(scene: Scene) -> str | None:
    """The revision that serves, or would if its pods were up; None when none ever did."""
    newcomer = arriving(scene)
    if newcomer is not None and settled(scene, newcomer):
        return newcomer
    standing = _standing(scene, newcomer)
    return _rescuer(scene, standing, newcomer) or standing


def _standing(scene: Scene, newcomer: str | None) -> str | None:
    selected, memory = scene.selected, scene.memory
    remembered = memory.stable if memory.stable in scene.revisions else None
    if newcomer is None and selected in scene.revisions and selected != memory.candidate:
        trusted = ready(scene, selected) and selected not in _failed(scene)
        return selected if trusted or remembered is None else remembered
    return remembered


def _rescuer(scene: Scene, standing: str | None, newcomer: str | None) -> str | None:
    """Another revision whose pods still answer, when nobody else does: it takes the place, the last one first.

    Never one that failed, nor a companion; where there are steps, only one that served before.
    """
    failed, wanted = _failed(scene), scene.wanted
    awaited = scene.plan.lenient and wanted not in failed and ready(scene, wanted)
    if newcomer is not None or ready(scene, standing) or awaited:
        return None
    known = scene.revisions if scene.plan.lenient else scene.previous
    barred = {*failed, *scene.companions, *([] if scene.plan.lenient else [scene.memory.candidate])}
    answering = [name for name in sorted(known) if ready(scene, name) and name not in barred]
    retiring = scene.memory.retiring
    return max(answering, key=lambda name: (name in retiring, retiring.get(name, scene.now)), default=None)


def _failed(scene: Scene) -> frozenset[str]:
    return revisions(standing_failures(scene))
