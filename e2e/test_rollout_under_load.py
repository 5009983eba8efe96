"""Twenty thousand requests while versions and sizes change: none fails."""

from __future__ import annotations

import time
from functools import partial
from itertools import pairwise

from e2e.harness.api import Object
from e2e.harness.figures import Figures
from e2e.harness.installed import Installed
from e2e.harness.models import Registry, train
from e2e.harness.room import Room
from e2e.harness.traffic import Traffic

REQUESTS = 20_000
CONNECTIONS = 8
PAUSE_SECONDS = 0.01


def test_no_request_lost(
    room: Room, operator: Installed, registry: Registry, traffic: Traffic, figures: Figures, unique: str
) -> None:
    versions = registry.publish(unique, 0, 1, 2, 0, 1, 2, 0)
    room.deploy("cancer", f"models:/{unique}/{versions[0]}", minReplicas=1)
    room.wait_steady("cancer", versions[0])
    with traffic.probe(room.url("cancer"), train(0).request) as probe:
        probe.first(versions[0], 20)
    load = traffic.load(
        room.url("cancer"),
        train(0).request,
        least=REQUESTS,
        connections=CONNECTIONS,
        pause=PAUSE_SECONDS,
    )
    replicas, ready_at = 1, dict[str, float]()
    for number, version in enumerate(versions[1:]):
        time.sleep(2)
        if number in (2, 4):
            replicas = 2 if replicas == 1 else 1
            room.deploy("cancer", f"models:/{unique}/{versions[number]}", minReplicas=replicas)
            room.wait("cancer", f"{replicas} pods", partial(has_ready, replicas))
        room.deploy("cancer", f"models:/{unique}/{version}", minReplicas=replicas)
        room.wait_ready("cancer", version)
        ready_at[version] = time.time()
    time.sleep(3)
    report = load.stop()
    figures.at_most(f"failed of {report.sent} requests, 6 version and 2 scale changes", report.failed, 0, "")
    answered = sum(seen.count for seen in report.versions.values())
    assert set(report.versions) == set(versions)
    assert answered + report.failed == report.sent >= REQUESTS
    late = max(report.versions[old].last - ready_at[new] for old, new in pairwise(versions))
    figures.at_most("new version ready -> last answer of the old one on a kept connection", late, 3.0)
    figures.at_most("p99 of these requests", report.p99_millis, 250.0, "ms")


def has_ready(replicas: int, body: Object) -> bool:
    """Whether so many pods serve."""
    return bool(body["status"].get("readyReplicas") == replicas)
