"""Those who stand beside the stable revision: the shadow, and the arms of an A/B test."""

from __future__ import annotations

import math

from moorage_operator.api.step import Companion, Role, Scene
from moorage_operator.rollout import roles


def present(scene: Scene, stable: str | None, candidate: str | None) -> dict[str, Companion]:
    """The companions, once somebody serves. A revision that serves, or is about to, is nobody's companion."""
    if stable is None:
        return {}
    others = scene.companions.items()
    return {name: each for name, each in others if name not in (stable, candidate) and name in scene.revisions}


def arms(scene: Scene, company: dict[str, Companion]) -> dict[str, int]:
    """Percent of the clients by arm that answers."""
    told = {name: each for name, each in company.items() if each.role is Role.ARM and _answers(scene, name)}
    return {name: int(each.percent) for name, each in told.items()}


def places(scene: Scene, stable: str | None) -> dict[str, int]:
    """Percent of the clients by arm. An arm that does not answer keeps its place, and the stable revision answers it:
    else the clients of the others would move.
    """
    return dict(scene.places) if stable is not None else {}


def arm_of(scene: Scene, candidate: str | None) -> str | None:
    """The arm whose model comes in as the next stable one, once it answers."""
    found = scene.companions.get(candidate) if candidate is not None else None
    if candidate is None or found is None or found.role is not Role.ARM or not _answers(scene, candidate):
        return None
    return found.name


def has_won(scene: Scene, revision: str) -> bool:
    """Whether it is the arm that answers everybody."""
    found = scene.companions.get(revision)
    return found is not None and found.role is Role.ARM and found.percent >= 100


def copies(scene: Scene, company: dict[str, Companion]) -> float:
    """Percent of the requests that the shadow gets copies of."""
    shadows = (each.percent for name, each in company.items() if each.role is Role.SHADOW and _answers(scene, name))
    return next(shadows, 0.0)


def sizes(scene: Scene, company: dict[str, Companion]) -> dict[str, int | None]:
    """One pod until it has shown that it can answer; then as many as its share takes."""
    return {name: _size(scene, name, each) for name, each in company.items()}


def _size(scene: Scene, name: str, companion: Companion) -> int:
    live = scene.revisions[name].desired or 1
    if not roles.ready(scene, name):
        return live
    return pods(companion.percent, scene.size.minimum)


def pods(percent: float, minimum: int) -> int:
    """How many a share takes, where everything takes `minimum`."""
    return max(1, math.ceil(percent * minimum / 100))


def _answers(scene: Scene, name: str) -> bool:
    fits = scene.companions[name].fits
    return fits and roles.ready(scene, name) > 0 and scene.revisions[name].address is not None
