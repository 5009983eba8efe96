"""The operator was away: what happened meanwhile nobody saw, so that nothing passes on what was known before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.rollout.small_cluster import Fate, SmallCluster
from tests.rollout.test_steps import ROLLOUT, changed, failed, share

from moorage_operator.recollection import Recollection


def restarted(cluster: SmallCluster, away: float, *, behind: float = 0.0) -> None:
    """The operator is gone for so many seconds, and comes back with a clock that is `behind`."""
    cluster.recollection = Recollection()
    for _ in range(int(away / 0.5)):
        cluster.live()
        cluster.now += timedelta(seconds=0.5)
        cluster.live()
        cluster.serve(cluster.requests_per_second * 0.5)
    cluster.now -= timedelta(seconds=behind)


def in_step(percent: int) -> SmallCluster:
    """Forty seconds into a step of a minute, all well."""
    steps = [{"trafficPercent": each, "hold": "60s"} for each in (10, 50) if each >= percent]
    cluster = changed(rollout={**ROLLOUT, "steps": steps})
    cluster.run(40)
    assert cluster.status["rollout"]["judgement"]["verdict"] == "Pass"
    return cluster


@pytest.mark.parametrize("percent", [10, 50])
def test_a_version_that_went_bad_meanwhile_is_rolled_back_where_it_is(percent: int) -> None:
    cluster = in_step(percent)
    cluster.fates["2"] = Fate(errors=1.0)
    restarted(cluster, 600)
    cluster.run(20, watch=lambda seen: _at_most(seen, percent))
    assert failed(cluster) == [("2", "CandidateErrors")]
    assert cluster.status["version"] == "1"


def test_a_version_that_stayed_good_goes_on_once_that_is_seen() -> None:
    cluster = in_step(10)
    restarted(cluster, 600)
    cluster.pass_once()
    told = cluster.status["rollout"]["judgement"]
    assert (share(cluster), told["verdict"]) == (10, "Inconclusive")
    assert told["message"].startswith(
        "Nobody counted for a while, and what went before is no proof: counting begins again"
    )
    cluster.run(30)
    assert share(cluster) == 50
    assert not failed(cluster)


def test_a_clock_that_is_behind_the_last_ones_delays_no_judgement() -> None:
    cluster = in_step(10)
    cluster.fates["2"] = Fate(errors=1.0)
    restarted(cluster, 1, behind=30)
    cluster.run(20)
    assert failed(cluster) == [("2", "CandidateErrors")]


def _at_most(cluster: SmallCluster, percent: int) -> None:
    assert share(cluster) <= percent
