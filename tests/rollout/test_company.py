"""Shadows and A/B tests against the small cluster: who stands beside the stable version, with which share."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.rollout.small_cluster import Fate, SmallCluster, custom_resource
from tests.rollout.test_whole_middle import never_nobody

from moorage_operator.errors import ApplyFault, RegistryFault
from moorage_runtime.config import Route, RouteTable, decode_routes

SHADOW = {"model": {"storageUri": "models:/fraud@9"}, "percent": 20}
ARMS = [
    {"name": "b", "model": {"storageUri": "models:/fraud@7"}, "percent": 30},
    {"name": "c", "model": {"storageUri": "models:/fraud@8"}, "percent": 20},
]
TEST = {"header": "x-user-id", "salt": "exp-1", "arms": ARMS}


def serving(**spec: object) -> SmallCluster:
    cluster = SmallCluster(owner=custom_resource(**spec))
    cluster.run(15)
    assert cluster.says("Ready") == ("True", "Serving")
    return cluster


def table(cluster: SmallCluster) -> RouteTable:
    return decode_routes(cluster.child("ConfigMap", "fraud-routes")["data"]["routes.json"])


def routes(cluster: SmallCluster) -> dict[str, Route]:
    return {route.version: route for route in table(cluster).revisions.values()}


def test_a_shadow_gets_copies_and_no_traffic() -> None:
    cluster = serving(shadow=SHADOW)
    told = routes(cluster)
    assert (told["9"].role, told["9"].weight) == ("shadow", 0)
    assert told["9"].address is not None
    assert (told["1"].role, told["1"].weight) == ("stable", 100)
    assert table(cluster).shadow_percent == 20
    assert table(cluster).compare is not None
    assert cluster.status["traffic"] == "1=100%"
    [guest] = cluster.status["guests"]
    assert (guest["role"], guest["model"]["version"], guest["readyReplicas"]) == ("shadow", "9", 1)


def test_a_shadow_that_does_not_answer_gets_no_copies() -> None:
    cluster = SmallCluster(owner=custom_resource(shadow=SHADOW), fates={"9": Fate(None)})
    cluster.run(20)
    assert cluster.says("Ready") == ("True", "Serving")
    assert table(cluster).shadow_percent == 0


def test_arms_get_their_share_of_the_clients() -> None:
    cluster = serving(abTest=TEST)
    told = routes(cluster)
    assert {version: (route.role, route.arm, route.weight) for version, route in told.items()} == {
        "1": ("stable", None, 50),
        "7": ("arm", "b", 30),
        "8": ("arm", "c", 20),
    }
    assert (table(cluster).salt, table(cluster).key_header) == ("exp-1", "x-user-id")
    assert cluster.status["traffic"] == "1=50%, 7=30%, 8=20%"


def test_a_new_stable_version_comes_in_beside_the_arms() -> None:
    cluster = serving(abTest=TEST)
    cluster.version = "2"
    weights = set()

    def watch(world: SmallCluster) -> None:
        never_nobody(world)
        weights.add((routes(world)["7"].weight, routes(world)["8"].weight))

    cluster.run(30, watch=watch)
    assert cluster.status["version"] == "2"
    assert weights == {(30, 20)}, "the clients of the arms stay where they are"
    assert routes(cluster)["2"].weight == 50


def test_a_winner_answers_everybody() -> None:
    cluster = serving(abTest=TEST)
    cluster.edit(abTest={**TEST, "winner": "b"})
    cluster.run(10, watch=never_nobody)
    told = routes(cluster)
    assert (told["1"].weight, told["7"].weight, told["8"].role) == (0, 100, "retiring")


def test_the_end_of_a_test_leaves_nothing_behind() -> None:
    cluster = serving(abTest=TEST)
    cluster.edit(abTest=None)
    cluster.run(60, watch=never_nobody)
    assert set(routes(cluster)) == {"1"}
    assert {ref.kind for ref in cluster.objects if ref.kind == "Deployment"} == {"Deployment"}
    assert len([ref for ref in cluster.objects if ref.kind == "Deployment"]) == 1
    assert cluster.status["guests"] == []


def test_the_model_of_an_arm_may_become_the_stable_one() -> None:
    cluster = serving(abTest=TEST)
    cluster.version = "7"
    cluster.edit(uri="models:/fraud@7")
    cluster.run(30, watch=never_nobody)
    assert cluster.status["version"] == "7"
    assert routes(cluster)["7"].role == "stable"


def failing(reason: str, message: str) -> Fate:
    """A version whose serving container ends by itself."""
    told = json.dumps({"reason": reason, "message": message})
    ended = {"name": "server", "lastState": {"terminated": {"exitCode": 2, "message": told}}}
    return Fate(None, status={"containerStatuses": [ended]})


LOADS_NOT = failing("ModelLoadFailed", "The file is no ONNX model. Log the model again.")
GONE = {"reason": "ArtifactNotFound", "message": "There is nothing at that address. Register it again."}
DOWNLOADS_NOT = Fate(
    None,
    status={
        "initContainerStatuses": [
            {"name": "download", "state": {"terminated": {"exitCode": 1, "message": json.dumps(GONE)}}}
        ]
    },
)
CRASHES = Fate(
    None,
    status={
        "containerStatuses": [{"name": "server", "started": True, "lastState": {"terminated": {"exitCode": 136}}}],
    },
)
OTHER_INPUT = {"modelSchema": {"inputs": [["y", "FP32", [-1, 2]]], "outputs": [["label", "INT64", [-1]]]}}
KNOWN_INPUT = {"modelSchema": {"inputs": [["x", "FP32", [-1, 2]]], "outputs": [["label", "INT64", [-1]]]}}
BAD = {
    "does not load": (LOADS_NOT, "ModelLoadFailed"),
    "has no artifact": (DOWNLOADS_NOT, "ArtifactNotFound"),
    "crashes": (CRASHES, "CrashLoop"),
    "takes something else": (Fate(report=OTHER_INPUT), "SchemaIncompatible"),
}


def undisturbed(cluster: SmallCluster) -> bool:
    told = [cluster.says(kind) for kind in ("Ready", "RolloutHealthy", "Stalled", "Reconciling", "ArtifactReady")]
    return told == [
        ("True", "Serving"),
        ("True", "Healthy"),
        ("False", "NotStalled"),
        ("False", "Steady"),
        ("True", "Verified"),
    ]


def guest(cluster: SmallCluster, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in cluster.status["guests"] if each["name"] == name)
    return found


@pytest.mark.parametrize("name", BAD)
def test_a_bad_arm_is_told_and_hurts_nobody(name: str) -> None:
    fate, reason = BAD[name]
    cluster = SmallCluster(fates={"1": Fate(report=KNOWN_INPUT), "7": fate})
    cluster.run(15)
    cluster.edit(abTest=TEST)
    cluster.run(20, watch=never_nobody)
    assert undisturbed(cluster)
    assert cluster.says("GuestsHealthy") == ("False", reason)
    told = guest(cluster, "b")
    assert told["reason"] == reason
    assert told["message"] == cluster.condition("GuestsHealthy")["message"]
    assert told["message"].startswith("Arm b (version 7): ")
    assert told["message"].endswith(" Its clients are answered by spec.model.")
    assert cluster.status["traffic"] == "1=80%, 8=20%"
    b, c = routes(cluster)["7"], routes(cluster)["8"]
    assert (b.weight, b.address) == (30, None), "its clients stay its clients, and are answered by stable"
    assert (c.weight, c.address is None) == (20, False)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_shadow_gets_no_copies_and_is_told(name: str) -> None:
    fate, reason = BAD[name]
    cluster = SmallCluster(fates={"1": Fate(report=KNOWN_INPUT), "9": fate})
    cluster.run(15)
    cluster.edit(shadow=SHADOW)
    cluster.run(20, watch=never_nobody)
    assert undisturbed(cluster)
    assert cluster.says("GuestsHealthy") == ("False", reason)
    assert guest(cluster, "shadow")["message"].endswith(" It gets no copies.")
    assert table(cluster).shadow_percent == 0


def test_another_schema_may_be_allowed() -> None:
    fates = {"1": Fate(report=KNOWN_INPUT), "7": Fate(report=OTHER_INPUT)}
    cluster = SmallCluster(owner=custom_resource(abTest=TEST, allowSchemaChange=True), fates=fates)
    cluster.run(20)
    assert cluster.says("GuestsHealthy") == ("True", "GuestsAnswer")
    assert cluster.condition("GuestsHealthy")["message"] == "Answering: Arm b (version 7), Arm c (version 8)."


def test_an_arm_of_which_nobody_knows_the_version_keeps_its_place() -> None:
    fault = RegistryFault("AliasNotFound", "No alias b. Set it.")
    cluster = SmallCluster(owner=custom_resource(abTest=TEST), unknown={"models:/fraud@7": fault})
    cluster.run(20)
    assert undisturbed(cluster)
    assert cluster.says("GuestsHealthy") == ("False", "AliasNotFound")
    assert guest(cluster, "b")["message"] == "Arm b: No alias b. Set it. Its clients are answered by spec.model."
    told = table(cluster).revisions["arm-b"]
    assert (told.arm, told.weight, told.address) == ("b", 30, None)
    cluster.unknown.clear()
    cluster.run(20)
    assert cluster.says("GuestsHealthy") == ("True", "GuestsAnswer")
    assert "arm-b" not in table(cluster).revisions


def test_a_guest_on_its_way_is_nobodys_fault() -> None:
    cluster = SmallCluster(owner=custom_resource(abTest=TEST), fates={"7": Fate(10.0)})
    cluster.run(8)
    assert cluster.says("GuestsHealthy") == ("Unknown", "Loading")
    assert guest(cluster, "b")["message"] == "Arm b (version 7) downloads, loads and tests its model."
    assert "message" not in guest(cluster, "c")
    cluster.run(10)
    assert cluster.says("GuestsHealthy") == ("True", "GuestsAnswer")


def test_without_guests_there_is_no_such_condition() -> None:
    assert "GuestsHealthy" not in [each["type"] for each in serving().status["conditions"]]


def test_two_arms_with_one_version_are_one_too_many() -> None:
    twin = {**ARMS[0], "name": "d", "percent": 5}
    cluster = serving(abTest={**TEST, "arms": [*ARMS, twin]})
    assert cluster.says("GuestsHealthy") == ("False", "GuestRepeated")
    assert "same settings as b" in guest(cluster, "d")["message"]
    assert (routes(cluster)["7"].arm, table(cluster).revisions["arm-d"].weight) == ("b", 5)


def test_a_bad_guest_is_not_written_about_for_ever() -> None:
    cluster = SmallCluster(owner=custom_resource(shadow=SHADOW), fates={"9": CRASHES})
    cluster.run(30)
    writes = len(cluster.writes)
    for _ in range(200):
        assert not cluster.pass_once().status_changed
        cluster.live()
        cluster.now += timedelta(seconds=30)
    assert len(cluster.writes) == writes


def test_a_guests_child_that_is_refused_is_no_matter_of_those_who_serve() -> None:
    cluster = serving()
    cluster.edit(shadow=SHADOW)
    decision = cluster.decide()
    last = [change.ref for change in decision.changes][-3:]
    assert {ref.kind for ref in last} == {"ControllerRevision", "Deployment", "Service"}, "they hold up nothing else"
    fault = ApplyFault("QuotaExceeded", "No room. Raise it.", child=last[0].name)
    status = cluster.decide(fault).status
    told = {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}
    assert told["GuestsHealthy"] == ("False", "QuotaExceeded")
    assert (told["RolloutHealthy"], told["Stalled"]) == (("True", "Healthy"), ("False", "NotStalled"))


def test_what_is_counted_of_a_shadow_is_told_once_an_interval() -> None:
    rollout = {"analysis": {"interval": "10s"}}
    cluster = SmallCluster(owner=custom_resource(shadow=SHADOW, rollout=rollout), fates={"9": Fate(differs=0.5)})
    cluster.run(15)
    assert "counts" not in guest(cluster, "shadow")
    cluster.requests_per_second = 100.0
    seen: list[tuple[str, int]] = []

    def watch(world: SmallCluster) -> None:
        counts = guest(world, "shadow").get("counts")
        if counts is not None and (counts["at"], counts["requests"]) not in seen:
            seen.append((counts["at"], counts["requests"]))

    cluster.run(40, watch=watch)
    assert len(seen) == 4
    counts = guest(cluster, "shadow")["counts"]
    assert counts["requests"] == counts["compared"] == seen[-1][1] > 500
    assert counts["differing"] == pytest.approx(counts["compared"] / 2, abs=1)
    assert counts["slowerMillis"] == pytest.approx(1.0)
    assert counts["samples"] == ["label[0]: 1 instead of 0"]


def test_numbers_that_stand_still_are_not_written_and_seldom_asked_for() -> None:
    cluster = SmallCluster(owner=custom_resource(abTest=TEST), fates={"7": Fate(errors=0.25)})
    cluster.requests_per_second = 100.0
    cluster.run(40)
    assert guest(cluster, "b")["counts"]["failed"] > 0
    assert guest(cluster, "b")["counts"]["shielded"] == guest(cluster, "b")["counts"]["failed"]
    assert cluster.decide().look_again == pytest.approx(10.0, abs=10.0)
    cluster.requests_per_second = 0.0
    cluster.run(20)
    for _ in range(20):
        cluster.now += timedelta(seconds=60)
        decision = cluster.pass_once()
        assert not decision.status_changed
        assert decision.look_again == 60.0


def test_silent_pods_take_no_numbers_back() -> None:
    cluster = SmallCluster(owner=custom_resource(shadow=SHADOW))
    cluster.requests_per_second = 100.0
    cluster.run(40)
    before = guest(cluster, "shadow")["counts"]
    cluster.silent = True
    cluster.run(40)
    assert guest(cluster, "shadow")["counts"] == before


def test_the_winner_becomes_stable_without_anybody_seeing_another_version() -> None:
    cluster = serving(abTest={**TEST, "winner": "b"}, rollout={"steps": [{"trafficPercent": 10, "hold": "60s"}]})
    assert cluster.status["traffic"] == "7=100%"
    cluster.version = "7"
    cluster.edit(uri="models:/fraud@7")

    def watch(world: SmallCluster) -> None:
        never_nobody(world)
        assert world.status["traffic"] == "7=100%"

    cluster.run(30, watch=watch)
    assert cluster.status["version"] == "7"
    assert cluster.says("GuestsHealthy") == ("True", "GuestsAnswer")
    cluster.edit(abTest=None)
    cluster.run(60, watch=watch)
    assert set(routes(cluster)) == {"7"}
