"""What comes in between while a candidate climbs: people who edit, pause and change their minds, and pods that stop."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from tests.rollout.small_cluster import Fate, SmallCluster
from tests.rollout.test_steps import ANALYSIS, ROLLOUT, annotate, candidate, changed, failed, serving, share, stories
from tests.rollout.test_whole_middle import honest

from moorage_operator.api.judgement import Check, Verdict

LONG_STEPS = [
    {"trafficPercent": 5, "hold": "4s"},
    {"trafficPercent": 25, "hold": "60s"},
    {"trafficPercent": 50, "hold": "60s"},
]


def judged(**by: object) -> dict[str, object]:
    """The usual rollout, with that of its analysis."""
    return {**ROLLOUT, "analysis": {**ANALYSIS, **by}}


PATIENT = {**judged(failureLimit=5), "steps": LONG_STEPS}


def until(cluster: SmallCluster, reached: Callable[[SmallCluster], bool], seconds: float = 120) -> SmallCluster:
    """Let the time go by, and fail if it does not come to that."""
    end = cluster.now + timedelta(seconds=seconds)
    while not reached(cluster):
        assert cluster.now < end, cluster.status
        cluster.run(0.5)
    return cluster


def in_step(number: int, phase: str = "Progressing") -> Callable[[SmallCluster], bool]:
    return lambda cluster: (
        (cluster.status["rollout"].get("step"), cluster.status["rollout"]["phase"]) == (number, phase)
    )


def verdict(cluster: SmallCluster) -> str | None:
    told: str | None = (cluster.status["rollout"].get("judgement") or {}).get("verdict")
    return told


def greatest_share(cluster: SmallCluster, seconds: float) -> int:
    told: list[int] = []
    cluster.run(seconds, watch=lambda world: told.append(share(world)))
    return max(told)


def failing_in_step_two() -> SmallCluster:
    cluster = until(changed(rollout=PATIENT), in_step(2))
    cluster.run(3)
    cluster.fates["2"] = Fate(errors=0.3)
    return until(cluster, lambda world: verdict(world) == "Fail")


def test_shorter_steps_promote_nobody_who_just_failed() -> None:
    cluster = failing_in_step_two()
    cluster.edit(rollout={**PATIENT, "steps": [{"trafficPercent": 5, "hold": "24h"}]})
    assert greatest_share(cluster, 60) == 25
    assert failed(cluster) == [("2", "CandidateErrors")]


def test_without_a_rollout_nobody_who_just_failed_gets_all_of_the_traffic() -> None:
    cluster = failing_in_step_two()
    del cluster.owner["spec"]["rollout"]
    cluster.edit()
    assert greatest_share(cluster, 60) == 25
    assert failed(cluster) == [("2", "CandidateErrors")]


def test_without_a_rollout_a_good_one_comes_in_from_where_it_is() -> None:
    cluster = until(changed(rollout=PATIENT), in_step(2))
    del cluster.owner["spec"]["rollout"]
    cluster.edit()
    assert greatest_share(cluster, 9) == 25
    assert "The steps were changed" in cluster.condition("Reconciling")["message"]
    cluster.run(40)
    assert cluster.status["version"] == "2"


def test_edited_steps_are_gone_through_from_the_share_that_it_has() -> None:
    cluster = until(changed(rollout=PATIENT), in_step(2))
    cluster.edit(rollout={**PATIENT, "steps": [{"trafficPercent": 10}, {"trafficPercent": 25, "hold": "20s"}]})
    cluster.run(1)
    assert (share(cluster), cluster.status["rollout"]["step"]) == (25, 2)
    assert greatest_share(cluster, 18) == 25
    cluster.run(40)
    assert cluster.status["version"] == "2"


def test_an_edit_of_what_is_still_ahead_changes_nothing_here() -> None:
    cluster = until(changed(rollout=PATIENT), in_step(2))
    cluster.run(10)
    since = cluster.status["rollout"]["stepSince"]
    cluster.edit(rollout={**PATIENT, "steps": [*LONG_STEPS[:2], {"trafficPercent": 75}]})
    cluster.run(2)
    assert (cluster.status["rollout"]["stepSince"], cluster.status["rollout"]["step"]) == (since, 2)


def test_a_candidate_that_fails_while_more_pods_are_waited_for_is_rolled_back() -> None:
    steps = [{"trafficPercent": 25, "hold": "6s"}, {"trafficPercent": 50, "hold": "6s"}]
    cluster = changed(Fate(most=1), minReplicas=4, rollout={**ROLLOUT, "steps": steps})
    until(cluster, in_step(2, "Scaling"))
    cluster.fates["2"] = Fate(errors=1.0, most=1)
    cluster.run(20)
    assert failed(cluster) == [("2", "CandidateErrors")]


def test_a_candidate_that_fails_before_every_pod_follows_is_rolled_back() -> None:
    cluster = changed(Fate(errors=1.0))
    cluster.mumbling.add(max(name for name, pod in cluster.pods.items() if pod["version"] == "1"))
    cluster.run(25)
    assert failed(cluster) == [("2", "CandidateErrors")]


def test_a_candidate_that_fails_with_all_of_the_traffic_is_rolled_back() -> None:
    cluster = until(changed(), in_step(3, "Scaling"))
    cluster.mumbling.add(max(name for name, pod in cluster.pods.items() if pod["version"] == "1"))
    until(cluster, in_step(3, "Promoting"))
    cluster.fates["2"] = Fate(errors=1.0)
    cluster.run(20)
    assert failed(cluster) == [("2", "CandidateErrors")]


SINGLE = {**ROLLOUT, "steps": [{"shadow": {"percent": 20}, "hold": "5s", "pause": True}, {"trafficPercent": 50}]}


def test_a_stable_version_that_pauses_for_breath_brings_in_nobody_who_is_paused() -> None:
    cluster = changed(minReplicas=1, rollout=SINGLE)
    cluster.run(20)
    cluster.edit(rollout={**SINGLE, "paused": True})
    cluster.run(2)
    cluster.mute.add("1")
    cluster.live()
    told = [reason for reason, _ in dark(cluster, 14)]
    assert cluster.says("Ready") == ("False", "StableDown")
    assert f"moorage.dev/promote={candidate(cluster)}" in cluster.condition("Ready")["message"]
    assert "StableDown" in told
    cluster.mute.clear()
    cluster.run(10)
    assert (cluster.status["version"], cluster.says("Ready")) == ("1", ("True", "Serving"))


def dark(cluster: SmallCluster, seconds: float) -> list[tuple[str, str]]:
    """The Events while nobody answers."""
    return stories(cluster, seconds, watch=honest)


def test_a_stable_version_that_is_gone_asks_a_person_about_one_that_is_not_known() -> None:
    cluster = until(changed(requests=1.0), in_step(1))
    cluster.mute.add("1")
    cluster.run(60)
    assert cluster.status["version"] == "1"
    assert cluster.says("Ready") == ("False", "StableDown")
    annotate(cluster, promote=candidate(cluster))
    told = [reason for reason, _ in dark(cluster, 10)]
    assert cluster.status["version"] == "2"
    assert "Serving" in told


def test_a_stable_version_that_stays_away_is_replaced_by_one_that_is_not_known() -> None:
    cluster = until(changed(requests=1.0, progressDeadlineSeconds=30), in_step(1))
    cluster.mute.add("1")
    cluster.live()
    told = dark(cluster, 29)
    assert cluster.status["version"] == "1"
    told += dark(cluster, 10)
    assert cluster.status["version"] == "2"
    assert "StableReplaced" in [reason for reason, _ in told]


def test_nobody_who_is_paused_replaces_a_stable_version_that_stays_away() -> None:
    cluster = until(changed(requests=1.0, progressDeadlineSeconds=30, rollout={**ROLLOUT, "paused": True}), paused)
    cluster.mute.add("1")
    cluster.run(90)
    assert cluster.status["version"] == "1"
    assert cluster.says("Stalled") == ("True", "StableDown")


def paused(cluster: SmallCluster) -> bool:
    return bool(cluster.status["rollout"]["phase"] == "Paused") if "candidate" in cluster.status else False


def test_a_stable_version_that_is_gone_is_replaced_by_one_that_was_judged_good() -> None:
    cluster = until(changed(rollout=PATIENT), in_step(2))
    until(cluster, lambda world: verdict(world) == "Pass")
    cluster.mute.add("1")
    cluster.live()
    told = dark(cluster, 16)
    assert cluster.status["version"] == "2"
    assert [message for reason, message in told if reason == "StableReplaced"] == [
        "The version that serves answers nobody. Version 2 takes over."
    ]


def test_numbers_that_no_status_can_hold_stop_nothing() -> None:
    metrics = [{"name": "bytes", "prometheus": {"query": "x"}, "max": 5e15}]
    cluster = changed(rollout=judged(metrics=metrics))
    cluster.opinions = (Check("bytes", Verdict.INCONCLUSIVE, candidate=1e16, limit=float("inf"), message="1e16"),)
    cluster.run(12)
    told = {each["name"]: each for each in cluster.status["rollout"]["judgement"]["checks"]}
    assert (told["bytes"]["candidate"], told["bytes"]["limit"]) == (2**53, 2**53)
    annotate(cluster, abort=candidate(cluster))
    cluster.run(1)
    assert share(cluster) == 0


def test_more_versions_than_a_status_can_hold_do_not_stand_on() -> None:
    quick = {"steps": [{"trafficPercent": 50, "hold": "0s"}], "scaleDownDelay": "24h"}
    analysis = {"interval": "1s", "warmUp": "0s", "minSamples": 0, "maxDisagreement": "100%"}
    cluster = serving(minReplicas=1, rollout={**quick, "analysis": analysis})
    for version in range(2, 69):
        cluster.version = str(version)
        until(cluster, lambda world: bool(world.status["version"] == world.version))
    assert cluster.status["version"] == "68"
    retiring = [each["revision"] for each in cluster.status["retiring"]]
    versions = {pod["version"] for pod in cluster.pods.values()}
    assert len(retiring) == 64
    assert versions == {str(version) for version in range(4, 69)}, "the oldest went"


def test_a_pause_by_a_person_holds_no_clock_against_the_candidate() -> None:
    for choice in ("promote", "abort"):
        rollout = {**judged(onInconclusive=choice), "maxHold": "60s"}
        cluster = until(changed(requests=1.0, rollout=rollout), in_step(1))
        cluster.edit(rollout={**rollout, "paused": True})
        cluster.run(100)
        assert (share(cluster), failed(cluster)) == (10, [])
        cluster.edit(rollout=rollout)
        cluster.run(50)
        assert (share(cluster), failed(cluster)) == (10, []), "maxHold counts from the end of the pause"
        cluster.run(20)
        assert (share(cluster), failed(cluster)) != (10, [])


def test_a_pause_while_pods_come_up_gives_nothing_more_when_they_are_up() -> None:
    steps = [{"trafficPercent": 25, "hold": "6s"}, {"trafficPercent": 50, "hold": "6s"}]
    cluster = changed(Fate(seconds=6), minReplicas=4, rollout={**ROLLOUT, "steps": steps})
    until(cluster, in_step(2, "Scaling"))
    annotate(cluster, pause=candidate(cluster))
    assert greatest_share(cluster, 30) == 25
    assert cluster.says("Reconciling") == ("True", "Paused")
    annotate(cluster)
    until(cluster, in_step(3, "Scaling"))
    annotate(cluster, pause=candidate(cluster))
    assert greatest_share(cluster, 30) == 50
    annotate(cluster)
    cluster.run(20)
    assert cluster.status["version"] == "2"


def answers(cluster: SmallCluster) -> dict[str, str]:
    return {each["name"]: each["answer"] for each in cluster.status["intents"]}


def test_an_abort_that_stood_from_the_first_try_says_that_it_is_used() -> None:
    cluster = until(changed(), in_step(1))
    revision = candidate(cluster)
    annotate(cluster, abort=revision)
    cluster.run(3)
    assert answers(cluster) == {"abort": "Done"}
    annotate(cluster, abort=revision, retry=revision)
    told = [reason for reason, _ in stories(cluster, 8)]
    assert answers(cluster) == {"abort": "Used", "retry": "Done"}
    assert "IntentUsed" in told
    annotate(cluster, retry=revision)
    cluster.run(1)
    annotate(cluster, abort=revision, retry=revision)
    cluster.run(1)
    assert failed(cluster) == [("2", "AbortedByUser")]


def test_an_approval_that_stood_from_the_first_try_is_asked_for_anew() -> None:
    steps = [{"trafficPercent": 10, "hold": "4s", "pause": True}, {"trafficPercent": 50, "hold": "20s"}]
    cluster = until(changed(rollout={**ROLLOUT, "steps": steps}), in_step(1, "Paused"))
    revision = candidate(cluster)
    annotate(cluster, promote=f"{revision}@1")
    until(cluster, in_step(2))
    cluster.fates["2"] = Fate(errors=1.0)
    until(cluster, lambda world: bool(failed(world)))
    cluster.fates.clear()
    annotate(cluster, promote=f"{revision}@1", retry=revision)
    until(cluster, in_step(1, "Paused"))
    assert answers(cluster)["promote"] == "Used"
    assert "remove it first (annotate moorage.dev/promote-)" in cluster.condition("Reconciling")["message"]
    annotate(cluster, retry=revision)
    cluster.run(1)
    annotate(cluster, promote=f"{revision}@1", retry=revision)
    until(cluster, in_step(2))


def test_an_undo_says_nothing_about_schemas() -> None:
    cluster = changed()
    cluster.run(60)
    annotate(cluster, undo=cluster.status["stable"]["revision"])
    told: set[str] = set()

    def watch(world: SmallCluster) -> None:
        told.update(each["status"] for each in world.status["conditions"] if each["type"] == "SchemaCompatible")

    cluster.run(20, watch=watch)
    assert cluster.status["version"] == "1"
    assert told <= {"Unknown", "True"}


def test_a_candidate_that_answers_nothing_in_a_step_of_copies_is_rolled_back() -> None:
    cluster = changed(rollout={**ROLLOUT, "steps": [{"shadow": {"percent": 20}, "hold": "30m"}]})
    until(cluster, in_step(1))
    cluster.run(5)
    cluster.mute.add("2")
    cluster.run(5)
    assert cluster.says("RolloutHealthy") == ("False", "CandidateUnreachable")
    assert "none of its pods has answered" in cluster.condition("Reconciling")["message"]
    cluster.run(15)
    assert failed(cluster) == [("2", "CandidateUnreachable")]


def test_who_waits_for_samples_says_so_and_until_when() -> None:
    cluster = changed(requests=1.0, rollout={**ROLLOUT, "maxHold": "10m"})
    cluster.run(60)
    message = cluster.condition("Reconciling")["message"]
    assert "status.rollout.judgement says what is missing" in message
    assert "rollout.maxHold is over; then analysis.onInconclusive (hold) decides" in message
    ends = cluster.status["rollout"]["stepSince"].replace("12:00", "12:10").partition(".")[0]
    assert ends in message


def test_a_fail_that_is_not_the_last_is_told() -> None:
    cluster = changed(Fate(errors=0.2), rollout=judged(failureLimit=50))
    cluster.run(30)
    assert cluster.says("RolloutHealthy") == ("False", "CandidateErrors")
    assert cluster.says("Stalled") == ("False", "NotStalled")
    assert "the last judgement was Fail" in cluster.condition("Reconciling")["message"]


def test_a_pause_and_nothing_else_is_a_preview() -> None:
    cluster = changed(rollout={**ROLLOUT, "steps": [{"pause": True}]})
    assert greatest_share(cluster, 40) == 0
    assert cluster.says("Reconciling") == ("True", "Paused")
    annotate(cluster, promote=f"{candidate(cluster)}@1")
    cluster.run(20)
    assert cluster.status["version"] == "2"
