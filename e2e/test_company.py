"""Shadows and A/B tests on real traffic: what stands beside the version that serves, and cannot hurt its users."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from e2e.harness import zoo
from e2e.harness.api import Object
from e2e.harness.figures import Figures
from e2e.harness.installed import Installed
from e2e.harness.kinds import EVENT, POD
from e2e.harness.kstatus import condition
from e2e.harness.laws import is_ready, revision_of
from e2e.harness.models import Registry, train
from e2e.harness.patrol import Patrol
from e2e.harness.room import Room
from e2e.harness.traffic import Traffic
from e2e.harness.voters import Seen, Voters

NAME = "cancer"
HEADER = "x-user-id"
SALT = "exp-1"
SHARES = {"b": 30, "c": 20}
KEYS = [f"user-{number}" for number in range(300)]
SOON = {"analysis": {"interval": "2s"}}
RESOURCES = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}}
ZOO = zoo.animals()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def users(room: Room, traffic: Traffic, stack: ExitStack) -> Patrol:
    """People who ask about every patient by every door."""
    patrol = traffic.patrol(NAME, room.namespace)
    stack.callback(patrol.process.kill)
    return patrol


def voters(room: Room, traffic: Traffic, stack: ExitStack, keys: Sequence[str] = KEYS, **rounds: int) -> Voters:
    """People with keys."""
    found = Voters(traffic, room.namespace, NAME, train(0).request, keys, header=HEADER, **rounds)
    stack.callback(found.process.kill)
    return found


def test_a_challenger_sees_copies_and_a_crashing_one_hurts_nobody(
    room: Room,
    operator: Installed,
    registry: Registry,
    traffic: Traffic,
    figures: Figures,
    unique: str,
    stack: ExitStack,
) -> None:
    good = registry.publish_files(unique, zoo.good())
    differs = registry.publish_files(unique, ZOO["disagrees on 20 % of the rows"].files())
    crashes = registry.publish_files(unique, ZOO["crashes on one row in fifty"].files())
    shadow: dict[str, Any] = {"model": {"storageUri": f"models:/{unique}/{differs}"}}
    spec = {"rollout": SOON, "resources": RESOURCES}
    room.deploy(NAME, f"models:/{unique}/{good}", shadow=shadow, **spec)
    room.wait_steady(NAME, good)
    room.wait(NAME, "the shadow stands", lambda body: healthy(body) == ("True", "GuestsAnswer"))
    patrol = users(room, traffic, stack)
    told = room.wait(NAME, "400 comparisons", lambda body: counts(body, "shadow").get("compared", 0) >= 400)
    numbers = counts(told, "shadow")
    share = numbers["differing"] / numbers["compared"]
    figures.at_most("shadow: told disagreement - 20 %", abs(share - 0.2), 4 * (0.16 / numbers["compared"]) ** 0.5, "")
    assert 1 <= len(numbers["samples"]) <= 3
    assert "slowerMillis" in numbers
    metrics = counted(room, "moorage_comparisons_total", version=differs)
    assert metrics["differs"] >= numbers["differing"]
    shadow["model"]["storageUri"] = f"models:/{unique}/{crashes}"
    room.deploy(NAME, f"models:/{unique}/{good}", shadow=shadow, **spec)
    told = room.wait(NAME, "the shadow crashes", lambda body: healthy(body) == ("False", "CrashLoop"))
    message = condition(told, "GuestsHealthy")["message"]
    assert message.startswith(f"Shadow (version {crashes}): The server container ended with exit code ")
    assert message == guest(told, "shadow")["message"]
    assert condition(told, "Ready")["status"] == condition(told, "RolloutHealthy")["status"] == "True"
    answers = patrol.stop()
    print(*answers.failures, sep="\n")
    figures.at_most(f"shadow: failed of {answers.sent} requests", answers.failed, 0, "")
    assert set(answers.versions) == {good}
    assert answers.versions[good].wrong == 0
    reasons = {event["reason"] for event in room.api.all(EVENT, room.namespace)}
    assert {"GuestStands", "CrashLoop"} <= reasons
    room.deploy(NAME, f"models:/{unique}/{good}", **spec)
    room.wait(NAME, "no shadow any more", lambda body: not condition(body, "GuestsHealthy"))


def test_people_keep_their_arm_until_one_wins(
    room: Room,
    operator: Installed,
    registry: Registry,
    traffic: Traffic,
    figures: Figures,
    unique: str,
    stack: ExitStack,
) -> None:
    versions = dict(zip(("stable", "b", "c"), registry.publish(unique, 0, 1, 2), strict=True))
    arms = [arm(unique, name, versions[name], percent) for name, percent in SHARES.items()]
    test: dict[str, Any] = {"header": HEADER, "salt": SALT, "arms": arms}
    spec: dict[str, Any] = {"minReplicas": 2, "rollout": SOON}
    room.deploy(NAME, f"models:/{unique}/{versions['stable']}", abTest=test, **spec)
    room.wait_steady(NAME, versions["stable"])
    room.wait(NAME, "both arms stand", lambda body: healthy(body) == ("True", "GuestsAnswer"))
    expected = {key: versions[name] for key, name in assigned(KEYS).items()}
    room.until("all get what `moorage assign` says", lambda: once(room, traffic, stack).only, expected.__eq__)
    check_shares(Counter(expected.values()), versions, figures)

    people = voters(room, traffic, stack, rounds=3)
    restart(room, versions["stable"])
    seen = people.end()
    told(seen, "A/B: failed while a pod goes", figures)
    mixed = [key for key, answers in seen.by_key.items() if set(answers) != {expected[key]}]
    figures.at_most(f"A/B: keys of {len(KEYS)} that met another arm, {seen.sent} requests", len(mixed), 0, "")
    room.wait(NAME, "the arms' numbers", lambda body: all(agrees(room, body, name, versions) for name in SHARES))

    people = voters(room, traffic, stack)
    test["winner"] = "b"
    room.deploy(NAME, f"models:/{unique}/{versions['stable']}", abTest=test, **spec)
    won: Counter[str] = Counter({versions["b"]: len(KEYS)})
    room.until("all get the winner", lambda: Counter(once(room, traffic, stack).only.values()), won.__eq__)
    told(people.stop(), "A/B: failed while one wins", figures)

    people = voters(room, traffic, stack, rounds=3)
    room.deploy(NAME, f"models:/{unique}/{versions['b']}", abTest=test, **spec)
    room.wait_steady(NAME, versions["b"])
    room.deploy(NAME, f"models:/{unique}/{versions['b']}", **spec)
    room.wait_steady(NAME, versions["b"])
    seen = people.end()
    told(seen, "A/B: failed while the winner becomes stable", figures)
    assert set(seen.only.values()) == {versions["b"]}
    assert len(seen.only) == len(KEYS), "nobody met another version on the way"


def test_what_an_arm_fails_is_answered_by_the_version_that_serves(
    room: Room,
    operator: Installed,
    registry: Registry,
    traffic: Traffic,
    figures: Figures,
    unique: str,
    stack: ExitStack,
) -> None:
    good = registry.publish_files(unique, zoo.good())
    bad = registry.publish_files(unique, ZOO["fails on 5 % of the rows"].files())
    gone = registry.publish_files(unique, ZOO["is gone"].files())
    test = {"header": HEADER, "arms": [arm(unique, "d", bad, 50), arm(unique, "e", gone, 20)]}
    room.deploy(NAME, f"models:/{unique}/{good}", abTest=test, rollout=SOON, resources=RESOURCES)
    room.wait_steady(NAME, good)
    told = room.wait(NAME, "an arm without an artifact", lambda body: healthy(body) == ("False", "ArtifactNotFound"))
    assert condition(told, "GuestsHealthy")["message"].startswith(f"Arm e (version {gone}): ")
    room.wait(NAME, "the other one stands", lambda body: not guest(body, "d").get("message"))
    patrol = users(room, traffic, stack)
    told = room.wait(NAME, "failures", lambda body: counts(body, "d").get("failed", 0) >= 5)
    numbers = counts(told, "d")
    assert numbers["shielded"] == numbers["failed"], numbers
    answers = patrol.stop()
    print(*answers.failures, sep="\n")
    figures.at_most(f"A/B: failed of {answers.sent} requests, an arm fails 5 %", answers.failed, 0, "")
    assert set(answers.versions) == {good, bad}
    assert answers.versions[good].wrong == answers.versions[bad].wrong == 0
    share = answers.versions[bad].count / answers.sent
    figures.at_most("A/B: share of the failing arm - 47.5 %", abs(share - 0.475), 4 * (0.25 / answers.sent) ** 0.5, "")
    assert condition(room.get(NAME), "Ready")["status"] == condition(told, "RolloutHealthy")["status"] == "True"


def arm(model: str, name: str, version: str, percent: int) -> dict[str, Any]:
    """One entry of abTest.arms."""
    return {"name": name, "percent": percent, "model": {"storageUri": f"models:/{model}/{version}"}}


def healthy(body: Object) -> tuple[str, str]:
    """Status and reason of GuestsHealthy, of the present spec."""
    found = condition(body, "GuestsHealthy")
    if found.get("observedGeneration") != body["metadata"]["generation"]:
        return "", ""
    return found["status"], found["reason"]


def guest(body: Object, name: str) -> Object:
    """Its entry in the status; empty when there is none yet."""
    found: list[Object] = (body.get("status") or {}).get("guests") or []
    return next((each for each in found if each["name"] == name), {})


def counts(body: Object, name: str) -> Object:
    """What is told to be counted of a guest; empty before anything is."""
    found: Object = guest(body, name).get("counts") or {}
    return found


def once(room: Room, traffic: Traffic, stack: ExitStack) -> Seen:
    """Each key asks once."""
    return voters(room, traffic, stack, rounds=1).end()


def told(seen: Seen, what: str, figures: Figures) -> None:
    """Nobody was refused."""
    print(*seen.failures, sep="\n")
    figures.at_most(f"{what}, of {seen.sent} requests", seen.failed, 0, "")


def assigned(keys: Sequence[str]) -> dict[str, str]:
    """What `moorage assign` says of each key, which it has never seen."""
    words = ["assign", "--salt", SALT, *(f"--arm={name}={percent}" for name, percent in SHARES.items())]
    command = [sys.executable, "-m", "moorage_runtime.cli", *words]
    done = subprocess.run(command, input="\n".join(keys), capture_output=True, text=True, check=True, timeout=60)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return {key: name for key, _, name in rows}


def check_shares(counted: Counter[str], versions: dict[str, str], figures: Figures) -> None:
    """Keys fall into the arms as they should, within four sigma."""
    for name, percent in SHARES.items():
        expected, sigma = len(KEYS) * percent / 100, (len(KEYS) * percent / 100 * (1 - percent / 100)) ** 0.5
        away = abs(counted[versions[name]] - expected) / sigma
        figures.at_most(
            f"A/B: {counted[versions[name]]} of {len(KEYS)} keys in the arm of {percent} %", away, 4, "sigma"
        )


def restart(room: Room, version: str) -> None:
    """One of the pods that serve goes away, another comes."""
    gone = serving(room)[0]["metadata"]
    room.api.delete(POD, room.namespace, gone["name"])

    def replaced(pods: list[Object]) -> bool:
        there = {pod["metadata"]["uid"] for pod in pods if is_ready(pod)}
        return gone["uid"] not in there and len(there) == 2

    room.until("two pods again", lambda: serving(room), replaced)
    room.wait(NAME, "they are told", lambda body: body["status"]["readyReplicas"] == 2)
    assert room.get(NAME)["status"]["version"] == version


def serving(room: Room) -> list[Object]:
    """The pods of the version that serves."""
    stable = room.get(NAME)["status"]["stable"]["revision"]
    return [pod for pod in room.pods(NAME) if revision_of(pod) == stable]


def agrees(room: Room, body: Object, name: str, versions: dict[str, str]) -> bool:
    """Whether the status tells what the metrics of the pods do."""
    metrics = counted(room, "moorage_forwarded_requests_total", version=versions[name])
    numbers = counts(body, name)
    return bool(numbers) and numbers["requests"] == sum(metrics.values()) > 0 and metrics["ok"] == numbers["requests"]


def counted(room: Room, family: str, *, version: str) -> Counter[str]:
    """A family of the pods that serve, of one other version, summed by its last label."""
    found: Counter[str] = Counter()
    for pod in serving(room):
        path = f"{POD.path(room.namespace)}/http:{pod['metadata']['name']}:8081/proxy/metrics"
        for label, count in samples(room.api.request("GET", path)["message"], family, version):
            found[label] += count
    return found


def samples(text: str, family: str, version: str) -> Iterator[tuple[str, int]]:
    """Outcome or result, and count."""
    for labels, count in re.findall(rf"^{family}\{{(.*)\}} (\S+)$", text, re.MULTILINE):
        told = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if told["version"] == version:
            yield told.get("outcome") or told["result"], int(float(count))
