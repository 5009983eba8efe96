"""What GitOps tools rely on: the spec is the user's alone, and the status can be believed at every moment."""

from __future__ import annotations

from e2e.harness.installed import Installed
from e2e.harness.kstatus import Verdict, verdict
from e2e.harness.models import Registry
from e2e.harness.room import Room


def test_spec_and_metadata_stay_the_appliers(room: Room, operator: Installed, registry: Registry, unique: str) -> None:
    first, second = registry.publish(unique, 0, 1)
    registry.alias(unique, "live", first)
    room.deploy("cancer", f"models:/{unique}@live")
    room.wait_steady("cancer", first)
    registry.alias(unique, "live", second)
    body = room.wait_steady("cancer", second)
    assert body["metadata"]["generation"] == 1
    assert not body["metadata"].get("finalizers")
    assert not body["metadata"].get("annotations")
    for entry in body["metadata"]["managedFields"]:
        touched = set(entry["fieldsV1"])
        if entry["manager"] == "e2e":
            assert touched == {"f:spec"}
        else:
            assert touched == {"f:status"}, f"{entry['manager']} owns {touched}"
            assert entry.get("subresource") == "status"


def test_kubectl_wait_and_kstatus(room: Room, operator: Installed, registry: Registry, unique: str) -> None:
    first, second = registry.publish(unique, 0, 2)
    room.deploy("cancer", f"models:/{unique}/{first}")
    wait = ("wait", "-n", room.namespace, "--for=condition=Ready", "mdep/cancer", "--timeout=60s")
    assert "condition met" in room.kubectl.run(*wait, seconds=70)
    room.wait_steady("cancer", first)
    room.deploy("cancer", f"models:/{unique}/{second}")
    room.kubectl.run(*wait, seconds=70)
    assert room.get("cancer")["status"]["version"] == second, "kubectl wait came back before the new version served"
    room.wait_steady("cancer", second)
    room.deploy("cancer", f"models:/{unique}/999")
    room.wait_stalled("cancer", "VersionNotFound")
    witness = room.witnesses["cancer"]
    room.until(
        "the last state seen", lambda: witness.moments[-1].body, lambda body: verdict(body) is Verdict.FAILED, 10
    )
    told = [told for told in witness.verdicts() if told is not Verdict.TERMINATING]
    progress, current, failed = Verdict.IN_PROGRESS, Verdict.CURRENT, Verdict.FAILED
    assert told == [progress, current, progress, current, progress, failed]
