"""Whole rollouts under simulated traffic, with the default settings: is a good version blamed, is a bad one missed?

Seeded, so that a figure that moves tells of a change in the judgement and not of chance.
"""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest
from tests.unit.operator.analysis.traffic import End, Model, World, rollout

from moorage_operator.api.judgement import Rules

KINDS_OF_TRAFFIC = tuple(product((20.0, 50.0, 200.0), (0.0, 0.005, 0.01, 0.02)))
"""Requests a second, and the share of them that fails with the stable version."""
ENOUGH_TO_TELL = ((20.0, 0.02), (50.0, 0.01), (50.0, 0.02), (200.0, 0.005), (200.0, 0.01))
"""Where three times as many failures make a difference that the first two steps can show."""


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


def test_three_times_the_errors_are_caught_before_half_of_the_traffic() -> None:
    found = [
        end for rate, errors in ENOUGH_TO_TELL for end in ends(rate, Model(errors=errors), Model(errors=3 * errors), 40)
    ]
    caught = [end for end in found if end.word == "aborted" and end.step < 3]
    assert len(caught) >= 0.98 * len(found)
    assert {end.judgement.reason for end in caught} == {"CandidateErrors"}


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
