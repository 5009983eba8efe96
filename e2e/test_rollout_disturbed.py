"""Pods die, the operator dies, people edit, a node is emptied, all in the middle of rollouts: no user notices."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from e2e.harness import zoo
from e2e.harness.api import ApiServer, Object, Refused
from e2e.harness.figures import Figures
from e2e.harness.history import History
from e2e.harness.installed import NAMESPACE as OPERATORS
from e2e.harness.installed import Installed
from e2e.harness.kinds import LEASE, POD
from e2e.harness.laws import broken_laws, is_ready, revision_of
from e2e.harness.models import Registry
from e2e.harness.patrol import Patrol, Round
from e2e.harness.room import Room
from e2e.harness.traffic import Traffic

RATE = 50
ENDS = 120.0
"""Seconds from a disturbance to the end of the rollout: its steps may begin anew, and a lease of 15 s may run out."""
ROLLOUT = {
    "steps": [{"trafficPercent": 25, "hold": "4s"}, {"trafficPercent": 50, "hold": "4s"}],
    "scaleDownDelay": "1s",
    "maxHold": "3m",
    "analysis": {"interval": "1s", "minSamples": 20, "warmUp": "1s"},
}
RESOURCES = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}}


@dataclass(frozen=True)
class Stand:
    """One deployment of two pods, and its users. `versions`: good ones, in the order in which they come."""

    room: Room
    name: str
    model: str
    versions: tuple[str, ...]
    patrol: Patrol
    history: History

    def bring(self, version: str) -> None:
        """Ask for this version."""
        bring(self.room, self.name, self.model, version)

    def in_mid_step(self, version: str) -> Object:
        """Wait until this version is the candidate and has had its share for a moment."""
        told = self.room.wait(self.name, f"{version} in mid-step", lambda body: has_share(body, version), 60)
        time.sleep(1)
        return told

    def pods_of(self, side: str) -> list[Object]:
        """The ready pods of `stable` or `candidate`."""
        revision = self.room.get(self.name)["status"][side]["revision"]
        return [pod for pod in self.room.pods(self.name) if revision_of(pod) == revision and is_ready(pod)]

    def end(self, version: str, figures: Figures, what: str) -> Round:
        """Wait until this version serves and nothing is under way; hold what users got against what they should."""
        begin = time.monotonic()
        self.room.wait_steady(self.name, version, ENDS)
        figures.at_most(f"{what}: until the rollout has ended", time.monotonic() - begin, ENDS)
        answers = self.patrol.stop()
        for failure in answers.failures:
            print(failure)
        figures.at_most(f"{what}: failed of {answers.sent} requests", answers.failed, 0, "")
        assert set(answers.versions) <= set(self.versions), answers.versions
        assert [name for name, seen in answers.versions.items() if seen.wrong] == []
        assert self.history.torn == []
        assert broken_laws(self.history.entries(), self.name) == []
        return answers


@dataclass(frozen=True)
class Ground:
    """Where stands are put up."""

    room: Room
    registry: Registry
    traffic: Traffic

    @contextmanager
    def stand(self, name: str, model: str, versions: int = 2, rate: float = RATE) -> Iterator[Stand]:
        """The first of so many good versions serves, and users ask."""
        published = tuple(self.registry.publish_files(model, zoo.good()) for _ in range(versions))
        with ExitStack() as stack:
            history = History(self.room.api, self.room.namespace)
            stack.callback(history.close)
            bring(self.room, name, model, published[0])
            self.room.wait_steady(name, published[0], 90)
            patrol = self.traffic.patrol(name, self.room.namespace, rate=rate)
            stack.callback(patrol.process.kill)
            time.sleep(1)
            yield Stand(self.room, name, model, published, patrol, history)


@pytest.fixture
def ground(room: Room, operator: Installed, registry: Registry, traffic: Traffic) -> Ground:
    return Ground(room, registry, traffic)


@pytest.mark.parametrize("grace", [None, 0], ids=["asked to end", "killed"])
def test_candidate_pod_gone(grace: int | None, ground: Ground, figures: Figures, unique: str) -> None:
    with ground.stand("cancer", unique) as stand:
        stand.bring(stand.versions[1])
        stand.in_mid_step(stand.versions[1])
        remove(ground.room.api, stand.pods_of("candidate")[0], grace)
        stand.end(stand.versions[1], figures, f"candidate pod gone, grace {grace}")


def test_stable_pod_gone(ground: Ground, figures: Figures, unique: str) -> None:
    with ground.stand("cancer", unique) as stand:
        stand.bring(stand.versions[1])
        stand.in_mid_step(stand.versions[1])
        remove(ground.room.api, stand.pods_of("stable")[0], None)
        stand.end(stand.versions[1], figures, "stable pod gone")


def test_operator_killed(ground: Ground, figures: Figures, unique: str) -> None:
    with ground.stand("cancer", unique) as stand:
        stand.bring(stand.versions[1])
        stand.in_mid_step(stand.versions[1])
        remove(ground.room.api, leader(ground.room.api), 0)
        stand.end(stand.versions[1], figures, "operator killed")


def test_two_rollouts_at_once(ground: Ground, figures: Figures, unique: str) -> None:
    with (
        ground.stand("cancer", f"{unique}-one", rate=RATE / 2) as one,
        ground.stand("tumour", f"{unique}-two", rate=RATE / 2) as other,
    ):
        for stand in (one, other):
            stand.bring(stand.versions[1])
        for stand in (one, other):
            stand.in_mid_step(stand.versions[1])
        for stand in (one, other):
            stand.end(stand.versions[1], figures, f"two at once, {stand.name}")


def test_spec_edited(ground: Ground, figures: Figures, unique: str) -> None:
    with ground.stand("cancer", unique, versions=3) as stand:
        _, second, third = stand.versions
        stand.bring(second)
        stand.in_mid_step(second)
        edited = time.time()
        stand.bring(third)
        stand.in_mid_step(third)
        answers = stand.end(third, figures, "spec edited")
        late = answers.versions[second].last - edited if second in answers.versions else 0.0
        figures.at_most("spec edited: last answer of the replaced candidate", max(late, 0.0), 5.0)
        assert ground.room.get("cancer")["status"]["failed"] == []


def test_node_drained(ground: Ground, figures: Figures, unique: str) -> None:
    with ground.stand("cancer", unique) as stand:
        stand.bring(stand.versions[1])
        stand.in_mid_step(stand.versions[1])
        for pod in ground.room.pods("cancer"):
            evict(ground.room, pod)
        stand.end(stand.versions[1], figures, "every pod evicted")


def bring(room: Room, name: str, model: str, version: str) -> None:
    """Ask for this version of the model, in two pods."""
    room.deploy(name, f"models:/{model}/{version}", minReplicas=2, rollout=ROLLOUT, resources=RESOURCES)


def has_share(body: Object, version: str) -> bool:
    """Whether the candidate is of this version, and every stable pod follows a table that gives it a share."""
    status = body.get("status") or {}
    rollout = status.get("rollout") or {}
    candidate = (status.get("candidate") or {}).get("version")
    return candidate == version and bool(rollout.get("trafficPercent")) and "stepSince" in rollout


def leader(api: ApiServer) -> Object:
    """The pod of the operator that holds the lease."""
    (lease,) = api.all(LEASE, OPERATORS)
    return api.get(POD, OPERATORS, lease["spec"]["holderIdentity"].rpartition("_")[0])


def remove(api: ApiServer, pod: Object, grace: int | None) -> None:
    """Delete a pod. `grace`: seconds until SIGKILL, 0 at once; None: as the pod wants it."""
    metadata = pod["metadata"]
    options: dict[str, Any] = {} if grace is None else {"gracePeriodSeconds": grace}
    api.request("DELETE", POD.path(metadata["namespace"], metadata["name"]), options)


def evict(room: Room, pod: Object) -> None:
    """As `kubectl drain` does: ask until the disruption budget allows it."""
    name = pod["metadata"]["name"]
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": room.namespace}}

    def attempt() -> bool:
        try:
            room.api.request("POST", POD.path(room.namespace, name, "eviction"), body)
        except Refused as refused:
            if refused.code == 429:
                return False
            if refused.code != 404:
                raise
        return True

    room.until(f"eviction of {name}", attempt, bool, 90)
