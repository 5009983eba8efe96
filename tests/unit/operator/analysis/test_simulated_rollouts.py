"""Whole rollouts under simulated traffic, with the default settings: is a good version blamed, is a bad one missed?

Seeded, so that a figure that moves tells of a change in the judgement and not of chance.
"""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest
from tests.unit.operator.analysis.grid import cells
from tests.unit.operator.analysis.traffic import End, Model, World, rollout

from moorage_operator.api.judgement import Rules

KINDS_OF_TRAFFIC = tuple(product((20.0, 50.0, 200.0), (0.0, 0.005, 0.01, 0.02)))
"""Requests a second, and the share of them that fails with the stable version."""
SLOW_TO_TELL = {(0.001, 20.0), (0.001, 50.0), (0.003, 20.0)}
"""Where half an hour is not always enough to tell three times as many failures from as many."""


def ends(rate: float, stable: Model, candidate: Model, count: int) -> list[End]:
    return [
        rollout(World(np.random.default_rng([11, number]), rate, stable, candidate), Rules()) for number in range(count)
    ]


def test_a_version_that_is_the_same_is_hardly_ever_rolled_back() -> None:
    found = [
        end for rate, errors in KINDS_OF_TRAFFIC for end in ends(rate, Model(errors=errors), Model(errors=errors), 20)
    ]
    words = Counter(end.word for end in found)
    assert words["aborted"] <= 0.02 * len(found)
    assert words["promoted"] >= 0.95 * len(found)


def test_three_times_the_errors_do_not_get_half_of_the_traffic() -> None:
    """The whole grid, shortly; `python -m tests.unit.operator.analysis.grid` has the figures of the docs."""
    found = list(cells(3.0, 12))
    assert sum(cell.let_on for cell in found) <= 0.02 * sum(len(cell.ends) for cell in found)
    sure = [cell for cell in found if (cell.errors, cell.rate) not in SLOW_TO_TELL]
    assert sum(cell.caught for cell in sure) >= 0.98 * sum(len(cell.ends) for cell in sure)
    reasons = {end.judgement.reason for cell in found for end in cell.ends if end.word == "aborted"}
    assert reasons == {"CandidateErrors"}


def test_the_same_errors_are_let_on_after_a_while() -> None:
    found = list(cells(1.0, 6))
    assert sum(cell.words("aborted") for cell in found) == 0
    assert all(cell.words("promoted") == 6 for cell in found if (cell.errors, cell.rate) not in SLOW_TO_TELL)
    assert all(cell.wait < 1000.0 for cell in found if cell.rate > 20.0)


@pytest.mark.parametrize("samples", [50, 100, 200])
def test_without_failures_nothing_is_waited_for(samples: int) -> None:
    """The pace of short holds: each step ends with its hold, or soon after its requests are there."""
    steps = ((0.1, 4.0), (0.5, 4.0))
    found = [
        rollout(
            World(np.random.default_rng([7, run]), 50.0), Rules(interval=1.0, warm_up=1.0, min_samples=samples), steps
        )
        for run in range(5)
    ]
    assert {end.word for end in found} == {"promoted"}
    assert max(end.lasted[0] for end in found) <= 3.0 + 1.5 * samples / 5.0
    assert max(end.lasted[1] for end in found) <= 3.0 + 1.5 * samples / 25.0


@pytest.mark.parametrize("share", [0.02, 0.03, 0.04, 0.06, 0.3, 1.0])
def test_a_version_that_hangs_is_caught_though_its_clients_leave_first(share: float) -> None:
    found = ends(50.0, Model(), Model(errors=share, outcome="cancelled"), 10)
    assert {(end.word, end.judgement.reason) for end in found} == {("aborted", "CandidateTimesOut")}
    assert max(end.step for end in found) < 3


def test_clients_that_leave_both_blame_nobody() -> None:
    leaving = Model(errors=0.03, outcome="cancelled")
    assert {end.word for end in ends(50.0, leaving, leaving, 30)} == {"promoted"}


@pytest.mark.parametrize(
    ("candidate", "reason", "seconds"),
    [
        (Model(errors=1.0), "CandidateErrors", 30.0),
        (Model(errors=1.0, outcome="timeout"), "CandidateTimesOut", 30.0),
        (Model(errors=1.0, outcome="invalid"), "CandidateAnswersInvalid", 30.0),
        (Model(errors=0.05), "CandidateErrors", 120.0),
        (Model(median=0.05), "CandidateSlow", 45.0),
        (Model(disagrees=0.2), "CandidateDisagrees", 300.0),
    ],
    ids=["all fail", "hangs", "no numbers", "5 % fail", "ten times slower", "20 % differ"],
)
def test_a_bad_version_goes_within_its_first_step(candidate: Model, reason: str, seconds: float) -> None:
    found = ends(50.0, Model(), candidate, 20)
    assert {(end.word, end.step, end.judgement.reason) for end in found} == {("aborted", 1, reason)}
    assert max(end.seconds for end in found) <= seconds


def test_nodes_that_are_busy_now_and_then_are_no_reason() -> None:
    """Both versions are now faster, now slower, by a third and independently: no node of any cluster is as restless."""
    restless = Model(mood=0.3)
    assert Counter(end.word for end in ends(200.0, restless, restless, 40))["aborted"] == 0


def test_noise_at_one_request_a_minute_decides_nothing() -> None:
    same = Model(errors=0.02, mood=0.5)
    found = ends(1 / 60, same, same, 5)
    assert {end.word for end in found} == {"held"}
    assert all("of 200 requests that a judgement needs" in end.judgement.message for end in found)
