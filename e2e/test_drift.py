"""Whatever somebody does to a child by hand is put right within two seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from e2e.harness.api import ApiServer, Object
from e2e.harness.children import meaning
from e2e.harness.figures import Figures
from e2e.harness.installed import Installed
from e2e.harness.kinds import CHILDREN, Kind
from e2e.harness.models import Store, train
from e2e.harness.room import Room, owned

BAR_SECONDS = 2.0
EDITS: dict[str, Object] = {
    "Deployment": {"spec": {"progressDeadlineSeconds": 77}},
    "Service": {"spec": {"selector": {"moorage.dev/revision": "nobody"}}},
    "ConfigMap": {"data": {"routes.json": "{}"}},
    "ControllerRevision": {"metadata": {"labels": {"moorage.dev/revision": "nobody"}}},
    "HorizontalPodAutoscaler": {"spec": {"maxReplicas": 9}},
    "PodDisruptionBudget": {"spec": {"maxUnavailable": 2}},
    "NetworkPolicy": {"spec": {"ingress": []}},
}
DEEDS: dict[str, Callable[[ApiServer, str, str, str], Any]] = {
    "deleted": lambda api, kind, ns, name: api.delete(CHILDREN[kind], ns, name),
    "edited": lambda api, kind, ns, name: api.merge(CHILDREN[kind], ns, name, EDITS[kind]),
    "label removed": lambda api, kind, ns, name: api.merge(
        CHILDREN[kind], ns, name, {"metadata": {"labels": {"moorage.dev/model-deployment": None}}}
    ),
    "ownerReference removed": lambda api, kind, ns, name: api.merge(
        CHILDREN[kind], ns, name, {"metadata": {"ownerReferences": None}}
    ),
}


@pytest.fixture(scope="module")
def deployed(api: ApiServer, operator: Installed, store: Store, store_keys: dict[str, str]) -> Iterator[Room]:
    """One CR with every kind of child, autoscaling included, for all deeds."""
    room = Room(api, operator.kubectl, "drift")
    uri = store.put(room.namespace, {"model.onnx": train(0).onnx})
    room.secret("model-store", store_keys)
    room.deploy("cancer", uri, model={"secretName": "model-store"}, minReplicas=2, maxReplicas=3)
    room.wait_steady("cancer")
    room.wait("cancer", "both pods", lambda body: body["status"].get("readyReplicas") == 2)
    yield room
    room.close()
    room.check_honest()


@pytest.mark.parametrize("kind", CHILDREN)
def test_repaired(kind: str, deployed: Room, figures: Figures) -> None:
    slowest = max(repair_seconds(deployed, kind, deed) for deed in DEEDS)
    figures.at_most(f"{kind} deleted, edited, label or owner removed -> repaired", slowest, BAR_SECONDS)


def repair_seconds(room: Room, kind: str, deed: str) -> float:
    """Do it to every child of the kind, one after the other; the slowest repair."""
    slowest = 0.0
    children = room.children("cancer")[kind]
    assert children, f"the CR has no {kind}"
    for body in children:
        name, wanted = body["metadata"]["name"], meaning(kind, body)
        done = DEEDS[deed](room.api, kind, room.namespace, name)
        begin = time.monotonic()
        assert done is None or meaning(kind, done) != wanted, f"{kind} {name} {deed}: nothing was changed"
        now = partial(look, room, CHILDREN[kind], name)
        repaired = room.until(f"{kind} {name} {deed}: repaired", now, same(kind, wanted), 30)
        slowest = max(slowest, time.monotonic() - begin)
        assert (repaired["metadata"]["uid"] != body["metadata"]["uid"]) == (deed == "deleted")
    return slowest


def look(room: Room, kind: Kind, name: str) -> Object | None:
    """The child, unless it is gone or on its way out."""
    found = room.api.find(kind, room.namespace, name)
    return found if found and "deletionTimestamp" not in found["metadata"] else None


def same(kind: str, wanted: Object) -> Callable[[Object], bool]:
    """Whether a child means what it meant before (an unowned one never does)."""

    def reached(body: Object) -> bool:
        uids = [owner["uid"] for owner in body["metadata"].get("ownerReferences", [])]
        return bool(uids) and owned(body, uids[0]) and meaning(kind, body) == wanted

    return reached
