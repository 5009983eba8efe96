"""CRs that the schema admits but that cannot work: each says why and what to do, and the CR beside it serves on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from e2e.harness.api import ApiServer, Object
from e2e.harness.fault_proxy import FaultProxy
from e2e.harness.installed import Installed
from e2e.harness.kinds import QUOTA
from e2e.harness.kstatus import Verdict, condition, verdict
from e2e.harness.local_operator import LocalOperator, nursery
from e2e.harness.models import Registry, Store, train
from e2e.harness.rehearsal import OPERATOR_USER
from e2e.harness.room import Room
from e2e.harness.settings import LOCAL_SETTINGS

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class World:
    """What the cases build upon: a room with a healthy neighbour, and things to point at."""

    room: Room
    model: str
    good_uri: str
    corrupt_uri: str


@dataclass(frozen=True)
class Case:
    """`spec`: what is applied. `reasons`: any of them may be told. `words`: have to be in the message."""

    spec: Callable[[World], Object]
    reasons: tuple[str, ...]
    words: tuple[str, ...] = ()


def from_store(world: World, uri: str | None = None, **model: Any) -> Object:
    """A spec that loads from the bucket."""
    return {"model": {"storageUri": uri or world.good_uri, "secretName": "model-store", **model}}


def sized(world: World, cpu: str, memory: str) -> Object:
    """A spec whose pods ask for so much."""
    return {
        **from_store(world),
        "resources": {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}},
    }


def wrong_expectation(world: World) -> Object:
    """A test request whose answer is wrong by far."""
    expected = {"outputs": [{"name": "probabilities", "data": [0.0, 1.0]}]}
    return {**from_store(world), "testRequest": {**json.loads(train(0).request), "expect": expected}}


CASES = {
    "model missing": Case(lambda w: {"model": {"storageUri": "models:/nobody-made-this/1"}}, ("ModelNotFound",)),
    "version missing": Case(lambda w: {"model": {"storageUri": f"models:/{w.model}/999"}}, ("VersionNotFound",)),
    "alias missing": Case(lambda w: {"model": {"storageUri": f"models:/{w.model}@nobody"}}, ("AliasNotFound",)),
    "stage empty": Case(lambda w: {"model": {"storageUri": f"models:/{w.model}/Archived"}}, ("StageEmpty",)),
    "registry unknown": Case(
        lambda w: {"model": {"storageUri": f"models:/{w.model}/1", "registry": "nobody"}},
        ("RegistryUnknown",),
        ("nobody",),
    ),
    "bucket missing": Case(lambda w: from_store(w, "s3://no-such-bucket/a"), ("BucketNotFound",), ("no-such-bucket",)),
    "prefix missing": Case(lambda w: from_store(w, "s3://models/no/such/prefix"), ("ArtifactNotFound",)),
    "no credentials": Case(lambda w: {"model": {"storageUri": w.good_uri}}, ("CredentialsMissing", "AccessDenied")),
    "secret missing": Case(lambda w: from_store(w, secretName="absent"), ("CredentialsMissing",), ("absent",)),
    "wrong credentials": Case(lambda w: from_store(w, secretName="wrong-store"), ("AccessDenied",)),
    "digest mismatch": Case(lambda w: from_store(w, digest="sha256:" + "0" * 64), ("DigestMismatch",)),
    "wrong expectation": Case(wrong_expectation, ("TestRequestFailed",), ("probabilities",)),
    "no node fits": Case(
        lambda w: {**from_store(w), "nodeSelector": {"no": "node"}, "progressDeadlineSeconds": 15}, ("Unschedulable",)
    ),
    "quota exceeded": Case(
        lambda w: {
            **from_store(w),
            "resources": {"requests": {"cpu": "900", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
        },
        ("QuotaExceeded",),
        ("quota",),
    ),
    "out of memory": Case(
        lambda w: sized(w, "10m", "24Mi"),
        ("OOMKilled",),
        ("memory",),
    ),
    "corrupt graph": Case(lambda w: from_store(w, w.corrupt_uri), ("ArtifactCorrupt",)),
    "claim missing": Case(lambda w: {"model": {"storageUri": "pvc://absent/a"}}, ("ClaimMissing",), ("absent",)),
}


@pytest.fixture(scope="module")
def world(
    api: ApiServer, operator: Installed, registry: Registry, store: Store, store_keys: dict[str, str]
) -> Iterator[World]:
    room = Room(api, operator.kubectl, "stalled")
    model = room.namespace
    [version] = registry.publish(model, 0)
    good = store.put(f"{model}/good", {"model.onnx": train(0).onnx})
    corrupt = store.put(f"{model}/corrupt", {"model.onnx": b"\x08\x0a no graph at all" * 50})
    room.secret("model-store", store_keys)
    room.secret("wrong-store", {**store_keys, "AWS_SECRET_ACCESS_KEY": "not-the-secret-of-this-store"})
    api.create(QUOTA, room.namespace, {"metadata": {"name": "small"}, "spec": {"hard": {"requests.cpu": "8"}}})
    room.deploy("neighbour", f"models:/{model}/{version}")
    room.wait_steady("neighbour", version)
    for title, case in CASES.items():
        applied = case.spec(World(room, model, good, corrupt))
        room.deploy(crd_name(title), applied["model"].pop("storageUri"), model=applied.pop("model"), **applied)
    yield World(room, model, good, corrupt)
    room.close()


@pytest.mark.parametrize("title", CASES)
def test_told(title: str, world: World) -> None:
    case, name = CASES[title], crd_name(title)
    body = world.room.wait_stalled(name, *case.reasons, seconds=90)
    told = condition(body, "Stalled")
    assert verdict(body) is Verdict.FAILED
    assert condition(body, "Ready")["status"] != "True"
    assert len(told["message"]) > 30, "the message has to say what to do"
    for word in case.words:
        assert word in told["message"].lower() or word in told["message"]


def test_neighbour_untouched(world: World) -> None:
    for title in CASES:
        world.room.wait_stalled(crd_name(title), *CASES[title].reasons, seconds=90)
    witness = world.room.witnesses["neighbour"]
    moments = [moment for moment in witness.moments if moment.claims_ready]
    assert verdict(witness.moments[-1].body) is Verdict.CURRENT
    assert len(witness.moments) - witness.moments.index(moments[0]) <= 3, "the neighbour's status went on changing"
    assert {pod["status"]["containerStatuses"][0]["restartCount"] for pod in world.room.pods("neighbour")} == {0}


def test_missing_image(
    room: Room, api: ApiServer, operator: Installed, store: Store, store_keys: dict[str, str], tmp_path: Path
) -> None:
    """The image is the operator's own setting, so this needs an operator with a wrong one."""
    runtime = {"image": "localhost/nobody-made-this:1", "imagePullPolicy": "Never"}
    settings = {**LOCAL_SETTINGS, "watchNamespaces": [room.namespace], "runtime": runtime}
    room.secret("model-store", store_keys)
    with operator.away(), nursery(ROOT) as parent, FaultProxy(api.access, user=OPERATOR_USER) as proxy:
        local = LocalOperator(parent, tmp_path, proxy.url, settings)
        local.start()
        room.deploy("cancer", "s3://models/any", model={"secretName": "model-store"})
        stalled = room.wait_stalled("cancer", "ImageUnavailable", seconds=60)
        local.kill()
    assert "localhost/nobody-made-this:1" in condition(stalled, "Stalled")["message"]


def crd_name(title: str) -> str:
    """A CR's name for a case."""
    return title.replace(" ", "-")


def test_changed_artifact_is_refused_at_scale_out(
    room: Room, operator: Installed, store: Store, store_keys: dict[str, str], unique: str
) -> None:
    uri = store.put(unique, {"model.onnx": train(0).onnx})
    room.secret("model-store", store_keys)
    room.deploy("cancer", uri, model={"secretName": "model-store"})
    pinned = room.wait_steady("cancer")["status"]["stable"]["digest"]
    store.put(unique, {"model.onnx": train(1).onnx})
    room.deploy("cancer", uri, model={"secretName": "model-store"}, minReplicas=2)

    def told(body: Object) -> bool:
        return any(item["reason"] == "DigestMismatch" for item in body["status"]["conditions"])

    body = room.wait("cancer", "the changed artifact refused", told)
    assert body["status"]["stable"]["digest"] == pinned
    assert condition(body, "Ready")["status"] == "True"
    assert body["status"]["readyReplicas"] == 1
