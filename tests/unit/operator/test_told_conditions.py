"""What a person reads in `kubectl describe mdep`, moment by moment, word for word."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.rollout.small_cluster import Fate, SmallCluster, custom_resource

from moorage_operator.api.model_deployment import Condition
from moorage_operator.errors import RegistryFault
from moorage_operator.judge.verdict import MESSAGE_BYTES, as_condition, false, true

OUTAGE = RegistryFault("RegistryTimeout", "The registry did not answer within 5 s.", outage=True)


def at(seconds: float, **spec: Any) -> SmallCluster:
    cluster = SmallCluster(custom_resource(**spec))
    cluster.run(seconds)
    return cluster


def told(cluster: SmallCluster, kind: str) -> tuple[str, str, str]:
    condition = cluster.condition(kind)
    return condition["status"], condition["reason"], condition["message"]


def test_loading() -> None:
    cluster = at(0.5)
    assert told(cluster, "Ready") == ("False", "NotServedYet", "No version has answered yet.")
    assert told(cluster, "Reconciling") == (
        "True",
        "Loading",
        "The first pod of version 1 downloads, loads and tests the model.",
    )
    assert told(cluster, "ArtifactReady") == (
        "Unknown",
        "Downloading",
        "No pod has fetched version 1 from mlflow-artifacts:/1/1 yet.",
    )


def test_switching() -> None:
    assert told(at(2.5), "Reconciling") == (
        "True",
        "Switching",
        "The Service has moved to version 1; the cluster is learning it.",
    )


def test_scaling() -> None:
    cluster = at(3.5, minReplicas=3)
    assert told(cluster, "Ready")[:2] == ("True", "Serving")
    assert told(cluster, "Reconciling") == ("True", "Scaling", "1 of 3 pods of version 1 answer.")


def test_serving() -> None:
    cluster = at(8)
    assert told(cluster, "Ready") == ("True", "Serving", "Version 1 answers at http://fraud.risk.svc.")
    assert told(cluster, "Reconciling") == ("False", "Steady", "Everything is as the spec says.")
    assert told(cluster, "ArtifactReady") == ("True", "Verified", f"Version 1 is sha256:{'a' * 64}.")
    assert told(cluster, "RolloutHealthy") == ("True", "Healthy", "The newest revision has no problem.")
    assert told(cluster, "RegistryReachable") == ("True", "Reachable", "Registry default answered.")


def test_an_artifact_that_arrived_but_cannot_be_loaded() -> None:
    fetched = {"terminated": {"exitCode": 0, "message": f'{{"digest":"sha256:{"b" * 64}"}}'}}
    refused = '{"reason":"ModelLoadFailed","message":"The file is no ONNX model."}'
    fallen = {"terminated": {"exitCode": 4, "message": refused}}
    fate = Fate(
        status={
            "initContainerStatuses": [{"name": "download", "state": fetched}],
            "containerStatuses": [{"name": "server", "state": {"waiting": {}}, "lastState": fallen}],
        }
    )
    cluster = SmallCluster(fates={"1": fate})
    cluster.run(3)
    assert told(cluster, "ArtifactReady") == ("True", "Verified", f"Version 1 is sha256:{'b' * 64}.")
    assert told(cluster, "RolloutHealthy") == ("False", "ModelLoadFailed", "The file is no ONNX model.")
    assert told(cluster, "Stalled")[:2] == ("True", "ModelLoadFailed")


def test_no_registry_is_asked() -> None:
    assert told(at(1, uri="s3://models/fraud/1"), "RegistryReachable") == (
        "True",
        "NotNeeded",
        "The storageUri names the artifact itself; no registry is asked.",
    )


def test_nobody_answers_any_more() -> None:
    cluster = at(8)
    cluster.fates["1"] = Fate(status={"conditions": [{"type": "Ready", "status": "False"}]})
    cluster.run(1)
    assert told(cluster, "Ready") == ("False", "NoPodReady", "No pod of version 1 answers.")
    assert told(cluster, "Reconciling") == ("True", "Scaling", "0 of 1 pods of version 1 answer.")


def test_an_outage_before_anything_is_known() -> None:
    cluster = SmallCluster(version=None, fault=OUTAGE)
    cluster.run(1)
    assert told(cluster, "Reconciling") == (
        "True",
        "Resolving",
        "Asking the registry what models:/fraud@champion means. So far: The registry did not answer within 5 s.",
    )
    assert told(cluster, "RegistryReachable") == ("False", "RegistryTimeout", OUTAGE.message)
    assert told(cluster, "Ready") == (
        "False",
        "NotServedYet",
        "No version has answered yet. The registry did not answer within 5 s.",
    )


def test_a_registry_that_was_not_asked() -> None:
    cluster = SmallCluster(version=None)
    cluster.run(1)
    assert told(cluster, "RegistryReachable") == (
        "Unknown",
        "NotAskedYet",
        "Registry default has not been asked yet.",
    )


SCALING = {
    "nothing yet": (None, ("Unknown", "AutoscalerPending", "The autoscaler has not looked yet.")),
    "working": (
        {"status": "True", "reason": "ValidMetricFound"},
        ("True", "MetricsValid", "The autoscaler reads its metrics."),
    ),
    "no metrics": (
        {"status": "False", "reason": "FailedGetResourceMetric", "message": "no metrics known for pods."},
        (
            "False",
            "MetricsUnavailable",
            "The autoscaler cannot read its metrics: no metrics known for pods. Install metrics-server, and set "
            "requests for the metric's resource in spec.resources.",
        ),
    ),
    "disabled": (
        {"status": "False", "reason": "ScalingDisabled", "message": "replicas is zero"},
        ("False", "ScalingDisabled", "The Deployment was scaled to zero; it is being raised."),
    ),
}


@pytest.mark.parametrize("title", SCALING)
def test_scaling_active(title: str) -> None:
    said, expected = SCALING[title]
    cluster = at(8, maxReplicas=3)
    if said is not None:
        autoscaler = cluster.child("HorizontalPodAutoscaler", "fraud")
        autoscaler["status"] = {"conditions": [{"type": "ScalingActive", **said}]}
    cluster.pass_once()
    assert told(cluster, "ScalingActive") == expected


def test_a_transition_is_dated_when_the_status_changes_and_only_then() -> None:
    cluster = at(8)
    first = cluster.condition("Ready")["lastTransitionTime"]
    cluster.now += timedelta(hours=1)
    cluster.version = "2"
    cluster.run(20)
    assert cluster.condition("Ready")["lastTransitionTime"] == first
    assert cluster.condition("Ready")["message"] == "Version 2 answers at http://fraud.risk.svc."


def test_a_condition_keeps_its_date_when_only_its_words_change() -> None:
    before = Condition.model_validate(as_condition("Ready", true("A", "one", 1), None, "2026-01-01T00:00:00Z"))
    same = as_condition("Ready", true("B", "two", 2), before, "2026-01-02T00:00:00Z")
    other = as_condition("Ready", false("C", "three", 2), before, "2026-01-02T00:00:00Z")
    assert same["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    assert other["lastTransitionTime"] == "2026-01-02T00:00:00Z"


def test_a_message_is_bounded_even_in_the_middle_of_a_letter() -> None:
    message = as_condition("Ready", true("A", "ä" * 3000 + "x", 1), None, "2026-01-01T00:00:00Z")["message"]
    assert len(message.encode()) == MESSAGE_BYTES
