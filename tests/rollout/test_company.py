"""Shadows and A/B tests against the small cluster: who stands beside the stable version, with which share."""

from __future__ import annotations

from tests.rollout.small_cluster import Fate, SmallCluster, custom_resource
from tests.rollout.test_whole_middle import never_nobody

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
