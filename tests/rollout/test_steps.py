"""Whole rollouts by steps against the small cluster: pods count, the operator judges, and may die at every write."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.rollout.small_cluster import Fate, Object, SmallCluster, custom_resource
from tests.rollout.test_whole_middle import honest, meaning, never_nobody, reach

from moorage_operator.api.records import Decision, ObjectRef
from moorage_operator.names import INTENT_PREFIX
from moorage_operator.recollection import Recollection
from moorage_runtime.config import Route, RouteTable, decode_routes

ANALYSIS = {"interval": "2s", "warmUp": "1s", "minSamples": 50}
STEPS = [{"trafficPercent": 10, "hold": "6s"}, {"trafficPercent": 50, "hold": "6s"}]
ROLLOUT = {"steps": STEPS, "analysis": ANALYSIS, "scaleDownDelay": "10s"}
INPUT = ["x", "FP32", [-1, 3]]
LONG = 90.0


def serving(requests: float = 100.0, **spec: object) -> SmallCluster:
    """Version 1 serves by two pods, asked a hundred times a second."""
    fates = {"1": Fate(report={"modelSchema": {"inputs": [INPUT]}})}
    owner = custom_resource(**{"minReplicas": 2, "rollout": ROLLOUT, **spec})
    cluster = SmallCluster(owner=owner, fates=fates, requests_per_second=requests)
    cluster.run(10)
    assert cluster.says("Reconciling") == ("False", "Steady")
    return cluster


def changed(fate: Fate | None = None, *, requests: float = 100.0, **spec: object) -> SmallCluster:
    """The next version is meant."""
    cluster = serving(requests, **spec)
    cluster.version = "2"
    if fate is not None:
        cluster.fates["2"] = fate
    return cluster


def table(cluster: SmallCluster) -> RouteTable:
    return decode_routes(cluster.child("ConfigMap", "fraud-routes")["data"]["routes.json"])


def route(cluster: SmallCluster, role: str) -> Route | None:
    return next((each for each in table(cluster).revisions.values() if each.role == role), None)


def share(cluster: SmallCluster) -> int:
    found = route(cluster, "candidate")
    return found.weight if found is not None else 0


def shares(cluster: SmallCluster, seconds: float) -> list[int]:
    """The shares that the candidate had, in the order in which they came."""
    told: list[int] = []

    def watch(world: SmallCluster) -> None:
        never_nobody(world)
        if not told or told[-1] != share(world):
            told.append(share(world))

    cluster.run(seconds, watch=watch)
    return told


def annotate(cluster: SmallCluster, **intents: str) -> None:
    cluster.owner["metadata"]["annotations"] = {INTENT_PREFIX + name: value for name, value in intents.items()}


def candidate(cluster: SmallCluster) -> str:
    revision: str = cluster.status["candidate"]["revision"]
    return revision


def failed(cluster: SmallCluster) -> list[tuple[str, str]]:
    return [(each["version"], each["reason"]) for each in cluster.status["failed"]]


def test_a_good_version_climbs_and_takes_over() -> None:
    cluster = changed()
    assert shares(cluster, 40) == [0, 10, 50, 100, 0]
    assert cluster.status["version"] == "2"
    assert cluster.status["traffic"] == "2=100%"
    assert [each["version"] for each in cluster.status["history"]] == ["2", "1"]


def test_the_table_tells_the_pods_all_that_they_need() -> None:
    cluster = changed(rollout={**ROLLOUT, "stickiness": {"header": "x-user-id"}, "shieldPatience": "500ms"})
    cluster.run(6)
    told, coming = table(cluster), route(cluster, "candidate")
    assert coming is not None
    service = cluster.child("Service", f"fraud-{candidate(cluster)}")
    assert (coming.weight, coming.address) == (10, f"{service['spec']['clusterIP']}:80")
    assert (told.salt, told.key_header) == (candidate(cluster), "x-user-id")
    assert told.shield is not None
    assert told.shield.patience_seconds == 0.5
    assert told.compare is not None


def test_the_status_tells_where_it_stands() -> None:
    cluster = changed()
    cluster.run(8)
    rollout = cluster.status["rollout"]
    assert (rollout["phase"], rollout["step"], rollout["steps"], rollout["trafficPercent"]) == ("Progressing", 1, 2, 10)
    assert cluster.status["traffic"] == "1=90%, 2=10%"
    assert rollout["judgement"]["verdict"] in ("Pass", "Inconclusive")
    assert {each["name"] for each in rollout["judgement"]["checks"]} >= {"crashes"}
    assert cluster.says("Reconciling") == ("True", "Progressing")
    assert cluster.condition("Reconciling")["message"] == "Version 2 gets 10 % of the traffic, step 1 of 2."


def test_without_a_candidate_the_table_says_nothing_more_than_who_serves() -> None:
    told = table(serving())
    assert (told.salt, told.key_header, told.shield, told.compare, told.shadow_percent) == ("", None, None, None, 0.0)


def stories(
    cluster: SmallCluster, seconds: float, watch: Callable[[SmallCluster], None] = never_nobody
) -> list[tuple[str, str]]:
    """The Events, pass by pass."""
    told: list[tuple[str, str]] = []
    pass_once = cluster.pass_once

    def noting(**how: object) -> Decision:
        decision = pass_once()
        told.extend((each.reason, each.message) for each in decision.happenings)
        return decision

    cluster.pass_once = noting  # type: ignore[method-assign]
    cluster.run(seconds, watch=watch)
    del cluster.pass_once
    return told


def test_a_bad_version_is_rolled_back_and_told() -> None:
    cluster = changed(fate=Fate(errors=1.0))
    told = stories(cluster, LONG)
    assert failed(cluster) == [("2", "CandidateErrors")]
    assert cluster.status["traffic"] == "1=100%"
    assert cluster.says("Ready") == ("True", "Serving")
    assert cluster.says("Stalled") == ("True", "CandidateErrors")
    assert cluster.says("RolloutHealthy") == ("False", "CandidateErrors")
    assert cluster.says("Reconciling") == ("False", "Stopped")
    assert cluster.condition("Stalled")["message"].startswith("Version 2 (")
    assert [reason for reason, _ in told if reason in ("StepBegun", "JudgedBad", "RolledBack")][-1] == "RolledBack"
    assert ObjectRef("Deployment", f"fraud-{cluster.status['failed'][0]['revision']}") not in cluster.objects


def test_a_version_that_disagrees_is_rolled_back() -> None:
    cluster = changed(fate=Fate(differs=0.5))
    cluster.run(LONG, watch=never_nobody)
    assert failed(cluster) == [("2", "CandidateDisagrees")]


def test_a_failed_version_is_not_tried_again_until_the_spec_says_otherwise() -> None:
    cluster = changed(fate=Fate(errors=1.0))
    cluster.run(LONG)
    cluster.fates.clear()
    cluster.edit(minReplicas=3)
    assert shares(cluster, 60) == [0]
    cluster.edit(rollout={**ROLLOUT, "analysis": {**ANALYSIS, "maxErrorRate": "50%"}})
    assert shares(cluster, 60) == [0, 10, 50, 100, 0]


def test_an_alias_that_comes_back_gives_another_try() -> None:
    cluster = changed(fate=Fate(errors=1.0))
    cluster.run(LONG)
    cluster.version = "1"
    cluster.run(5)
    assert (cluster.status["failed"], cluster.says("Stalled")[0]) == ([], "False")
    cluster.version = "2"
    cluster.fates.clear()
    cluster.run(60)
    assert cluster.status["version"] == "2"


CRASHED = {
    "conditions": [{"type": "Ready", "status": "True"}],
    "initContainerStatuses": [
        {"name": "download", "state": {"terminated": {"exitCode": 0, "message": '{"digest":"sha256:x"}'}}}
    ],
}


def test_a_crash_rolls_back_at_once_even_when_the_pod_is_back_already() -> None:
    cluster = changed()
    cluster.run(8)
    ended = (cluster.now + timedelta(milliseconds=10)).isoformat().replace("+00:00", "Z")
    [pod] = [pod for pod in cluster.pods.values() if pod["version"] == "2"][:1]
    container = pod["status"]["containerStatuses"][0]
    lived: Object = {**container, "lastState": {"terminated": {"exitCode": 139, "finishedAt": ended}}}
    cluster.now += timedelta(seconds=0.5)
    pod["status"]["containerStatuses"] = [lived]
    cluster.pass_once()
    assert failed(cluster) == [("2", "CandidateCrashed")]
    assert share(cluster) == 0


def test_another_schema_gets_no_traffic() -> None:
    other = Fate(report={"modelSchema": {"inputs": [["x", "FP32", [-1, 4]]]}})
    cluster = changed(fate=other)
    assert shares(cluster, 30) == [0]
    assert failed(cluster) == [("2", "SchemaIncompatible")]
    assert cluster.says("SchemaCompatible") == ("False", "SchemaIncompatible")
    cluster.edit(allowSchemaChange=True)
    assert shares(cluster, 40) == [0, 10, 50, 100, 0]


def test_no_traffic_is_no_proof() -> None:
    cluster = changed(requests=0.0)
    cluster.run(LONG, watch=never_nobody)
    assert share(cluster) == 10
    assert cluster.status["rollout"]["judgement"]["verdict"] == "Inconclusive"
    assert cluster.says("Stalled") == ("False", "NotStalled")


def test_what_cannot_be_judged_asks_for_a_person() -> None:
    cluster = changed(requests=0.0, rollout={**ROLLOUT, "maxHold": "30s"})
    cluster.run(LONG)
    assert cluster.says("Stalled") == ("True", "InconclusiveTooLong")
    assert f"moorage.dev/promote={candidate(cluster)}" in cluster.condition("Stalled")["message"]
    annotate(cluster, promote=candidate(cluster))
    cluster.run(10)
    assert cluster.status["version"] == "2"


def test_pods_that_do_not_say_that_they_follow_hold_the_rollout() -> None:
    cluster = changed(progressDeadlineSeconds=30)
    cluster.silent = True
    cluster.run(LONG, watch=never_nobody)
    assert share(cluster) == 10
    assert cluster.says("Stalled") == ("True", "RoutesNotApplied")
    cluster.silent = False
    cluster.run(40)
    assert cluster.status["version"] == "2"


def test_intents_are_answered_in_the_status() -> None:
    cluster = changed()
    cluster.run(8)
    annotate(cluster, abort="0123456789")
    cluster.run(1)
    [answer] = cluster.status["intents"]
    assert (answer["name"], answer["value"], answer["answer"]) == ("abort", "0123456789", "Stale")
    annotate(cluster, abort=candidate(cluster))
    cluster.run(1)
    assert failed(cluster) == [("2", "AbortedByUser")]
    assert share(cluster) == 0


def test_an_undo_serves_the_version_before_from_its_blueprint() -> None:
    cluster = changed()
    cluster.run(60)
    assert len([ref for ref in cluster.objects if ref.kind == "Deployment"]) == 1
    annotate(cluster, undo=cluster.status["stable"]["revision"])
    cluster.run(20, watch=never_nobody)
    assert cluster.status["version"] == "1"
    assert cluster.says("Stalled") == ("True", "UndoneByUser")


def test_old_blueprints_are_forgotten_beyond_the_limit() -> None:
    cluster = serving(revisionHistoryLimit=1)
    for version in ("2", "3", "4"):
        cluster.version = version
        cluster.run(60)
    kept = {cluster.objects[ref]["data"]["version"] for ref in cluster.objects if ref.kind == "ControllerRevision"}
    assert kept == {"3", "4"}
    assert [each["version"] for each in cluster.status["history"]] == ["4", "3"]


def test_each_revision_has_its_autoscaler_while_both_serve() -> None:
    cluster = changed(maxReplicas=8)
    stable = f"fraud-{cluster.status['stable']['revision']}"
    cluster.scale(stable, 6)
    cluster.run(14, watch=never_nobody)
    scalers = {ref.name: body["spec"] for ref, body in cluster.objects.items() if ref.kind == "HorizontalPodAutoscaler"}
    assert share(cluster) == 50
    assert scalers["fraud"]["minReplicas"] == 6, "whatever happens, the stable one can carry everything"
    assert scalers[f"fraud-{candidate(cluster)}"]["minReplicas"] == 3
    cluster.run(60, watch=never_nobody)
    scalers = {ref.name: body["spec"] for ref, body in cluster.objects.items() if ref.kind == "HorizontalPodAutoscaler"}
    assert set(scalers) == {"fraud"}
    assert scalers["fraud"]["minReplicas"] == 2


def test_a_stable_pod_that_dies_stops_nothing() -> None:
    cluster = changed()
    for _ in range(6):
        cluster.run(3, watch=never_nobody)
        victim = next(iter(name for name, pod in cluster.pods.items() if pod["version"] == "1"), None)
        if victim is not None:
            del cluster.pods[victim]
    cluster.run(60, watch=never_nobody)
    assert cluster.status["version"] == "2"


SCENARIOS: dict[str, Callable[[SmallCluster], None]] = {
    "promoted": lambda cluster: setattr(cluster, "version", "2"),
    "rolled back": lambda cluster: (
        setattr(cluster, "version", "2") or cluster.fates.update({"2": Fate(errors=1.0)})  # type: ignore[func-returns-value]
    ),
    "replaced": lambda cluster: (
        setattr(cluster, "version", "3") or cluster.run(4) or setattr(cluster, "version", "2")  # type: ignore[func-returns-value]
    ),
}
BRISK = {
    "steps": [{"trafficPercent": 10, "hold": "2s"}, {"trafficPercent": 50, "hold": "2s"}],
    "analysis": {"interval": "1s", "warmUp": "0s", "minSamples": 20},
    "scaleDownDelay": "2s",
}
PREPARED = serving(rollout=BRISK)


def begin(title: str) -> SmallCluster:
    cluster = copy.deepcopy(PREPARED)
    SCENARIOS[title](cluster)
    cluster.writes.clear()
    return cluster


def finish(cluster: SmallCluster) -> SmallCluster:
    """Every step, every retirement."""
    cluster.run(18, watch=honest)
    cluster.run(30, tick=5, watch=honest)
    return cluster


@pytest.mark.parametrize("title", SCENARIOS)
def test_killed_before_and_after_every_write(title: str) -> None:
    reference = finish(begin(title))
    for boundary in range(len(reference.writes) + 1):
        cluster = begin(title)
        while not reach(cluster, boundary):
            cluster.live()
            cluster.now += timedelta(seconds=0.5)
            cluster.live()
            cluster.serve(50)
        cluster.recollection = Recollection()
        finish(cluster)
        assert meaning(cluster) == meaning(reference), f"killed after write {boundary}"
        assert cluster.says("Ready") == ("True", "Serving")
