"""Which revision should serve in the end: the wanted one, unless it failed or was undone."""

from __future__ import annotations

from collections.abc import Collection

from moorage_operator.api.step import Failure, Scene


def standing_failures(scene: Scene) -> tuple[Failure, ...]:
    """The failures that still count: of a spec that says the same, and that still means the revision that failed."""
    told = scene.memory.failed
    if scene.wanted is not None and scene.wanted not in revisions(told):
        return ()
    return tuple(each for each in told if each.intent == scene.meaning)


def revisions(failures: Collection[Failure]) -> frozenset[str]:
    """The revisions that failed."""
    return frozenset(each.revision for each in failures)


def goal(scene: Scene, stable: str | None, failures: Collection[Failure]) -> str | None:
    """The revision to go to; the stable one where there is nothing to do, None while that is not known."""
    barred = revisions(failures)
    if scene.wanted not in barred:
        return scene.wanted
    if stable not in barred:
        return stable
    return before(scene, barred) or stable


def before(scene: Scene, barred: Collection[str]) -> str | None:
    """The last revision that served and can be run again, besides those barred."""
    return next((each for each in scene.previous if each not in barred and each in scene.revisions), None)
