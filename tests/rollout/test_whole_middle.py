"""The whole middle against a small cluster: first deploy, change, undo, scaling, drift, outages, kills in between."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.rollout.small_cluster import Fate, Object, SmallCluster, custom_resource

from moorage_operator.api.records import ObjectRef, Verb
from moorage_operator.errors import ApplyFault, RegistryFault
from moorage_operator.names import CONTENT_ANNOTATION, OWNER_LABEL

OUTAGE = RegistryFault("RegistryUnreachable", "The registry refuses connections. Bring it back.", outage=True)
CRASHED = {
    "initContainerStatuses": [{"name": "download", "state": {"terminated": {"exitCode": 0}}}],
    "containerStatuses": [
        {
            "name": "server",
            "started": False,
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 4, "message": '{"reason":"TestRequestFailed","message":"no"}'}},
        }
    ],
}


IN = 20.0
"""Seconds in which a good version comes in, when no steps are named: loaded, given everything, watched for ten."""


def serving(**spec: object) -> SmallCluster:
    """Version 1 serves and everything is at rest."""
    cluster = SmallCluster(owner=custom_resource(**spec))
    cluster.run(10)
    assert cluster.says("Reconciling") == ("False", "Steady")
    return cluster


def honest(cluster: SmallCluster) -> None:
    """What the status claims is so."""
    ready = cluster.condition("Ready")
    if ready["status"] == "True":
        assert cluster.answering(), "Ready, but nobody answers"
    if ready["status"] == "True" and ready["observedGeneration"] == cluster.owner["metadata"]["generation"]:
        assert cluster.answering() == {cluster.status["version"]}
        assert cluster.version in (None, cluster.status["version"])
    assert "True" not in (cluster.says("Reconciling")[0], cluster.says("Stalled")[0]) or (
        cluster.says("Reconciling")[0] != cluster.says("Stalled")[0]
    )


def never_nobody(cluster: SmallCluster) -> None:
    honest(cluster)
    assert cluster.answering()


def meaning(cluster: SmallCluster) -> dict[tuple[str, str], Object]:
    """All children without what differs from one world to the next."""
    told = {}
    for ref, body in cluster.objects.items():
        plain = copy.deepcopy(body)
        for key in ("uid", "managedFields"):
            plain["metadata"].pop(key, None)
        if ref.kind == "ConfigMap":
            plain["metadata"]["annotations"].pop(CONTENT_ANNOTATION)
            plain["data"] = plain["data"]["routes.json"].partition('"revisions"')[2]
        told[ref.kind, ref.name] = plain
    return told


def test_the_first_deploy_becomes_ready_and_then_rests() -> None:
    cluster = SmallCluster()
    cluster.run(6, watch=honest)
    assert cluster.says("Ready") == ("True", "Serving")
    assert cluster.condition("Ready")["observedGeneration"] == 1
    cluster.writes.clear()
    before = copy.deepcopy(cluster.status)
    cluster.run(60, tick=5)
    assert cluster.writes == []
    assert cluster.status == before


def test_deciding_changes_nothing() -> None:
    cluster = serving(minReplicas=2)
    cluster.version = "2"
    before = copy.deepcopy((cluster.owner, cluster.objects, cluster.pods))
    first = cluster.decide()
    assert (cluster.owner, cluster.objects, cluster.pods) == before
    assert cluster.decide() == first


def test_the_children_of_a_first_deploy() -> None:
    cluster = serving(minReplicas=2, maxReplicas=3)
    kinds = sorted(ref.kind for ref in cluster.objects)
    assert kinds == [
        "ConfigMap",
        "ControllerRevision",
        "Deployment",
        "HorizontalPodAutoscaler",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Service",
        "Service",
    ]
    for body in cluster.objects.values():
        [owner] = body["metadata"]["ownerReferences"]
        assert (owner["uid"], owner["controller"]) == ("cr-1", True)


def test_a_new_version_comes_in_without_a_gap() -> None:
    cluster = serving(minReplicas=2)
    cluster.version = "2"
    cluster.run(IN, watch=never_nobody)
    assert cluster.answering() == {"2"}
    assert cluster.status["version"] == "2"
    assert [entry["version"] for entry in cluster.status["history"]] == ["2", "1"]
    cluster.run(40, watch=never_nobody)
    assert len(cluster.objects) == 1 + len(serving(minReplicas=2).objects), "only its blueprint is left"


def test_waiting_for_ready_waits_for_the_new_spec() -> None:
    cluster = serving()
    cluster.edit(env=[{"name": "A", "value": "1"}])
    cluster.pass_once()
    assert cluster.says("Ready") == ("True", "Serving")
    assert cluster.condition("Ready")["observedGeneration"] == 1
    cluster.run(IN, watch=never_nobody)
    assert cluster.condition("Ready")["observedGeneration"] == 2


def test_a_moved_alias_makes_ready_older_than_the_spec_until_it_serves() -> None:
    cluster = serving()
    cluster.version = "2"
    cluster.pass_once()
    assert cluster.condition("Ready")["observedGeneration"] == 0
    cluster.run(IN)
    assert cluster.condition("Ready")["observedGeneration"] == 1


def test_a_bad_version_leaves_the_old_one_serving_and_the_next_good_one_goes_through() -> None:
    cluster = serving()
    cluster.version, cluster.fates["2"] = "2", Fate(None, status=CRASHED)
    cluster.run(5, watch=never_nobody)
    assert cluster.answering() == {"1"}
    assert cluster.says("Ready") == ("True", "Serving")
    assert cluster.says("Stalled") == ("True", "TestRequestFailed")
    assert cluster.says("RolloutHealthy") == ("False", "TestRequestFailed")
    cluster.version = "3"
    cluster.run(IN, watch=never_nobody)
    assert cluster.answering() == {"3"}
    assert cluster.says("Stalled") == ("False", "NotStalled")


def test_a_return_is_quick_while_the_old_pods_stand() -> None:
    cluster = serving()
    cluster.version = "2"
    cluster.run(IN)
    assert cluster.status["version"] == "2"
    cluster.version = "1"
    cluster.run(2, watch=never_nobody)
    assert cluster.selected() == "1"
    cluster.run(2, watch=never_nobody)
    assert cluster.status["version"] == "1"
    assert cluster.condition("Ready")["observedGeneration"] == 1


def test_a_rollout_that_is_too_slow_is_stalled_and_may_still_end() -> None:
    cluster = serving(progressDeadlineSeconds=20)
    cluster.version, cluster.fates["2"] = "2", Fate(seconds=None)
    cluster.run(19, watch=never_nobody)
    assert cluster.says("Reconciling") == ("True", "Loading")
    cluster.run(3)
    assert cluster.says("Stalled") == ("True", "ProgressDeadlineExceeded")
    assert cluster.condition("Stalled")["message"] == (
        "Loading did not come to an end within 20 seconds (spec.progressDeadlineSeconds). Look at the pods of the "
        "newest revision, or raise the deadline."
    )
    cluster.fates.clear()
    cluster.run(IN)
    assert cluster.answering() == {"2"}
    assert cluster.says("Stalled") == ("False", "NotStalled")


def test_an_outage_of_the_registry_takes_nothing_back() -> None:
    cluster = serving()
    cluster.version, cluster.fault = None, OUTAGE
    cluster.writes.clear()
    cluster.run(30, watch=never_nobody)
    assert cluster.writes == []
    assert cluster.says("RegistryReachable") == ("False", "RegistryUnreachable")
    assert cluster.says("Ready") == ("True", "Serving")
    assert cluster.condition("Ready")["observedGeneration"] == 1
    assert cluster.says("Reconciling") == ("False", "Steady")


def test_a_deleted_alias_stalls_and_serves_on() -> None:
    cluster = serving()
    cluster.version, cluster.fault = None, RegistryFault("AliasNotFound", "Set the alias.")
    cluster.run(5, watch=never_nobody)
    assert cluster.says("Stalled") == ("True", "AliasNotFound")
    assert cluster.says("RegistryReachable") == ("True", "Reachable")
    assert cluster.says("ArtifactReady") == ("False", "AliasNotFound")


def test_a_first_deploy_during_an_outage_waits_and_then_asks_for_help() -> None:
    cluster = SmallCluster(custom_resource(progressDeadlineSeconds=30), version=None, fault=OUTAGE)
    cluster.run(10)
    assert cluster.says("Reconciling") == ("True", "Resolving")
    cluster.run(30)
    assert cluster.says("Stalled") == ("True", "RegistryUnreachable")
    assert cluster.objects == {}
    cluster.version, cluster.fault = "1", None
    cluster.run(10)
    assert cluster.says("Ready") == ("True", "Serving")


def test_a_store_that_pods_cannot_read_is_named() -> None:
    cluster = SmallCluster(custom_resource(uri="gs://bucket/model"))
    cluster.run(1)
    assert cluster.says("Stalled") == ("True", "ArtifactSchemeUnsupported")
    assert "gs:" in cluster.condition("Stalled")["message"]


def test_a_refused_child_is_told_and_tried_again() -> None:
    cluster = SmallCluster()
    fault = ApplyFault("QuotaExceeded", "Deployment fraud-1 was refused: exceeded quota. Raise it.", retry_after=30.0)
    decision = cluster.decide(fault)
    told = {each["type"]: (each["status"], each["reason"]) for each in decision.status["conditions"]}
    assert told["Stalled"] == ("True", "QuotaExceeded")
    assert told["RolloutHealthy"] == ("False", "QuotaExceeded")
    assert decision.changes, "the writes are tried again"
    assert decision.look_again == 30.0


def test_a_changed_artifact_under_the_same_version_is_refused_at_scale_out() -> None:
    cluster = serving()
    cluster.edit(minReplicas=2)
    report = '{"reason":"DigestMismatch","message":"Pinned to sha256:a, found sha256:b. Register a new version."}'
    refused = {
        "initContainerStatuses": [{"name": "download", "state": {"terminated": {"exitCode": 3, "message": report}}}]
    }
    cluster.pass_once()
    cluster.live()
    newest = max(cluster.pods.values(), key=lambda pod: pod["metadata"]["name"])
    newest["status"] = {"phase": "Pending", **refused}
    cluster.pass_once()
    assert cluster.says("ArtifactReady") == ("False", "DigestMismatch")
    assert cluster.says("Ready") == ("True", "Serving")


def test_a_pod_with_another_digest_does_not_count() -> None:
    cluster = serving()
    pinned = cluster.status["stable"]["digest"]
    cluster.fates["1"] = Fate(digest="sha256:" + "b" * 64)
    cluster.edit(minReplicas=2)
    cluster.run(5)
    assert cluster.status["stable"]["digest"] == pinned
    assert cluster.status["stable"]["readyReplicas"] == 0
    assert cluster.says("Stalled") == ("True", "DigestMismatch")


def test_the_digest_of_an_artifact_outlives_its_revision() -> None:
    cluster = serving(uri="s3://models/fraud/1")
    pinned = cluster.status["stable"]["digest"]
    cluster.fates["1"] = Fate(digest="sha256:" + "b" * 64)
    cluster.edit(env=[{"name": "A", "value": "1"}])
    cluster.run(10)
    assert cluster.answering() == {"1"}
    assert cluster.status["stable"]["digest"] == pinned
    assert cluster.says("Stalled") == ("True", "DigestMismatch")


def test_a_foreign_object_under_our_name_is_left_alone() -> None:
    cluster = SmallCluster(foreign={ObjectRef("Service", "fraud")})
    cluster.run(5)
    assert cluster.says("Stalled") == ("True", "NameConflict")
    assert cluster.says("Ready")[0] == "False"
    assert cluster.condition("Stalled")["message"] == (
        "Service fraud belongs to somebody else and is left untouched. Delete or rename it, or give this "
        "ModelDeployment another name."
    )
    assert cluster.decide().look_again == 10.0
    cluster.foreign.clear()
    cluster.run(5)
    assert cluster.says("Ready") == ("True", "Serving")


def test_children_of_a_deleted_namesake_are_waited_for() -> None:
    cluster = serving()
    cluster.owner["metadata"]["uid"] = "cr-2"
    cluster.owner.pop("status")
    cluster.pods.clear()
    decision = cluster.decide()
    assert decision.changes == ()
    assert decision.look_again == 1.0
    cluster.objects.clear()
    cluster.run(6)
    assert cluster.says("Ready") == ("True", "Serving")


def test_a_deleted_cr_is_left_to_the_garbage_collector() -> None:
    cluster = serving()
    cluster.owner["metadata"]["deletionTimestamp"] = "2026-01-01T13:00:00Z"
    decision = cluster.decide()
    assert decision.changes == ()
    assert not decision.status_changed


def test_a_new_release_restarts_nothing_and_says_so() -> None:
    cluster = serving()
    cluster.defaults = replace(cluster.defaults, image="localhost/moorage-runtime:next", drain_seconds=60)
    cluster.writes.clear()
    cluster.run(5)
    assert cluster.writes == []
    assert cluster.says("UpdateAvailable") == ("True", "DefaultsChanged")
    assert cluster.condition("UpdateAvailable")["message"] == (
        "This release of the operator would render spec.containers.server.env, spec.containers.server.image, "
        "spec.initContainers.download.env, spec.initContainers.download.image, spec.terminationGracePeriodSeconds "
        "differently. Nothing restarts because of that; to take it, change any pod setting (an annotation in "
        "spec.podTemplate does) or the model's version."
    )
    cluster.version = "2"
    cluster.run(IN)
    assert cluster.says("UpdateAvailable") == ("False", "UpToDate")


def test_a_new_release_restarts_nothing_even_when_the_blueprint_is_lost() -> None:
    cluster = serving()
    name = f"fraud-{cluster.status['stable']['revision']}"
    cluster.defaults = replace(cluster.defaults, image="localhost/moorage-runtime:next")
    before = copy.deepcopy(cluster.child("Deployment", name)["spec"]["template"])
    cluster.delete("ControllerRevision", name)
    cluster.run(5)
    assert cluster.child("Deployment", name)["spec"]["template"] == before
    assert cluster.child("ControllerRevision", name)["data"]["version"] == "1"
    assert cluster.says("UpdateAvailable") == ("True", "DefaultsChanged")


def autoscaled() -> tuple[SmallCluster, str]:
    cluster = serving(minReplicas=2, maxReplicas=6)
    return cluster, f"fraud-{cluster.status['stable']['revision']}"


def test_the_autoscalers_number_survives_the_operator() -> None:
    cluster, name = autoscaled()
    cluster.scale(name, 5)
    cluster.writes.clear()
    cluster.run(10)
    cluster.child("Deployment", name)["spec"]["progressDeadlineSeconds"] = 77
    cluster.run(2)
    assert cluster.child("Deployment", name)["spec"]["replicas"] == 5
    assert cluster.child("Deployment", name)["spec"]["progressDeadlineSeconds"] == 600


def test_switching_autoscaling_on_hands_the_number_over() -> None:
    cluster = serving(minReplicas=3)
    cluster.writes.clear()
    cluster.edit(maxReplicas=6)
    cluster.run(3)
    verbs = [change.verb for change in cluster.writes if change.ref.kind == "Deployment"]
    assert verbs == [Verb.HANDOVER, Verb.APPLY]
    name = f"fraud-{cluster.status['stable']['revision']}"
    assert cluster.child("Deployment", name)["spec"]["replicas"] == 3


def test_switching_autoscaling_off_takes_the_number_back() -> None:
    cluster, name = autoscaled()
    cluster.scale(name, 5)
    cluster.edit(maxReplicas=None)
    cluster.run(3)
    assert cluster.child("Deployment", name)["spec"]["replicas"] == 2
    assert ObjectRef("HorizontalPodAutoscaler", "fraud") not in cluster.objects
    assert "ScalingActive" not in {each["type"] for each in cluster.status["conditions"]}


def test_a_new_version_takes_over_at_the_autoscaled_size() -> None:
    cluster, name = autoscaled()
    cluster.scale(name, 5)
    cluster.run(5)
    cluster.version = "2"
    cluster.run(IN, watch=never_nobody)
    new = f"fraud-{cluster.status['stable']['revision']}"
    assert cluster.child("Deployment", new)["spec"]["replicas"] == 5
    target = cluster.child("HorizontalPodAutoscaler", "fraud")["spec"]["scaleTargetRef"]
    assert target["name"] == new


def test_a_deleted_autoscaled_deployment_comes_back_at_its_size() -> None:
    cluster, name = autoscaled()
    cluster.scale(name, 5)
    cluster.run(5)
    cluster.delete("Deployment", name)
    cluster.run(3)
    assert cluster.child("Deployment", name)["spec"]["replicas"] == 5


DEEDS: dict[str, Callable[[SmallCluster, ObjectRef], None]] = {
    "deleted": lambda cluster, ref: cluster.delete(ref.kind, ref.name),
    "owner removed": lambda cluster, ref: cluster.objects[ref]["metadata"].pop("ownerReferences"),
    "label removed": lambda cluster, ref: cluster.objects[ref]["metadata"]["labels"].pop(OWNER_LABEL),
    "hash edited": lambda cluster, ref: cluster.objects[ref]["metadata"]["annotations"].update(
        {CONTENT_ANNOTATION: "edited"}
    ),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_what_is_done_to_a_child_by_hand_is_put_right(deed: str) -> None:
    untouched = serving(minReplicas=2, maxReplicas=3)
    before = meaning(untouched)
    for ref in untouched.objects:
        cluster = copy.deepcopy(untouched)
        DEEDS[deed](cluster, ref)
        cluster.run(5)
        assert meaning(cluster) == before, f"{ref} {deed}"
        assert cluster.says("Ready") == ("True", "Serving")
        cluster.writes.clear()
        cluster.run(2)
        assert cluster.writes == []


def test_foreign_additions_stay() -> None:
    cluster = serving()
    name = f"fraud-{cluster.status['stable']['revision']}"
    cluster.child("Deployment", name)["metadata"]["annotations"]["team"] = "risk"
    template = cluster.child("Deployment", name)["spec"]["template"]["spec"]
    template["containers"].append({"name": "sidecar", "image": "x"})
    cluster.writes.clear()
    cluster.run(3)
    assert cluster.writes == []


def test_a_selector_moved_by_hand_moves_back() -> None:
    cluster = serving()
    cluster.child("Service", "fraud")["spec"]["selector"]["moorage.dev/revision"] = "nobody"
    cluster.pass_once()
    assert cluster.selected() == "1"


def test_the_route_table_never_counts_backwards() -> None:
    cluster = serving()
    told = cluster.child("ConfigMap", "fraud-routes")["data"]["routes.json"]
    cluster.delete("ConfigMap", "fraud-routes")
    cluster.run(2)
    again = cluster.child("ConfigMap", "fraud-routes")["data"]["routes.json"]
    assert (told, again) == (told, told.replace('"generation":4', '"generation":5'))
    assert '"generation":5' in again


SCENARIOS: dict[str, Callable[[SmallCluster], None]] = {
    "create": lambda cluster: None,
    "change": lambda cluster: setattr(cluster, "version", "2"),
    "scale": lambda cluster: cluster.edit(minReplicas=3),
    "autoscale": lambda cluster: cluster.edit(maxReplicas=5),
}


def begin(title: str) -> SmallCluster:
    cluster = SmallCluster() if title == "create" else copy.deepcopy(PREPARED)
    SCENARIOS[title](cluster)
    cluster.writes.clear()
    return cluster


PREPARED = serving(minReplicas=2)


def finish(cluster: SmallCluster) -> SmallCluster:
    """Every rollout and every retirement comes to its end."""
    cluster.run(IN, watch=honest)
    cluster.run(50, tick=10, watch=honest)
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
        finish(cluster)
        assert meaning(cluster) == meaning(reference), f"killed after write {boundary}"
        assert cluster.says("Ready") == ("True", "Serving")


def reach(cluster: SmallCluster, boundary: int) -> bool:
    """One pass; it ends after the write of that number, without its status."""
    left = boundary - len(cluster.writes)
    if len(cluster.decide().changes) >= left:
        cluster.pass_once(status=False, limit=left)
        return True
    cluster.pass_once()
    return False
