"""Thousands of requests while versions and sizes change: none fails, and what was promoted answers alone."""

from __future__ import annotations

import os
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
ROLLOUTS = int(os.environ.get("MOORAGE_E2E_ROLLOUTS", "2"))
"""So many good versions come by steps; 20 are the whole measurement."""
REQUESTS_A_ROLLOUT = 5_000
SECONDS_A_ROLLOUT = 120.0
CONNECTIONS_BY_STEPS = 16
STEPS = {
    "steps": [{"trafficPercent": percent, "hold": "2s"} for percent in (10, 50, 90)],
    "scaleDownDelay": "1s",
    "maxHold": "1m",
    "analysis": {"interval": "1s", "minSamples": 50, "warmUp": "500ms"},
}
RESOURCES = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}}


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
        time.sleep(1)
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


def test_no_request_lost_and_none_answered_by_what_was_replaced(
    room: Room, operator: Installed, registry: Registry, traffic: Traffic, figures: Figures, unique: str
) -> None:
    versions = registry.publish(unique, *[0] * (ROLLOUTS + 1))
    bring = partial(room.deploy, "cancer", rollout=STEPS, resources=RESOURCES)
    bring(f"models:/{unique}/{versions[0]}")
    room.wait_steady("cancer", versions[0], 120)
    load = traffic.load(
        room.url("cancer"),
        train(0).request,
        least=REQUESTS_A_ROLLOUT * ROLLOUTS,
        connections=CONNECTIONS_BY_STEPS,
        seconds=SECONDS_A_ROLLOUT * ROLLOUTS,
        pause=PAUSE_SECONDS,
    )
    began = time.monotonic()
    for version in versions[1:]:
        bring(f"models:/{unique}/{version}")
        room.wait_steady("cancer", version, SECONDS_A_ROLLOUT)
    seconds = time.monotonic() - began
    report = load.stop()
    print(f"{ROLLOUTS} rollouts in {seconds:.0f} s, {report.sent} requests", *report.failures, sep="\n")
    print(f"p50, p99, most: {report.p50_millis}, {report.p99_millis}, {report.most_millis} ms; quiet {report.quiet}")
    figures.at_most(f"failed of {report.sent} requests, {ROLLOUTS} rollouts by 3 steps", report.failed, 0, "")
    answered = sum(seen.count for seen in report.versions.values())
    assert set(report.versions) == set(versions)
    assert answered + report.failed == report.sent >= REQUESTS_A_ROLLOUT * ROLLOUTS
    moments = room.witnesses["cancer"].moments
    promoted = {each: next(moment.at for moment in moments if serves(each, moment.body)) for each in versions}
    late = [old for old, new in pairwise(versions) if report.versions[old].last > promoted[new]]
    print({old: round(report.versions[old].last - promoted[new], 2) for old, new in pairwise(versions)})
    figures.at_most("versions that answered after the promotion of the next was told", len(late), 0, "")


def serves(version: str, body: Object) -> bool:
    """Whether the status says that this version is the one that serves."""
    return bool((body.get("status") or {}).get("version") == version)


def has_ready(replicas: int, body: Object) -> bool:
    """Whether so many pods serve."""
    return bool(body["status"].get("readyReplicas") == replicas)
