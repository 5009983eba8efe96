"""The thread from YAML to a prediction: how fast, and that the answers are the model's own."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from e2e.harness.api import Object
from e2e.harness.claim import fill_claim
from e2e.harness.figures import Figures
from e2e.harness.installed import Installed
from e2e.harness.models import Registry, Store, grow, train
from e2e.harness.room import Room
from e2e.harness.traffic import Traffic
from e2e.harness.witness import broken_promises

POLL_SECONDS = 10.0


def state(room: Room, pod: Object) -> dict[str, Any]:
    """What the pod says of itself on its admin port."""
    admin = f"/api/v1/namespaces/{room.namespace}/pods/http:{pod['metadata']['name']}:8081/proxy/state"
    found: dict[str, Any] = json.loads(room.kubectl.run("get", "--raw", admin))
    return found


def test_applied_then_answered(
    room: Room, operator: Installed, registry: Registry, traffic: Traffic, figures: Figures, unique: str
) -> None:
    [version] = registry.publish(unique, 0)
    trained = train(0)
    with traffic.probe(room.url("cancer"), trained.request, pause=0.02) as probe:
        applied = time.time()
        room.deploy("cancer", f"models:/{unique}/{version}")
        answered = probe.first(version, 60)
        room.wait_steady("cancer", version)
        time.sleep(2)
    figures.at_most("CR applied -> first answer", answered - applied, 5.0)
    assert broken_promises(room.witnesses["cancer"].moments, probe.stretches, probe.ended) == []

    status, headers, body = traffic.ask(room.url("cancer"), trained.request)
    outputs = {output["name"]: output["data"] for output in body["outputs"]}
    assert status == 200
    assert outputs["probabilities"] == pytest.approx(trained.answer, abs=1e-5)
    assert headers["x-model-version"] == version
    assert headers["x-request-id"]
    for pod in room.pods("cancer"):
        assert state(room, pod)["compiled"], "the image has the hot path compiled"


def test_a_forest_is_walked_by_the_kernel_unless_it_is_told_not_to(
    room: Room, operator: Installed, store: Store, store_keys: dict[str, str], traffic: Traffic, unique: str
) -> None:
    forest = grow()
    uri = store.put(unique, {"model.onnx": forest.onnx})
    room.secret("model-store", store_keys)
    for told, kernel in (
        (None, {"name": "trees", "reason": ""}),
        ({"enableTreeKernel": False}, {"name": "onnxruntime", "reason": "enableTreeKernel is false"}),
    ):
        room.deploy("cancer", uri, model={"secretName": "model-store", **({"onnx": told} if told else {})})
        room.wait_steady("cancer")
        assert kernel in [state(room, pod)["kernels"]["cancer"] for pod in room.pods("cancer")]
        status, _, body = traffic.ask(room.url("cancer"), forest.request)
        assert status == 200
        outputs = {output["name"]: output["data"] for output in body["outputs"]}
        assert tuple(outputs["probabilities"]) == pytest.approx(forest.answer, abs=1e-6)


def test_alias_moved_then_new_version(
    room: Room, operator: Installed, registry: Registry, traffic: Traffic, figures: Figures, unique: str
) -> None:
    first, second = registry.publish(unique, 0, 1)
    registry.alias(unique, "champion", first)
    room.deploy("cancer", f"models:/{unique}@champion")
    room.wait_steady("cancer", first)
    with traffic.probe(room.url("cancer"), train(0).request) as probe:
        probe.first(first, 20)
        moved = time.time()
        registry.alias(unique, "champion", second)
        room.wait_steady("cancer", second)
        time.sleep(2)
    last_old = probe.last_other(second) - moved
    figures.at_most("alias moved -> every answer from the new version", last_old, POLL_SECONDS + 10)
    assert {stretch.answer for stretch in probe.stretches} == {first, second}
    assert broken_promises(room.witnesses["cancer"].moments, probe.stretches, probe.ended) == []
    _, _, body = traffic.ask(room.url("cancer"), train(1).request)
    outputs = {output["name"]: output["data"] for output in body["outputs"]}
    assert outputs["probabilities"] == pytest.approx(train(1).answer, abs=1e-5)


def test_served_from_a_bucket(
    room: Room, operator: Installed, store: Store, store_keys: dict[str, str], traffic: Traffic, unique: str
) -> None:
    uri = store.put(unique, {"model.onnx": train(2).onnx})
    room.secret("model-store", store_keys)
    room.deploy("cancer", uri, model={"secretName": "model-store"})
    body = room.wait_steady("cancer")
    assert body["status"]["stable"]["digest"].startswith("sha256:")
    status, _, answer = traffic.ask(room.url("cancer"), train(2).request)
    outputs = {output["name"]: output["data"] for output in answer["outputs"]}
    assert status == 200
    assert outputs["probabilities"] == pytest.approx(train(2).answer, abs=1e-5)


def test_served_from_a_claim(room: Room, operator: Installed, traffic: Traffic) -> None:
    fill_claim(room, "shelf", "cancer/1", train(1).onnx)
    room.deploy("cancer", "pvc://shelf/cancer/1", minReplicas=2)
    body = room.wait_steady("cancer")
    assert body["status"]["version"] == "1"
    status, _, answer = traffic.ask(room.url("cancer"), train(1).request)
    outputs = {output["name"]: output["data"] for output in answer["outputs"]}
    assert status == 200
    assert outputs["probabilities"] == pytest.approx(train(1).answer, abs=1e-5)
