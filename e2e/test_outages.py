"""API server, registry and store go away: what serves goes on serving, the status says why, all heals by itself."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from e2e.harness.api import ApiServer, Object
from e2e.harness.blocked import blocked, frozen, own_api_server
from e2e.harness.figures import Figures
from e2e.harness.installed import Installed
from e2e.harness.kstatus import condition
from e2e.harness.kubectl import Kubectl
from e2e.harness.local_operator import nursery
from e2e.harness.models import Registry, Store, train
from e2e.harness.rehearsal import NAME, Rehearsal, State
from e2e.harness.room import Room
from e2e.harness.settings import LOCAL_SETTINGS
from e2e.harness.traffic import Traffic

PARTS = "moorage-parts"
ROOT = Path(__file__).parent.parent
API_SECONDS = 30
REGISTRY_SECONDS = 90


def test_api_server_out_of_the_operators_reach(
    api: ApiServer, kubectl: Kubectl, operator: Installed, figures: Figures, tmp_path: Path
) -> None:
    first, second = State("first"), State("second")
    with (
        operator.away(),
        nursery(ROOT) as parent,
        Rehearsal(api, kubectl, parent, tmp_path, LOCAL_SETTINGS) as rehearsal,
    ):
        rehearsal.trace(first)
        pid = rehearsal.operator.pid
        rehearsal.proxy.go_away()
        time.sleep(API_SECONDS / 2)
        rehearsal.ask_for(second)
        time.sleep(API_SECONDS / 2)
        rehearsal.proxy.come_back()
        back = time.monotonic()
        body = rehearsal.room.wait_ready(NAME, "second")
        figures.at_most(f"API server away {API_SECONDS} s: back -> right state", time.monotonic() - back, 15.0)
        assert rehearsal.operator.alive
        assert rehearsal.operator.pid == pid
        assert body["status"]["stable"]["version"] == "second"


def test_api_server_stopped(
    room: Room,
    operator: Installed,
    store: Store,
    store_keys: dict[str, str],
    traffic: Traffic,
    figures: Figures,
    unique: str,
) -> None:
    """The real one, where it is a process of this machine: everybody misses it, not the operator alone."""
    pid = own_api_server(ROOT)
    if pid is None:
        pytest.skip("the API server is no process of this machine")
    uri = store.put(unique, {"model.onnx": train(0).onnx})
    room.secret("model-store", store_keys)
    room.deploy("cancer", uri, model={"secretName": "model-store"})
    room.wait_steady("cancer")
    restarts = operator.restarts()
    load = traffic.load(room.url("cancer"), train(0).request, connections=2, pause=0.02, seconds=120)
    time.sleep(1)
    with frozen(pid):
        time.sleep(API_SECONDS)
    room.deploy("cancer", uri, model={"secretName": "model-store"}, minReplicas=2)
    back = time.monotonic()
    room.wait("cancer", "two pods", lambda body: body["status"].get("readyReplicas") == 2)
    figures.at_most("API server stopped 30 s: back -> scaled out", time.monotonic() - back, 20.0)
    report = load.stop()
    figures.at_most(f"failed of {report.sent} requests, API server stopped", report.failed, 0, "")
    assert report.sent > API_SECONDS * 10
    assert operator.restarts() == restarts


def test_registry_away(
    room: Room,
    api: ApiServer,
    operator: Installed,
    registry: Registry,
    traffic: Traffic,
    figures: Figures,
    unique: str,
) -> None:
    first, second = registry.publish(unique, 0, 1)
    registry.alias(unique, "live", first)
    room.deploy("cancer", f"models:/{unique}@live")
    room.wait_steady("cancer", first)
    restarts = operator.restarts()
    load = traffic.load(room.url("cancer"), train(0).request, connections=2, pause=0.02, seconds=240)
    with blocked(api, PARTS, "mlflow"):
        begin = time.monotonic()
        room.wait("cancer", "the outage told", told_unreachable, 40)
        room.deploy("late", f"models:/{unique}/{second}")
        late = room.wait("late", "the outage told", told_unreachable, 40)
        assert condition(late, "Ready")["status"] != "True"
        registry.alias(unique, "live", second)
        time.sleep(max(0.0, REGISTRY_SECONDS - (time.monotonic() - begin)))
        kept = room.get("cancer")
        assert kept["status"]["version"] == first
        assert condition(kept, "Ready")["status"] == "True"
    back = time.monotonic()
    room.wait_ready("cancer", second, 60)
    figures.at_most("MLflow away 90 s: back -> the alias followed", time.monotonic() - back, 30.0)
    healed = room.wait_ready("late", second, 60)
    assert condition(healed, "RegistryReachable")["status"] == "True"
    report = load.stop()
    figures.at_most(f"failed of {report.sent} requests, MLflow away", report.failed, 0, "")
    assert operator.restarts() == restarts


def test_store_away_during_scale_out(
    room: Room,
    api: ApiServer,
    operator: Installed,
    store: Store,
    store_keys: dict[str, str],
    traffic: Traffic,
    figures: Figures,
    unique: str,
) -> None:
    uri = store.put(unique, {"model.onnx": train(0).onnx})
    room.secret("model-store", store_keys)
    room.deploy("cancer", uri, model={"secretName": "model-store"})
    room.wait_steady("cancer")
    restarts = operator.restarts()
    load = traffic.load(room.url("cancer"), train(0).request, connections=2, pause=0.02, seconds=240)
    with blocked(api, PARTS, "s3"):
        room.deploy("cancer", uri, model={"secretName": "model-store"}, minReplicas=3)
        body = room.wait("cancer", "the outage told", told_store_away, 60)
        assert condition(body, "Ready")["status"] == "True"
        assert body["status"]["readyReplicas"] == 1
    back = time.monotonic()
    room.wait("cancer", "three pods", lambda body: body["status"].get("readyReplicas") == 3, 90)
    figures.at_most("S3 away during scale-out: back -> all pods serve", time.monotonic() - back, 60.0)
    report = load.stop()
    figures.at_most(f"failed of {report.sent} requests, S3 away", report.failed, 0, "")
    assert operator.restarts() == restarts


def told_unreachable(body: Object) -> bool:
    """Whether the CR says that the registry does not answer."""
    reachable = condition(body, "RegistryReachable")
    known = {"RegistryUnreachable", "RegistryTimeout"}
    return reachable.get("status") == "False" and reachable.get("reason") in known


def told_store_away(body: Object) -> bool:
    """Whether any condition names the store's outage."""
    reasons = {item["reason"] for item in body["status"].get("conditions", [])}
    return bool(reasons & {"StoreUnreachable", "StoreTimeout"})
