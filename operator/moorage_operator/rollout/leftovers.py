"""The revisions that no longer serve: those that did stay for a while, the rest goes at once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from moorage_operator.api.status import MOST_RETIRING
from moorage_operator.api.step import RevisionState, Scene

UNSEEN_SECONDS = 10.0
"""How long a revision stands at least while some pod may still send requests to it."""


def leftovers(scene: Scene, busy: Collection[str | None]) -> tuple[dict[str, datetime], frozenset[str]]:
    """Those that stay though they are not `busy`, each with the time at which its traffic ended, and those to be
    removed: also the oldest beyond what a status can hold.
    """
    others = [state for name, state in scene.revisions.items() if name not in busy]
    since = {state.revision: _retired_at(scene, state) for state in others}
    kept = {name: at for name, at in since.items() if at is not None and _left(scene, name, at) > 0}
    newest = dict(sorted(kept.items(), key=lambda each: each[1], reverse=True)[:MOST_RETIRING])
    return newest, frozenset(since) - frozenset(newest)


def next_removal(scene: Scene, retiring: dict[str, datetime]) -> list[float]:
    """Seconds until the next of them may go."""
    return [_left(scene, name, at) for name, at in retiring.items()]


def _retired_at(scene: Scene, state: RevisionState) -> datetime | None:
    if state.desired is None or not _had_traffic(scene, state.revision):
        return None
    return min(scene.memory.retiring.get(state.revision, scene.now), scene.now)


def _had_traffic(scene: Scene, revision: str) -> bool:
    """A candidate that nobody ever asked anything need not be waited for."""
    return revision != scene.memory.candidate or scene.memory.progress.weight > 0 or _is_routed(scene, revision)


def _left(scene: Scene, revision: str, retired_at: datetime) -> float:
    passed = (scene.now - retired_at).total_seconds()
    seen = scene.routed.acked and not _is_routed(scene, revision)
    patience = scene.retire_seconds if seen else max(scene.retire_seconds, UNSEEN_SECONDS)
    return patience - passed


def _is_routed(scene: Scene, revision: str) -> bool:
    return scene.routed.weights.get(revision, 0) > 0
