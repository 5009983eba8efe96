"""Every animal of the zoo comes as the next version while users ask: none of them gets a failed answer, and each animal
ends rolled back, or never gets traffic, for the right reason.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from e2e.harness import zoo
from e2e.harness.api import ApiServer, Object
from e2e.harness.figures import Figures
from e2e.harness.installed import Installed
from e2e.harness.kstatus import condition
from e2e.harness.models import Registry
from e2e.harness.patrol import DOORS, Patrol, Round
from e2e.harness.room import Room
from e2e.harness.traffic import Traffic
from e2e.harness.zoo import Animal

NAME = "cancer"
RATE = 50
HOLD = 20
WINDOW = HOLD + 15
"""Seconds from the first request to an animal until it is told bad: the step in which it shows, and 15."""
LAST_REQUEST = 2.0
"""Seconds from the decision to the last request that an animal answers."""
BEFORE_TRAFFIC = 30.0
RESOURCES = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}}
"""Without a limit a model that computes for ever takes the node from those who answer."""
ZOO = zoo.animals()


@dataclass(frozen=True)
class Keeper:
    """One deployment whose good version serves while the animals come, and its users."""

    room: Room
    registry: Registry
    traffic: Traffic
    model: str
    good: str

    def bring(self, version: str, animal: Animal | None = None) -> None:
        """Ask for this version."""
        extra: dict[str, Any] = dict(animal.spec or {}) if animal is not None else {}
        spec = {"rollout": rollout(animal.percent if animal else 25), "resources": RESOURCES, **extra}
        self.room.deploy(NAME, f"models:/{self.model}/{version}", **spec)

    def users(self, stack: ExitStack) -> Patrol:
        """Users until the test is over."""
        patrol = self.traffic.patrol(NAME, self.room.namespace, rate=RATE)
        stack.callback(patrol.process.kill)
        return patrol

    def first_traffic(self, version: str) -> float:
        """When a status told first that this version gets traffic (seconds since 1970)."""
        return next(moment.at for moment in self.room.witnesses[NAME].moments if gets_traffic(moment.body, version))


@pytest.fixture(scope="module")
def keeper(api: ApiServer, operator: Installed, registry: Registry, traffic: Traffic) -> Iterator[Keeper]:
    with ExitStack() as stack:
        room = Room(api, operator.kubectl, "zoo")
        stack.callback(room.close)
        model = room.namespace
        found = Keeper(room, registry, traffic, model, registry.publish_files(model, zoo.good()))
        yield found
        room.check_honest()


@pytest.mark.parametrize("name", ZOO)
def test_nobody_is_hurt(name: str, keeper: Keeper, figures: Figures) -> None:
    animal = ZOO[name]
    keeper.bring(keeper.good)
    keeper.room.wait_steady(NAME, keeper.good)
    version = keeper.registry.publish_files(keeper.model, animal.files())
    with ExitStack() as stack:
        patrol = keeper.users(stack)
        time.sleep(1)
        brought = time.time()
        keeper.bring(version, animal)
        told = keeper.room.wait(NAME, f"{name}: told bad", lambda body: is_told_bad(body, version), 180)
        seen = time.time()
        time.sleep(LAST_REQUEST + 1 if animal.traffic else 1)
        answers = patrol.stop()
    reason = condition(told, "RolloutHealthy")["reason"]
    assert reason in animal.reasons, condition(told, "RolloutHealthy")["message"]
    assert told["status"]["version"] == keeper.good
    assert condition(told, "Ready")["status"] == "True"
    check_users(answers, keeper.good, version, name, figures)
    if not animal.traffic:
        assert version not in answers.versions
        figures.at_most(f"{name}: brought -> told {reason}", seen - brought, BEFORE_TRAFFIC)
        return
    decided = decided_at(told, version)
    figures.at_most(f"{name}: first traffic -> {reason}", decided - keeper.first_traffic(version), WINDOW)
    if version in answers.versions:
        late = answers.versions[version].last - decided
        figures.at_most(f"{name}: decided -> last answer of it", max(late, 0.0), LAST_REQUEST)


def rollout(percent: int) -> dict[str, Any]:
    """Two steps, the first with this share."""
    return {
        "steps": [{"trafficPercent": each, "hold": f"{HOLD}s"} for each in (percent, max(percent, 50))],
        "scaleDownDelay": "1s",
        "maxHold": "2m",
        "analysis": {"interval": "2s", "minSamples": 100, "warmUp": "1s"},
    }


def check_users(answers: Round, good: str, bad: str, name: str, figures: Figures) -> None:
    """Nobody was refused, nobody asked in vain, and what the good version says is right."""
    print(f"stalled for {answers.stalled} s", *answers.failures, sep="\n")
    figures.at_most(f"{name}: failed of {answers.sent} requests", answers.failed, 0, "")
    assert set(answers.versions) <= {good, bad}, answers.versions
    assert answers.versions[good].wrong == 0, answers
    assert sum(each.count for each in answers.versions.values()) == answers.sent
    assert all(answers.doors[door]["sent"] > 0 for door in DOORS)


def gets_traffic(body: Object, version: str) -> bool:
    """Whether the status says that the candidate of this version gets a share."""
    status = body.get("status") or {}
    of_it = (status.get("candidate") or {}).get("version") == version
    return of_it and bool((status.get("rollout") or {}).get("trafficPercent"))


def is_told_bad(body: Object, version: str) -> bool:
    """Whether the CR says why this version does not come, and that it gets no traffic (any more)."""
    healthy = condition(body, "RolloutHealthy")
    current = healthy.get("observedGeneration") == body["metadata"]["generation"]
    meant = (body["status"].get("model") or {}).get("version") == version
    stalled = condition(body, "Stalled").get("status") == "True"
    return healthy.get("status") == "False" and current and meant and stalled and not gets_traffic(body, version)


def decided_at(body: Object, version: str) -> float:
    """When this version was rolled back (seconds since 1970)."""
    found = next(each for each in body["status"]["failed"] if each["version"] == version)
    return datetime.fromisoformat(found["at"]).timestamp()
