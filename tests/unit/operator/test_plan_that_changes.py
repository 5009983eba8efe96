"""Where a candidate enters a plan that was changed under way: never above its share, never past a pause."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moorage_operator.api.step import AT_ONCE, Plan, PlannedStep, Progress
from moorage_operator.rollout.replay import EPOCH
from moorage_operator.rollout.steps import current_step, in_this_plan, path


def plan(*steps: PlannedStep | int) -> Plan:
    return Plan(tuple(each if isinstance(each, PlannedStep) else PlannedStep(each) for each in steps), lenient=False)


OLD = plan(5, 25, 50)
CHANGED: dict[str, tuple[Plan, int]] = {
    "the share's own step": (plan(1, 10, 25, 25, 75), 3),
    "none of that share: the last below it": (plan(5, 50), 1),
    "a pause at that share": (plan(PlannedStep(25, pause=True), 25, 50), 1),
    "only less": (plan(5), 1),
    "only more: before the first": (plan(30, 50), 0),
    "no rollout": (AT_ONCE, 0),
}


@pytest.mark.parametrize("title", CHANGED)
def test_it_is_entered_at_the_share_that_it_has(title: str) -> None:
    after, number = CHANGED[title]
    told = Progress(step=2, weight=25, since=EPOCH, judged_since=EPOCH, approved=2, path=path(OLD, 2))
    here = in_this_plan(after, told)
    assert (here.step, here.weight, here.since, here.judged_since) == (number, 25, None, EPOCH)
    assert here.approved < max(number, 1)
    step = current_step(after, here)
    assert step is not None
    assert step.weight <= 25


@pytest.mark.parametrize("after", [OLD, plan(5, 25, 75, 90), plan(5, 25)])
def test_what_comes_later_may_change(after: Plan) -> None:
    told = Progress(step=2, weight=25, since=EPOCH, path=path(OLD, 2))
    assert in_this_plan(after, told) == told


def test_what_is_beyond_the_last_step_is_of_the_plan_too() -> None:
    told = Progress(step=4, weight=50, path=path(OLD, 4))
    assert in_this_plan(OLD, told) == told
    assert in_this_plan(plan(5, 25, 50, 75), told).step == 3


def test_who_was_promoted_and_who_is_of_an_older_release_go_on() -> None:
    told = Progress(step=2, weight=25, path=path(OLD, 2), promoted=True)
    assert in_this_plan(AT_ONCE, told) == told
    older = replace(told, promoted=False, path="")
    assert in_this_plan(AT_ONCE, older) == older
