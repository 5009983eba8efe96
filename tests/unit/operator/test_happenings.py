"""What is told as an Event: each change of the status once, in words that stand alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from moorage_operator.api.model_deployment import Metadata, ModelDeploymentStatus
from moorage_operator.api.records import Happening
from moorage_operator.cluster.events import event
from moorage_operator.cluster.server import ApiError
from moorage_operator.cluster.write import Writer
from moorage_operator.judge.happenings import happenings

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
METADATA = Metadata(name="fraud", namespace="risk", uid="u1", resource_version="7")


def condition(kind: str, status: str, reason: str = "Why", message: str = "Because.") -> dict[str, Any]:
    transition = {"lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1}
    return {"type": kind, "status": status, "reason": reason, "message": message, **transition}


def revision(name: str, version: str) -> dict[str, Any]:
    return {"revision": name, "version": version, "artifactUri": "s3://b/1"}


def arm(**more: Any) -> dict[str, Any]:
    model = {"storageUri": "models:/m/7", "version": "7", "artifactUri": "s3://b/7", "registry": "default"}
    return {"role": "arm", "name": "b", "revision": "ccc", "model": model, **more}


def told(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, str]]:
    found = happenings(ModelDeploymentStatus.model_validate(before), after)
    return [(each.kind, str(each.reason), each.message) for each in found]


V1, V2 = revision("aaa", "1"), revision("bbb", "2")
STALLED = {"conditions": [condition("Stalled", "True", "VersionNotFound", "No version 9. Register it.")]}
Status = dict[str, Any]
CASES: dict[str, tuple[Status, Status, list[tuple[str, str, str]]]] = {
    "a first version comes in": ({}, {"candidate": V1}, [("Normal", "Loading", "Version 1 comes in (aaa).")]),
    "a first version serves": ({"candidate": V1}, {"stable": V1}, [("Normal", "Serving", "Version 1 (aaa) serves.")]),
    "a version replaces another": (
        {"stable": V1, "candidate": V2},
        {"stable": V2},
        [("Normal", "Serving", "Version 2 (bbb) serves instead of 1 (aaa).")],
    ),
    "a candidate is replaced": (
        {"stable": V1, "candidate": V2},
        {"stable": V1, "candidate": revision("ccc", "3")},
        [("Normal", "Loading", "Version 3 comes in (ccc).")],
    ),
    "it stalls": ({}, STALLED, [("Warning", "VersionNotFound", "No version 9. Register it.")]),
    "it stalls for another reason": (
        STALLED,
        {"conditions": [condition("Stalled", "True", "AliasNotFound", "No alias.")]},
        [("Warning", "AliasNotFound", "No alias.")],
    ),
    "an arm stands": (
        {"guests": [arm(reason="Loading", message="Arm b (version 7) downloads, loads and tests its model.")]},
        {"guests": [arm(readyReplicas=1)]},
        [("Normal", "GuestStands", "Arm b (version 7) answers its clients.")],
    ),
    "a shadow stands": (
        {},
        {"guests": [arm(role="shadow", name="shadow", readyReplicas=1)]},
        [("Normal", "GuestStands", "Shadow (version 7) gets its copies.")],
    ),
    "an arm fails": (
        {"guests": [arm(readyReplicas=1)]},
        {"guests": [arm(reason="CrashLoop", message="Arm b (version 7): It ends.")]},
        [("Warning", "CrashLoop", "Arm b (version 7): It ends.")],
    ),
    "an arm goes on failing": (
        {"guests": [arm(reason="CrashLoop", message="Arm b (version 7): It ends.")]},
        {"guests": [arm(reason="CrashLoop", message="Arm b (version 7): It ended.")]},
        [],
    ),
    "an arm recovers": (
        {"guests": [arm(reason="CrashLoop", message="Arm b (version 7): It ends.")]},
        {"guests": [arm(readyReplicas=1)]},
        [("Normal", "GuestStands", "Arm b (version 7) answers its clients. CrashLoop is over.")],
    ),
    "an arm gets another version": (
        {"guests": [arm(readyReplicas=1)]},
        {"guests": [arm(revision="ddd", readyReplicas=1)]},
        [("Normal", "GuestStands", "Arm b (version 7) answers its clients.")],
    ),
    "an arm counts": (
        {"guests": [arm(readyReplicas=1)]},
        {"guests": [arm(readyReplicas=1, counts={"at": "2026-01-01T00:00:00Z", "requests": 5})]},
        [],
    ),
    "an arm's model serves now": (
        {"guests": [arm(readyReplicas=1)]},
        {"guests": [arm(readyReplicas=1, message="Arm b (version 7) is the version that serves.")]},
        [],
    ),
    "it recovers": (
        STALLED,
        {"conditions": [condition("Stalled", "False", "NotStalled")]},
        [("Normal", "NotStalled", "VersionNotFound is over.")],
    ),
    "the registry goes away": (
        {"conditions": [condition("RegistryReachable", "True", "Reachable")]},
        {"conditions": [condition("RegistryReachable", "False", "RegistryTimeout", "No answer in 5 s.")]},
        [("Warning", "RegistryTimeout", "No answer in 5 s.")],
    ),
    "the pods go away": (
        {"conditions": [condition("Ready", "True", "Serving")]},
        {"conditions": [condition("Ready", "False", "NoPodReady", "No pod answers.")]},
        [("Warning", "NoPodReady", "No pod answers.")],
    ),
    "nothing has served yet": ({}, {"conditions": [condition("Ready", "False", "NotServedYet")]}, []),
    "only a sentence changed": (
        STALLED,
        {"conditions": [condition("Stalled", "True", "VersionNotFound", "No version 9 today.")]},
        [],
    ),
    "nothing changed": ({**STALLED, "stable": V1, "candidate": V2}, {**STALLED, "stable": V1, "candidate": V2}, []),
}


@pytest.mark.parametrize("case", CASES)
def test_a_change_is_told_once(case: str) -> None:
    before, after, expected = CASES[case]
    assert told(before, after) == expected


def test_the_event_is_about_the_resource_and_bounded() -> None:
    made = event(METADATA, Happening("Warning", "OOMKilled", "é" * 2000), NOW)
    assert made["involvedObject"] == {
        "apiVersion": "moorage.dev/v1alpha1",
        "kind": "ModelDeployment",
        "name": "fraud",
        "namespace": "risk",
        "uid": "u1",
    }
    assert (made["type"], made["reason"], made["lastTimestamp"]) == ("Warning", "OOMKilled", "2026-01-02T03:04:05Z")
    assert len(made["message"].encode()) <= 1024


def test_a_repeated_pass_tells_the_same_event_and_a_later_one_another() -> None:
    happening = Happening("Normal", "Serving", "Version 1 (aaa) serves.")
    name = event(METADATA, happening, NOW)["metadata"]["name"]
    assert event(METADATA, happening, NOW.replace(minute=5))["metadata"]["name"] == name
    later = METADATA.model_copy(update={"resource_version": "8"})
    assert event(later, happening, NOW)["metadata"]["name"] != name


class Refusing:
    """An API server that answers every event with `code`."""

    def __init__(self, code: int) -> None:
        self.code = code
        self.calls = 0

    async def call(self, *_: Any, **__: Any) -> Any:
        self.calls += 1
        raise ApiError(self.code, "No", "no")


@pytest.mark.parametrize("code", [403, 409, 422])
async def test_a_refused_event_fails_no_pass(code: int) -> None:
    api = Refusing(code)
    writer = Writer(api, lambda: 5.0)  # type: ignore[arg-type]
    await writer.tell(METADATA, [Happening("Normal", "A", "a"), Happening("Normal", "B", "b")], NOW)
    assert api.calls == 2


async def test_an_event_without_an_answer_is_told_again() -> None:
    writer = Writer(Refusing(0), lambda: 5.0)  # type: ignore[arg-type]
    with pytest.raises(ApiError):
        await writer.tell(METADATA, [Happening("Normal", "A", "a")], NOW)
