"""Where a candidate stands in the plan, and where it enters one that was changed under way."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from moorage_operator.api.step import Plan, PlannedStep, Progress

AGAIN_SECONDS = 10.0
"""How long a share that no step of a changed plan begins with is held, and judged, before the first step that is
above it.
"""
_LENGTH = 10


def planned(plan: Plan, number: int) -> PlannedStep | None:
    """The step of that number, counted from 1; None beyond the last, and before the first."""
    return plan.steps[number - 1] if 1 <= number <= len(plan.steps) else None


def current_step(plan: Plan, progress: Progress) -> PlannedStep | None:
    """The step that the candidate stands in. One that has traffic before the first step stays there for a while."""
    if progress.step == 0 and progress.weight > 0:
        return PlannedStep(progress.weight, hold=AGAIN_SECONDS)
    return planned(plan, progress.step)


def path(plan: Plan, number: int) -> str:
    """Names the steps up to that number; empty before the first."""
    gone = plan.steps[:number]
    told = repr([(each.weight, float(each.shadow), float(each.hold), each.pause) for each in gone])
    return hashlib.sha256(told.encode()).hexdigest()[:_LENGTH] if number else ""


def in_this_plan(plan: Plan, progress: Progress) -> Progress:
    """The progress, once more at the beginning of its share's first step if the steps up to there were changed.

    What comes later may be changed at any time. Where no step has the share, the last one below it is gone through
    again: a pause of a person's is not left out, and no hold; the share itself stays.
    """
    if progress.promoted or not progress.path or progress.path == path(plan, progress.step):
        return progress
    below = [each.weight for each in plan.steps if each.weight <= progress.weight]
    number = 1 + [each.weight for each in plan.steps].index(max(below)) if below else 0
    approved = min(progress.approved, max(number - 1, 0))
    return replace(progress, step=number, since=None, patience_since=None, approved=approved)
