"""A stable revision that answers nobody, and whether the candidate may take its place before its time."""

from __future__ import annotations

from moorage_operator.api.judgement import Verdict
from moorage_operator.api.step import Progress, Scene
from moorage_operator.rollout.verdicts import newest

DARK_SECONDS = 10.0
"""How long a stable revision that answers nobody is waited for, before a good candidate takes its place."""


def is_dark(scene: Scene, progress: Progress) -> bool:
    """Whether the stable revision has answered nobody for so long that it must be told."""
    return _down_for(scene, progress) >= DARK_SECONDS


def _down_for(scene: Scene, progress: Progress) -> float:
    return (scene.now - progress.down_since).total_seconds() if progress.down_since is not None else 0.0


def obstacle(scene: Scene, progress: Progress, *, paused: bool) -> str:
    """Why the candidate does not take the place of one who answers nobody; empty: it does.

    Where there are steps it must not be `paused`, and have been judged good by the traffic that it has; once the stable
    revision has had the time in which every revision has to answer, any candidate is better than nobody.
    """
    bad = scene.judgement is not None and scene.judgement.verdict is Verdict.FAIL
    if bad and not progress.promoted:
        return "its last judgement was Fail"
    if scene.plan.lenient:
        return ""
    if not is_dark(scene, progress):
        return "the pods may be back in a moment"
    if progress.promoted:
        return ""
    judged = progress.weight > 0 and newest(scene, progress) is Verdict.PASS
    if not judged and _down_for(scene, progress) < scene.deadline_seconds:
        return "it has not been judged good by traffic of its own"
    return "its rollout is paused" if paused else ""
