"""The operator's reads and writes against a real API server: ownership, server-side apply, refusals, the lease."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from moorage_operator import names
from moorage_operator.api.model_deployment import Metadata
from moorage_operator.api.records import Change, Key, ObjectRef, Verb
from moorage_operator.cluster.gather import confirm, every_deployment, gather
from moorage_operator.cluster.kinds import BY_NAME, MODEL_DEPLOYMENT
from moorage_operator.cluster.lease import LeaseStore
from moorage_operator.cluster.server import APPLY_PATCH, MERGE_PATCH, ApiError, ApiServer, connect
from moorage_operator.cluster.write import Writer
from moorage_operator.election import NotLeading
from moorage_operator.errors import ApplyFault

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONFIG = ObjectRef("ConfigMap", "demo-routes")


class Room:
    """One namespace with one custom resource, deleted at the end."""

    def __init__(self, api: ApiServer, namespace: str, uid: str) -> None:
        self.api, self.namespace, self.uid = api, namespace, uid
        self.key = Key(namespace, "demo")
        self.writer = Writer(api, lambda: 10.0)

    def config(self, data: str, **metadata: Any) -> dict[str, Any]:
        owner = {"apiVersion": names.API_VERSION, "kind": names.KIND, "name": "demo", "uid": self.uid}
        own = {"labels": {names.OWNER_LABEL: "demo"}, "ownerReferences": [{**owner, "controller": True}]}
        return {"metadata": {**own, **metadata}, "data": {"key": data}}

    async def apply(self, data: str, ref: ObjectRef = CONFIG, **metadata: Any) -> None:
        await self.writer.execute([self.change(data, ref, **metadata)], self.namespace)

    def change(self, data: str, ref: ObjectRef = CONFIG, **metadata: Any) -> Change:
        return Change(Verb.APPLY, ref, self.config(data, **metadata), "missing")

    def path(self, ref: ObjectRef = CONFIG) -> str:
        return BY_NAME[ref.kind].path(self.namespace, ref.name)

    async def live(self, ref: ObjectRef = CONFIG) -> dict[str, Any]:
        body: dict[str, Any] = await self.api.call("GET", self.path(ref))
        return body

    async def edit(self, patch: dict[str, Any]) -> None:
        await self.api.call("PATCH", self.path(), body=patch, content_type=MERGE_PATCH)


async def served(api: ApiServer) -> None:
    """Wait until the API server knows the kind and has its storage ready, at most ten seconds."""
    async with asyncio.timeout(10):
        while True:
            try:
                await api.call("GET", MODEL_DEPLOYMENT.path("default"))
                return
            except ApiError as error:
                if error.code not in (404, 429):
                    raise
                await asyncio.sleep(0.1)


@pytest.fixture
async def room(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Room]:
    monkeypatch.setenv("KUBECONFIG", os.environ.get("KUBECONFIG") or str(ROOT / ".local" / "kubeconfig"))
    api = await connect(agent="moorage-tests")
    namespace = f"room-{uuid4().hex[:8]}"
    crd = yaml.safe_load((ROOT / "crds" / "moorage.dev_modeldeployments.yaml").read_text())
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    # As kubectl itself would, so that nobody's next `kubectl apply --server-side` meets a conflict.
    query = {"fieldManager": "kubectl", "force": "true"}
    await api.call("PATCH", f"{crds}/{crd['metadata']['name']}", query=query, body=crd, content_type=APPLY_PATCH)
    await served(api)
    await api.call("POST", "/api/v1/namespaces", body={"metadata": {"name": namespace}})
    owner = {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "metadata": {"name": "demo", "finalizers": ["tests.moorage.dev/room"]},
        "spec": {"model": {"storageUri": "models:/none/1"}},
    }
    made = await api.call("POST", MODEL_DEPLOYMENT.path(namespace), body=owner)
    # An operator that runs beside these tests leaves alone what is being deleted, once it has noticed.
    path = MODEL_DEPLOYMENT.path(namespace, "demo")
    await api.call("DELETE", path)
    await asyncio.sleep(1.0)
    yield Room(api, namespace, made["metadata"]["uid"])
    await api.call("PATCH", path, body={"metadata": {"finalizers": None}}, content_type=MERGE_PATCH)
    await api.call("DELETE", f"/api/v1/namespaces/{namespace}")
    await api.close()


async def test_a_snapshot_holds_what_is_ours(room: Room) -> None:
    await room.apply("a")
    snapshot = await gather(room.api, room.key, NOW)
    assert snapshot is not None
    assert set(snapshot.children) == {CONFIG}
    body = snapshot.children[CONFIG]
    assert (body["kind"], body["apiVersion"], body["data"]) == ("ConfigMap", "v1", {"key": "a"})
    assert body["metadata"]["managedFields"]
    assert snapshot.deployment.metadata.uid == room.uid


async def test_what_is_gone_gives_no_snapshot(room: Room) -> None:
    assert await gather(room.api, Key(room.namespace, "none"), NOW) is None


async def test_the_same_apply_again_changes_nothing(room: Room) -> None:
    await room.apply("a")
    before = await room.live()
    await room.apply("a")
    assert (await room.live())["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


async def test_a_hand_edit_is_taken_back_and_foreign_fields_stay(room: Room) -> None:
    await room.apply("a")
    await room.edit({"data": {"key": "theirs", "other": "stays"}})
    await room.apply("a")
    assert (await room.live())["data"] == {"key": "a", "other": "stays"}


async def test_a_child_without_its_label_is_found_by_name(room: Room) -> None:
    await room.apply("a")
    await room.edit({"metadata": {"labels": {names.OWNER_LABEL: None}}})
    snapshot = await gather(room.api, room.key, NOW)
    assert snapshot is not None
    assert CONFIG not in snapshot.children
    confirmed = await confirm(room.api, snapshot, [room.change("a")])
    assert CONFIG in confirmed.children


async def test_a_child_without_its_owner_reference_is_still_ours(room: Room) -> None:
    await room.apply("a")
    await room.edit({"metadata": {"ownerReferences": None}})
    snapshot = await gather(room.api, room.key, NOW)
    assert snapshot is not None
    assert CONFIG in snapshot.children
    await room.apply("a")
    assert (await room.live())["metadata"]["ownerReferences"][0]["uid"] == room.uid


async def test_a_strangers_object_is_foreign(room: Room) -> None:
    body = {"metadata": {"name": CONFIG.name}, "data": {"theirs": "1"}}
    await room.api.call("POST", BY_NAME["ConfigMap"].path(room.namespace), body=body)
    snapshot = await gather(room.api, room.key, NOW)
    assert snapshot is not None
    assert (await confirm(room.api, snapshot, [room.change("a")])).foreign == {CONFIG}


async def test_nothing_is_confirmed_when_nothing_is_missing(room: Room) -> None:
    await room.apply("a")
    snapshot = await gather(room.api, room.key, NOW)
    assert snapshot is not None
    assert await confirm(room.api, snapshot, [room.change("b")]) is snapshot


async def test_a_delete_spares_another_object_of_the_same_name(room: Room) -> None:
    await room.apply("a")
    await room.writer.execute([Change(Verb.DELETE, CONFIG, {}, "retired", uid=str(uuid4()))], room.namespace)
    uid = (await room.live())["metadata"]["uid"]
    for _ in range(2):
        await room.writer.execute([Change(Verb.DELETE, CONFIG, {}, "retired", uid=uid)], room.namespace)
    with pytest.raises(ApiError, match="404 NotFound"):
        await room.live()


async def test_a_touch_sets_one_annotation_and_minds_no_missing_pod(room: Room) -> None:
    touch = {"metadata": {"annotations": {names.TOUCH_ANNOTATION: "2"}}}
    await room.writer.execute([Change(Verb.TOUCH, ObjectRef("Pod", "gone"), touch, "routes")], room.namespace)


async def test_an_invalid_child_is_a_fault_that_names_the_field(room: Room) -> None:
    service = {"metadata": {}, "spec": {"ports": [{"port": 99999, "protocol": "TCP"}]}}
    with pytest.raises(ApplyFault) as fault:
        await room.writer.execute(
            [Change(Verb.APPLY, ObjectRef("Service", "demo"), service, "missing")], room.namespace
        )
    assert fault.value.reason == "ChildRefused"
    assert "spec.ports[0].port: Invalid value: 99999" in fault.value.message


async def test_a_full_quota_is_a_fault(room: Room) -> None:
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {"count/configmaps": "0"}}}
    await room.api.call("POST", f"/api/v1/namespaces/{room.namespace}/resourcequotas", body=quota)
    # The quota controller needs a moment to notice the new quota.
    many = [room.change("a", ObjectRef("ConfigMap", f"c{number}")) for number in range(200)]
    with pytest.raises(ApplyFault) as fault:
        await room.writer.execute(many, room.namespace)
    assert fault.value.reason == "QuotaExceeded"


async def test_the_status_is_written_whole_and_to_what_was_seen_only(room: Room) -> None:
    first, second = [await gather(room.api, room.key, NOW) for _ in range(2)]
    assert first is not None
    assert second is not None
    await room.writer.status(first.deployment.metadata, {"observedGeneration": 1, "version": "7", "url": "http://x"})
    with pytest.raises(ApiError, match="409"):
        await room.writer.status(second.deployment.metadata, {"version": "8"})
    again = await gather(room.api, room.key, NOW)
    assert again is not None
    await room.writer.status(again.deployment.metadata, {"observedGeneration": 1, "version": "8"})
    live = await gather(room.api, room.key, NOW)
    assert live is not None
    assert (live.deployment.status.version, live.deployment.status.url) == ("8", None)
    assert live.deployment.metadata.generation == first.deployment.metadata.generation


async def test_the_status_of_what_is_gone_is_not_written(room: Room) -> None:
    await room.writer.status(Metadata(name="gone", namespace=room.namespace, uid="u"), {"version": "1"})


async def test_a_closed_gate_writes_nothing(room: Room) -> None:
    def closed() -> float:
        raise NotLeading

    with pytest.raises(NotLeading):
        await Writer(room.api, closed).execute([room.change("a")], room.namespace)
    with pytest.raises(ApiError, match="404"):
        await room.live()


async def test_every_deployment_is_listed(room: Room) -> None:
    found = [body["metadata"]["name"] async for body in every_deployment(room.api, room.namespace)]
    assert found == ["demo"]


async def test_of_two_takers_of_a_lease_one_gets_a_conflict(room: Room) -> None:
    store = LeaseStore(room.api, room.namespace, "election", duration=15)
    assert await store.read() is None
    first = await store.take(None, "a")
    with pytest.raises(ApiError, match="409"):
        await store.take(None, "b")
    second = await store.take(first, "b")
    with pytest.raises(ApiError, match="409"):
        await store.take(first, "c")
    assert (second.holder, second.transitions) == ("b", 1)
    renewed = await store.take(second, "b")
    assert (renewed.transitions, renewed.acquired) == (1, second.acquired)
    assert renewed.renewed != second.renewed
    assert (await store.take(renewed, "")).holder == ""


@pytest.mark.usefixtures("room")
async def test_an_api_server_that_is_not_there_is_an_api_error() -> None:
    away = await connect(agent="moorage-tests")
    away._configuration.host = "https://127.0.0.1:1"
    with pytest.raises(ApiError, match="0 NoAnswer"):
        await away.call("GET", "/version")
    await away.close()
