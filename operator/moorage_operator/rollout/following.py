"""Whether the pods of the stable revision follow what they are told to send to the candidate."""

from __future__ import annotations

from moorage_operator.api.step import Phase, Scene
from moorage_operator.rollout.company import copies, places, present

UNSEEN_SECONDS = 30.0
"""How long pods may keep silent on the route table before a rollout without steps goes on anyway, and before they are
asked less often."""
POLL_SECONDS = 0.5
SLOW_POLL_SECONDS = 5.0


def followed(scene: Scene, candidate: str, weight: int, shadow: float) -> bool:
    """Whether all of them say that they follow a table with just these shares."""
    routed, company = scene.routed, present(scene, scene.memory.stable, candidate)
    given = min(weight, 100 - sum(places(scene, scene.memory.stable).values()))
    says = (routed.weights.get(candidate, 0), routed.shadow) == (given, shadow or copies(scene, company))
    return says and (routed.acked or (scene.plan.lenient and _waited(scene) >= UNSEEN_SECONDS))


def poll(scene: Scene) -> float:
    """Seconds until they are asked again."""
    return POLL_SECONDS if _waited(scene) < UNSEEN_SECONDS else SLOW_POLL_SECONDS


def _waited(scene: Scene) -> float:
    memory = scene.memory
    if memory.since is None or memory.phase not in (Phase.PROGRESSING, Phase.PROMOTING):
        return 0.0
    return (scene.now - memory.since).total_seconds()
